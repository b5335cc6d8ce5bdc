"""Credit takes back an invoice to the unit, at once or in parts."""

from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Business
from invoices import selectors
from invoices.exceptions import AmountNotAvailable
from invoices.models import CreditNoteTax
from invoices.services.correcting import void_invoice
from invoices.services.crediting import preview_credit_note
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


@pytest.mark.parametrize("rounding", [-3, 2])
def test_what_was_rounded_does_not_wait_for_a_line_that_is_free(rounding):
    price = Decimal(20000 - rounding) / 100
    invoice = finalized((price, 1, 0), (0, 1, 0), cash_rounding=10)
    charged, _ = invoice.lines.order_by("position")

    credit(invoice, {charged.pk: Decimal(1)})

    assert ledger(invoice) == [("credit", 20000)]
    assert selectors.amounts(invoice).due == selectors.creditable(invoice) == 0
    call_command("audit_books")


def charged(is_charge=True, **fields):
    return {"reason": "Freight", "is_charge": is_charge} | fields


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
