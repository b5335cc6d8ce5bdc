from datetime import UTC, datetime

import pytest

from accounts.models import Event
from invoices.exceptions import InvalidTransition, MoneyReceived
from invoices.models import LedgerEntry
from invoices.services.correcting import give_up_invoice, void_invoice
from tests.factories import InvoiceFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def receive(invoice, kind, amount=1):
    LedgerEntry.objects.create(
        invoice=invoice,
        kind=kind,
        source="pi_1",
        amount=amount,
        currency="EUR",
        occurred_at=NOW,
    )


def test_void_invoice_keeps_the_number(invoice):
    actor = UserFactory()

    void_invoice(invoice=invoice, actor=actor, now=NOW)

    invoice.refresh_from_db()
    assert (invoice.status, invoice.voided_at) == ("void", NOW)
    assert invoice.number == "INV-00001"
    event = Event.objects.get()
    assert (event.type, event.actor) == ("invoice.voided", actor)


def test_void_invoice_takes_one_given_up(invoice):
    give_up_invoice(invoice=invoice, actor=None, now=NOW)

    assert void_invoice(invoice=invoice, actor=None, now=NOW).status == "void"


def test_void_invoice_refuses_once_money_arrived(invoice):
    receive(invoice, LedgerEntry.Kind.PAYMENT)

    with pytest.raises(MoneyReceived, match="Refund it instead"):
        void_invoice(invoice=invoice, actor=None, now=NOW)

    invoice.refresh_from_db()
    assert (invoice.status, Event.objects.count()) == ("open", 0)


def test_void_invoice_does_not_mind_money_that_is_held(invoice):
    receive(invoice, LedgerEntry.Kind.HELD)

    assert void_invoice(invoice=invoice, actor=None, now=NOW).status == "void"


def test_void_invoice_refuses_drafts_and_void_ones(invoice):
    void_invoice(invoice=invoice, actor=None, now=NOW)

    refusals = {
        InvoiceFactory(): "is draft and cannot become void",
        invoice: "is void already",
    }
    for row, sentence in refusals.items():
        with pytest.raises(InvalidTransition, match=sentence):
            void_invoice(invoice=row, actor=None, now=NOW)


def test_give_up_invoice_leaves_it_payable(invoice):
    give_up_invoice(invoice=invoice, actor=None, now=NOW)

    invoice.refresh_from_db()
    assert (invoice.status, invoice.is_payable) == ("uncollectible", True)
    assert Event.objects.get().type == "invoice.given_up"


def test_give_up_invoice_refuses_anything_but_an_open_one(invoice):
    give_up_invoice(invoice=invoice, actor=None, now=NOW)

    refusals = {
        InvoiceFactory(): "is draft and cannot become uncollectible",
        invoice: "is uncollectible already",
    }
    for row, sentence in refusals.items():
        with pytest.raises(InvalidTransition, match=sentence):
            give_up_invoice(invoice=row, actor=None, now=NOW)
