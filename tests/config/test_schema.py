"""The API's own description."""

import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import OpenAPIV31SpecValidator

from accounts.api.urls import router as accounts
from billing.api.urls import router as billing
from blog.api.urls import router as blog
from invoices.api.urls import router as invoices

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(public=True)


def test_the_description_is_made_without_a_warning(tmp_path):
    call_command(
        "spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "api.yml")
    )


def test_the_description_is_openapi_3_1(client, db):
    response = client.get("/api/schema/", HTTP_ACCEPT="application/json")

    assert response.status_code == 200
    assert response.data["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(response.data).validate()


def test_every_resource_is_described(schema):
    described = {path.split("/")[3] for path in schema["paths"]}

    resources = [
        *accounts.registry,
        *blog.registry,
        *invoices.registry,
        *billing.registry,
    ]
    # What belongs to a row is described below it.
    assert described == {prefix.split("/")[0] for prefix, _, _ in resources}


def test_the_documentation_is_a_page(client):
    response = client.get("/api/docs/")

    assert response.status_code == 200
    assert b"swagger" in response.content
