from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Event
from billing.exceptions import RefundTooLarge
from invoices import selectors
from invoices.exceptions import AmountNotAvailable, CreditNotSplit, InvalidTransition
from invoices.models import CreditNote, LedgerEntry
from invoices.services.correcting import void_invoice
from invoices.services.crediting import Split, issue_credit_note, preview_credit_note
from tests.at_once import at_once
from tests.factories import InvoiceFactory
from tests.invoices.services.crediting import (
    NOW,
    balance,
    credit,
    credited,
    finalized,
    ledger,
    pay,
)

pytestmark = pytest.mark.django_db


def test_a_full_credit_settles_what_nobody_paid():
    invoice = finalized((100, 2, 19))

    note = credit(invoice)

    assert (note.number, note.net, note.tax, note.total) == (
        "CN-00001",
        20000,
        3800,
        23800,
    )
    assert (note.reduces, note.refunds, note.to_balance) == (23800, 0, 0)
    assert ledger(invoice) == [("credit", 23800)]
    invoice.refresh_from_db()
    assert (invoice.status, selectors.amounts(invoice).due) == ("paid", 0)
    assert Event.objects.filter(type="credit_note.issued").get().data == {
        "invoice": "INV-00001",
        "number": "CN-00001",
        "total": 23800,
        "currency": "EUR",
        "reason": "Returned",
    }


def test_a_part_reduces_what_is_due_first():
    invoice = finalized((100, 2, 19))
    pay(invoice, 10000)
    line = invoice.lines.get()

    note = credit(invoice, {line.pk: Decimal("0.5")})

    assert (note.total, note.reduces) == (5950, 5950)
    assert selectors.amounts(invoice).due == 23800 - 10000 - 5950
    assert credit(invoice, {line.pk: Decimal("0.5")}).number == "CN-00002"


def test_the_excess_goes_where_it_is_said():
    invoice = finalized((100, 2, 0))
    pay(invoice, 20000)

    note = credit(invoice, to_balance=15000, out_of_band=5000)

    assert (note.reduces, note.to_balance, note.out_of_band) == (0, 15000, 5000)
    assert ledger(invoice) == [
        ("payment", 20000),
        ("to_balance", -15000),
        ("out_of_band", -5000),
    ]
    assert balance(invoice) == 15000
    assert selectors.amounts(invoice).refunded == 20000


@pytest.mark.parametrize(
    "split",
    [
        {},
        {"to_balance": 4999},
        {"to_balance": 5001},
        {"to_balance": 6000, "refunds": -1000},
    ],
)
def test_the_split_is_exactly_the_excess(split):
    invoice = finalized((100, 1, 0))
    pay(invoice, 5000)

    with pytest.raises(CreditNotSplit, match=r"Say where €50\.00 goes"):
        credit(invoice, **split)

    assert not CreditNote.objects.exists()
    assert ledger(invoice) == [("payment", 5000)]


def test_what_was_not_paid_by_card_is_not_refunded_to_one():
    invoice = finalized((100, 1, 0))
    pay(invoice, 10000)

    with pytest.raises(
        RefundTooLarge, match=r"€0\.00 of this invoice was paid by card"
    ):
        credit(invoice, refunds=10000)

    assert ledger(invoice) == [("payment", 10000)]
    assert not CreditNote.objects.exists()


def test_money_that_has_left_does_not_leave_again():
    invoice = finalized((100, 1, 0))
    pay(invoice, 10000)
    LedgerEntry.objects.create(
        invoice=invoice, kind="out_of_band", source="x", amount=-4000,
        currency="EUR", occurred_at=NOW,
    )  # fmt: skip

    with pytest.raises(AmountNotAvailable, match=r"€60\.00 of what was paid"):
        credit(invoice, out_of_band=10000)


def test_a_refund_made_before_counts_towards_the_refund():
    invoice = finalized((100, 1, 0))
    LedgerEntry.objects.create(
        invoice=invoice, kind="payment", source="pi_1", amount=10000,
        currency="EUR", occurred_at=NOW,
    )  # fmt: skip
    LedgerEntry.objects.create(
        invoice=invoice, kind="refund", source="re_1", amount=-10000,
        currency="EUR", occurred_at=NOW,
    )  # fmt: skip
    invoice.status, invoice.paid_at = "paid", NOW
    invoice.save()

    note = credit(invoice, refunds=10000)

    assert note.refunds == 10000
    assert selectors.amounts(invoice).refunded == 10000


def test_a_credit_of_lines_alone_is_no_more_than_the_invoice_with_what_was_returned():
    invoice = finalized((100, 1, 0), (40, -1, 0))
    first, _ = invoice.lines.order_by("position")

    with pytest.raises(AmountNotAvailable, match=r"€60\.00 .* comes to €100\.00"):
        credit(invoice, {first.pk: Decimal(1)})

    assert credit(invoice).total == 6000


def test_what_was_prepaid_can_go_back_otherwise():
    invoice = finalized((100, 1, 0), prepaid_amount=Decimal(30))

    note = credit(invoice, out_of_band=3000)

    assert (note.reduces, note.out_of_band) == (7000, 3000)
    assert selectors.amounts(invoice).due == 0


def test_no_more_is_credited_than_there_was():
    invoice = finalized((100, 2, 19), (10, 1, 7))
    first, second = invoice.lines.order_by("position")
    credit(invoice, {first.pk: Decimal("1.5")})

    with pytest.raises(ValidationError) as refused:
        credit(invoice, {first.pk: Decimal("0.6"), second.pk: Decimal(1)})
    assert refused.value.message_dict == {
        f"lines.{first.pk}": ["0.5 of this is left to credit."]
    }

    credit(invoice)
    with pytest.raises(AmountNotAvailable, match="Nothing is left"):
        credit(invoice)
    assert credited(invoice) == (invoice.net, invoice.tax, invoice.total)


def test_lines_of_other_invoices_are_unknown():
    invoice, other = finalized((100, 1, 19)), finalized((100, 1, 19))

    with pytest.raises(ValidationError, match="There is no such line"):
        credit(invoice, {other.lines.get().pk: Decimal(1)})


def test_drafts_and_void_invoices_are_not_credited():
    void = finalized((100, 1, 19))
    void_invoice(invoice=void, actor=None, now=NOW)

    for invoice in (InvoiceFactory(), void):
        with pytest.raises(InvalidTransition, match="can be credited"):
            credit(invoice)


def test_a_reason_is_needed():
    with pytest.raises(ValidationError, match="Say why"):
        issue_credit_note(
            invoice=finalized((100, 1, 19)),
            quantities=None,
            reason=" ",
            split=Split(),
            actor=None,
            now=NOW,
        )


def test_a_preview_saves_nothing():
    invoice = finalized((100, 2, 19))
    pay(invoice, 20000)

    draft = preview_credit_note(invoice=invoice, quantities=None)

    assert (draft.total, draft.reduces, draft.excess) == (23800, 3800, 20000)
    assert not CreditNote.objects.exists()


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_credit_it_twice():
    invoice = finalized((100, 1, 19))

    def try_it():
        try:
            return credit(invoice).number
        except AmountNotAvailable:
            return None

    assert sorted(at_once([try_it] * 4), key=str) == ["CN-00001", None, None, None]
    assert ledger(invoice) == [("credit", 11900)]


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_first_credit_notes_of_a_business_take_turns():
    first = finalized((100, 1, 19))
    invoices = [first, *(finalized((50, 1, 0), business=first.business) for _ in "abc")]

    numbers = at_once([lambda row=row: credit(row).number for row in invoices])

    assert sorted(numbers) == ["CN-00001", "CN-00002", "CN-00003", "CN-00004"]
