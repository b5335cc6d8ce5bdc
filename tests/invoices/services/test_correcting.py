from datetime import UTC, datetime

import pytest

from accounts.models import Event
from invoices.exceptions import InvalidTransition, MoneyReceived
from invoices.models import Invoice, LedgerEntry
from invoices.services.correcting import (
    duplicate_invoice,
    give_up_invoice,
    revise_invoice,
    void_invoice,
)
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.finalizing import finalize_invoice
from invoices.services.receiving import record_payment, reverse_payment
from tests.factories import InvoiceFactory, UserFactory
from tests.unguarded import unguarded

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


def test_void_invoice_refuses_what_was_credited_and_whose_payment_bounced(invoice):
    fields = {"method": "cash", "amount": 11900, "received_on": NOW.date()}
    payment = record_payment(invoice=invoice, fields=fields, actor=None, now=NOW)
    issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Returned",
        split=Split(to_balance=11900),
        actor=None,
        now=NOW,
    )
    reverse_payment(payment=payment, reason="Bounced", actor=None, now=NOW)

    # What was kept for the customer has not come: it is owed.
    with pytest.raises(MoneyReceived, match="was credited"):
        void_invoice(invoice=invoice, actor=None, now=NOW)


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


def test_void_invoice_refuses_what_was_credited(invoice):
    receive(invoice, LedgerEntry.Kind.CREDIT)

    with pytest.raises(MoneyReceived, match="Credit the rest"):
        void_invoice(invoice=invoice, actor=None, now=NOW)


def test_revise_invoice_voids_it_and_copies_what_was_typed(invoice):
    with unguarded():
        invoice.adjustments.create(
            reason="Freight", amount=5, tax_rate=invoice.lines.get().tax_rate, net=500
        )

    draft = revise_invoice(invoice=invoice, actor=None, now=NOW)

    invoice.refresh_from_db()
    assert (invoice.status, invoice.revision) == ("void", draft)
    assert (draft.status, draft.number, draft.total) == ("draft", None, None)
    (old,), (new,) = invoice.lines.all(), draft.lines.all()
    typed = [(row.description, row.quantity, row.unit_price) for row in (old, new)]
    assert typed[0] == typed[1]
    assert (new.net, new.tax_name, new.tax_percent) == (None, "", None)
    freight = draft.adjustments.get()
    assert (freight.reason, freight.amount, freight.net) == ("Freight", 5, None)
    finalize_invoice(invoice=draft, actor=None, now=NOW)
    assert draft.lines.get().net == old.net


def test_revise_invoice_leaves_one_that_was_paid_as_it_is(invoice):
    receive(invoice, LedgerEntry.Kind.PAYMENT)

    with pytest.raises(MoneyReceived):
        revise_invoice(invoice=invoice, actor=None, now=NOW)

    assert list(Invoice.objects.values_list("status", flat=True)) == ["open"]


def test_duplicate_invoice_leaves_the_first_alone(invoice):
    draft = duplicate_invoice(invoice=invoice, actor=None, now=NOW)

    invoice.refresh_from_db()
    assert (invoice.status, draft.status, draft.revises) == ("open", "draft", None)
    assert draft.lines.count() == 1
