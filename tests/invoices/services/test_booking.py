from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from accounts.models import Event
from invoices import selectors
from invoices.models import LedgerEntry
from invoices.services.booking import book
from invoices.services.correcting import give_up_invoice, void_invoice
from invoices.services.locking import lock_invoice
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
Kind = LedgerEntry.Kind


def receive(invoice, amount, kind=Kind.PAYMENT, source="pi_1", actor=None):
    with transaction.atomic():
        return book(
            invoice=lock_invoice(invoice.pk),
            kind=kind,
            source=source,
            amount=amount,
            currency="EUR",
            occurred_at=NOW - timedelta(minutes=1),
            now=NOW,
            actor=actor,
        )


def types():
    return [event.type for event in Event.objects.order_by("pk")]


def test_book_in_full_pays_the_invoice(invoice):
    actor = UserFactory()

    assert receive(invoice, 11900, actor=actor) is True

    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_at) == ("paid", NOW - timedelta(minutes=1))
    booked, paid = Event.objects.order_by("pk")
    assert (booked.type, booked.actor) == ("invoice.payment_booked", actor)
    assert booked.data == {"source": "pi_1", "amount": 11900, "currency": "EUR"}
    assert (paid.type, paid.actor) == ("invoice.paid", None)


def test_book_in_parts_pays_with_the_last(invoice):
    receive(invoice, 11899, source="pi_1")
    invoice.refresh_from_db()
    assert invoice.status == "open"

    receive(invoice, 1, source="pi_2")

    invoice.refresh_from_db()
    assert invoice.status == "paid"


def test_book_writes_a_fact_once(invoice):
    receive(invoice, 5000)

    assert receive(invoice, 5000) is False

    assert selectors.amounts(invoice).paid == 5000
    assert types() == ["invoice.payment_booked"]


def test_book_takes_too_much_too(invoice):
    receive(invoice, 11900, source="pi_1")
    receive(invoice, 11900, source="pi_2")

    assert selectors.amounts(invoice).paid == 23800
    assert types().count("invoice.paid") == 1


def test_book_of_held_money_pays_nothing(invoice):
    receive(invoice, 11900, kind=Kind.HELD)

    invoice.refresh_from_db()
    assert (invoice.status, selectors.amounts(invoice).held) == ("open", 11900)


def test_book_of_a_refund_does_not_reopen_the_debt(invoice):
    receive(invoice, 11900)
    receive(invoice, -11900, kind=Kind.REFUND, source="re_1")

    invoice.refresh_from_db()
    amounts = selectors.amounts(invoice)
    assert (invoice.status, amounts.refunded, amounts.due) == ("paid", 11900, 0)


def test_book_of_a_failed_refund_takes_it_back(invoice):
    receive(invoice, 11900)
    receive(invoice, -11900, kind=Kind.REFUND, source="re_1")
    receive(invoice, 11900, kind=Kind.REFUND_FAILED, source="re_1")

    assert selectors.amounts(invoice).refunded == 0


def test_book_pays_what_was_given_up(invoice):
    give_up_invoice(invoice=invoice, actor=None, now=NOW)

    receive(invoice, 11900)

    invoice.refresh_from_db()
    assert invoice.status == "paid"


def test_book_leaves_a_void_invoice_void(invoice):
    void_invoice(invoice=invoice, actor=None, now=NOW)

    receive(invoice, 11900, kind=Kind.HELD)

    invoice.refresh_from_db()
    assert invoice.status == "void"
