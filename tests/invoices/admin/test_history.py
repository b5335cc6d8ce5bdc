import pytest

from accounts.models import Event
from invoices.admin.history import happening
from tests.factories import UserFactory
from tests.rows import AT

pytestmark = pytest.mark.django_db


def event(type_: str, **fields: object) -> Event:
    return Event(type=type_, occurred_at=AT, **fields)


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        ({}, ""),
        ({"number": "INV-1", "total": 11900, "currency": "EUR"}, "INV-1 · €119.00"),
        ({"amount": 500, "currency": "JPY", "source": "pi_1"}, "¥500"),
        ({"to": "acme@example.com"}, "acme@example.com"),
        ({"email": "jo@example.com", "role": "viewer"}, "jo@example.com · viewer"),
        ({"amount": "a lot", "currency": "EUR"}, ""),
        ({"amount": 500}, ""),
    ],
)
def test_the_detail_is_what_a_person_asks_next(data, detail):
    assert happening(event("invoice.updated", data=data)).detail == detail


def test_an_event_is_told_in_words():
    told = happening(event("tax_rate.created", actor=UserFactory(full_name="Jo Doe")))

    assert (told.what, told.who, told.at) == ("Tax rate created", "Jo Doe", AT)


def test_people_without_a_name_are_told_by_their_address():
    actor = UserFactory(full_name="", email="jo@example.com")

    assert happening(event("invoice.sent", actor=actor)).who == "jo@example.com"
