import pytest

from accounts.api.pagination import Counted
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db


def test_the_schema_says_that_pages_are_counted():
    schema = Counted().get_paginated_response_schema({"type": "array"})

    assert schema["properties"]["count"]["type"] == "integer"
    assert {"count", "results"} <= set(schema["required"])
    assert {"next", "previous", "results"} <= set(schema["properties"])


def test_what_is_not_counted_says_nothing(api):
    MembershipFactory()

    assert set(api.get("/api/v1/members/").json()) == {"next", "previous", "results"}
