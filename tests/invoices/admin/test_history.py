from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Event
from invoices.admin.history import happening, invoice_timeline
from invoices.models import Delivery, LedgerEntry
from invoices.services import crediting
from invoices.services.opening import note_opened
from tests.factories import UserFactory
from tests.rows import AT, frozen

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


@pytest.mark.parametrize("kind", LedgerEntry.Kind)
def test_money_is_told_in_words_of_its_own(kind):
    told = happening(event(f"invoice.{kind}_booked"))

    assert "booked" not in told.what


def test_an_invoice_is_told_with_credit_mail_and_opens(business):
    invoice = frozen(business)
    note = crediting.issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Taken back",
        split=crediting.Split(),
        actor=None,
        now=timezone.now(),
    )
    later = timezone.now() + timedelta(1)
    for day in (later, later + timedelta(1)):
        note_opened(invoice=invoice, now=day)
        invoice.refresh_from_db()
    Delivery.objects.create(
        business=business,
        customer=invoice.customer,
        invoice=invoice,
        kind=Delivery.Kind.INVOICE,
        status=Delivery.Status.SENT,
        to=["acme@example.com"],
        queued_at=AT,
        sent_at=later + timedelta(2),
    )

    told = invoice_timeline(invoice)

    assert [each.what for each in told][:5] == [
        "Invoice handed to the mail server",
        "Link opened most lately",
        "Link opened for the first time",
        "Credit note issued",
        "Paid in full",
    ]
    assert told[0].detail == "acme@example.com"
    assert note.number in told[3].detail
