from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Business, Event
from billing.exceptions import RefundTooLarge
from invoices import selectors
from invoices.exceptions import AmountNotAvailable, CreditNotSplit, InvalidTransition
from invoices.models import (
    BalanceEntry,
    CreditNote,
    CreditNoteTax,
    InvoiceAdjustment,
    LedgerEntry,
)
from invoices.services.correcting import void_invoice
from invoices.services.crediting import Split, issue_credit_note, preview_credit_note
from invoices.services.finalizing import finalize_invoice
from invoices.services.receiving import record_payment
from tests.at_once import at_once
from tests.factories import InvoiceFactory, InvoiceLineFactory, TaxRateFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def finalized(*lines, adjustments=(), **fields):
    """
    An open invoice; each line is price, quantity and percent of tax. Adjustments are
    taxed as the first line is.
    """
    invoice = InvoiceFactory(**fields)
    rates = {
        percent: TaxRateFactory(business=invoice.business, percent=Decimal(percent))
        for percent in {percent for *_, percent in lines}
    }
    for position, (price, quantity, percent) in enumerate(lines):
        InvoiceLineFactory(
            invoice=invoice,
            unit_price=Decimal(price),
            quantity=Decimal(quantity),
            tax_rate=rates[percent],
            position=position,
        )
    for more in adjustments:
        rate = rates[lines[0][2]]
        InvoiceAdjustment.objects.create(invoice=invoice, tax_rate=rate, **more)
    return finalize_invoice(invoice=invoice, actor=None, now=NOW)


def credit(invoice, quantities=None, **split):
    return issue_credit_note(
        invoice=invoice,
        quantities=quantities,
        reason="Returned",
        split=Split(**split),
        actor=None,
        now=NOW,
    )


def pay(invoice, amount):
    fields = {"method": "cash", "amount": amount, "received_on": NOW.date()}
    return record_payment(invoice=invoice, fields=fields, actor=None, now=NOW)


def ledger(invoice):
    return list(invoice.ledger.order_by("pk").values_list("kind", "amount"))


def balance(invoice):
    entries = BalanceEntry.objects.filter(customer=invoice.customer)
    return entries.aggregate(sum=Sum("amount", default=0))["sum"]


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


@pytest.mark.parametrize(("rounding", "paid"), [(-3, 0), (2, 0), (-3, 4000), (2, 4000)])
def test_a_full_credit_leaves_nothing_of_what_was_rounded(rounding, paid):
    invoice = finalized((Decimal(20000 - rounding) / 200, 2, 0), cash_rounding=10)
    first, rest = Decimal("0.5"), Decimal("1.5")
    if paid:
        pay(invoice, paid)
    line = invoice.lines.get()

    credit(invoice, {line.pk: first})
    note = credit(invoice, {line.pk: rest}, to_balance=paid)

    assert selectors.amounts(invoice).due == 0
    assert credited(invoice) == (invoice.net, invoice.tax, invoice.total)
    assert (note.to_balance, balance(invoice)) == (paid, paid)
    invoice.refresh_from_db()
    assert invoice.status == "paid"
    call_command("audit_books")


@pytest.mark.parametrize(("rounding", "excess"), [(-3, 20000), (2, 19998)])
def test_what_was_paid_rounded_is_credited_whole(rounding, excess):
    invoice = finalized((20000 - rounding, 1, 0), currency="JPY", cash_rounding=10)
    pay(invoice, 20000)

    note = credit(invoice, to_balance=excess)

    assert (note.total, note.to_balance) == (20000 - rounding, excess)
    assert ledger(invoice) == [("payment", 20000), ("to_balance", -excess)]
    call_command("audit_books")


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


def credited(invoice):
    sums = invoice.credit_notes.aggregate(
        net=Sum("net"), tax=Sum("tax"), total=Sum("total")
    )
    return sums["net"], sums["tax"], sums["total"]


lines = st.lists(
    st.tuples(
        st.decimals("0.01", 500, places=2),
        st.integers(1, 5),
        st.sampled_from([0, 7, 19]),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.thorough
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    lines=lines,
    discount=st.sampled_from([0, 3, 12.5, 100]),
    terms=st.fixed_dictionaries(
        {
            "prices_include_tax": st.booleans(),
            "tax_rounding": st.sampled_from(["total", "line"]),
            "currency": st.sampled_from(["JPY", "EUR", "KWD", "CLF"]),
        }
    ),
    parts=st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), max_size=3),
)
def test_parts_and_the_rest_take_back_exactly_the_invoice(
    lines, discount, terms, parts
):
    invoice = finalized(*lines, discount_percent=Decimal(str(discount)), **terms)
    rows = list(invoice.lines.order_by("position"))
    left = {row.pk: row.quantity for row in rows}
    for part in parts:
        chosen = {
            row.pk: min(Decimal(take), left[row.pk])
            for row, take in zip(rows, part, strict=False)
        }
        if credit_if_any(invoice, chosen):
            left = {pk: there - chosen.get(pk, 0) for pk, there in left.items()}
    credit_if_any(invoice, None)

    if invoice.total:
        assert credited(invoice) == (invoice.net, invoice.tax, invoice.total)
        assert selectors.amounts(invoice).credited == invoice.total
        for tax in invoice.taxes.all():
            of_rate = {"category": tax.category, "percent": tax.percent}
            taken = [
                (row.net, row.amount)
                for note in invoice.credit_notes.all()
                for row in note.taxes.filter(**of_rate)
            ]
            assert tuple(map(sum, zip(*taken, strict=True))) in {
                (tax.net, tax.amount),
                (),
            }


def credit_if_any(invoice, quantities):
    try:
        return credit(invoice, quantities)
    except AmountNotAvailable:
        return None


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


# Prices with tax, charges and allowances, what was prepaid or rounded


def charged(is_charge=True, **fields):
    return {"reason": "Freight", "is_charge": is_charge} | fields


def test_a_part_with_tax_goes_back_as_it_was_typed():
    invoice = finalized(*[(100, 1, 19)] * 5, prices_include_tax=True)
    assert (invoice.net, invoice.tax, invoice.total) == (42017, 7983, 50000)
    notes = [
        credit(invoice, {line.pk: Decimal(1)})
        for line in invoice.lines.order_by("position")
    ]

    assert [note.total for note in notes] == [10000] * 5
    assert [line.gross for note in notes for line in note.lines.all()] == [10000] * 5
    assert sum(note.net for note in notes) == invoice.net
    assert selectors.amounts(invoice).due == 0


EVERYTHING = {
    "gross": {"prices_include_tax": True},
    "by line": {"tax_rounding": "line"},
    "gross by line": {"prices_include_tax": True, "tax_rounding": "line"},
    "prepaid": {"prepaid_amount": Decimal("12.34")},
    "rounded": {"cash_rounding": 100},
    "discounted": {"discount_percent": Decimal("3.3")},
    "all of it": {
        "prices_include_tax": True,
        "tax_rounding": "line",
        "prepaid_amount": Decimal("12.34"),
        "cash_rounding": 5,
        "discount_amount": Decimal("1.11"),
    },
}


@pytest.mark.parametrize("fields", EVERYTHING.values(), ids=EVERYTHING)
@pytest.mark.parametrize("in_parts", [False, True], ids=["at once", "in parts"])
def test_full_credit_restores_zero(fields, in_parts):
    invoice = finalized(
        ("33.33", 3, 19),
        ("0.07", 13, 7),
        ("-4.99", 1, 19),
        adjustments=[
            charged(amount=Decimal("5.55")),
            charged(is_charge=False, percent=Decimal("2.5")),
        ],
        **fields,
    )
    parts = [None]
    if in_parts:
        three, many, back = invoice.lines.order_by("position")
        parts = [
            {three.pk: Decimal(1), many.pk: Decimal(4), back.pk: Decimal(1)},
            {many.pk: Decimal(9)},
            None,
        ]

    notes = []
    for quantities in parts:
        excess = preview_credit_note(invoice=invoice, quantities=quantities).excess
        notes.append(credit(invoice, quantities, out_of_band=excess))

    assert sum(note.net for note in notes) == invoice.net
    assert sum(note.tax for note in notes) == invoice.tax
    sums = CreditNoteTax.objects.values("percent").order_by("percent")
    assert list(
        sums.annotate(net=Sum("net"), amount=Sum("amount")).values_list("net", "amount")
    ) == list(invoice.taxes.order_by("percent").values_list("net", "amount"))
    amounts = selectors.amounts(invoice)
    assert (amounts.due, selectors.kept(invoice)) == (0, 0)
    with pytest.raises(AmountNotAvailable):
        credit(invoice)


@pytest.mark.parametrize("fields", EVERYTHING.values(), ids=EVERYTHING)
def test_void_restores_zero(fields):
    invoice = finalized(
        ("33.33", 3, 19), adjustments=[charged(amount=Decimal("5.55"))], **fields
    )
    books = Business.objects.filter(pk=invoice.business_id)
    (owed,) = selectors.receivables(books, NOW.date())
    assert owed.due == invoice.payable == selectors.amounts(invoice).due > 0

    invoice = void_invoice(invoice=invoice, actor=None, now=NOW)

    assert selectors.amounts(invoice).due == 0
    assert selectors.receivables(books, NOW.date()) == []
