from dataclasses import asdict
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Business, TaxRounding
from invoices import selectors
from invoices.models import Invoice, LedgerEntry
from invoices.models.ledger import _NEGATIVE, SUMS
from invoices.services.finalizing import finalize_invoice
from invoices.states import PAYABLE
from tests.factories import (
    BusinessFactory,
    InvoiceFactory,
    InvoiceLineFactory,
    TaxRateFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def finalized(**fields):
    draft = InvoiceFactory(**fields)
    InvoiceLineFactory(invoice=draft)
    return finalize_invoice(invoice=draft, actor=None, now=NOW)


def pay(invoice, amount, kind="payment", at=NOW, currency=None):
    LedgerEntry.objects.create(
        invoice=invoice,
        business=invoice.business,
        kind=kind,
        source=f"pi_{LedgerEntry.objects.count()}",
        amount=amount,
        currency=currency or invoice.currency,
        occurred_at=at,
    )


@pytest.mark.parametrize(
    ("rounding", "tax"), [(TaxRounding.TOTAL, 1533), (TaxRounding.LINE, 1534)]
)
def test_draft_totals_follow_the_policy_of_the_invoice(rounding, tax):
    invoice = InvoiceFactory(tax_rounding=rounding)
    rate = TaxRateFactory(business=invoice.business, percent=23)
    lines = [
        InvoiceLineFactory.build(invoice=invoice, unit_price=price, tax_rate=rate)
        for price in ("55.55", "11.11")
    ]
    for line in lines:
        line.clean_fields(exclude={"tax_rate", "invoice"})

    assert selectors.draft_totals(invoice, lines).tax == tax


def test_estimate_names_the_rates():
    invoice = InvoiceFactory()
    line = InvoiceLineFactory(invoice=invoice)

    estimate = selectors.estimate(invoice, [line])

    totals = estimate.totals
    assert (totals.subtotal, totals.discount, totals.net) == (10000, 0, 10000)
    (tax,) = estimate.taxes
    assert (tax.name, tax.amount, tax.pk) == ("VAT 19 %", 1900, None)


def test_amounts_are_those_of_the_ledger():
    invoice = finalized()
    pay(invoice, 5000)
    pay(invoice, -1000, "refund")
    pay(invoice, 7, "held")

    assert selectors.amounts(invoice) == selectors.Amounts(
        paid=5000, credited=0, refunded=1000, disputed=0, held=7, due=6900
    )


def test_overdue_among_asks_each_business_for_its_day():
    early = BusinessFactory(time_zone="Pacific/Kiritimati")
    late = BusinessFactory(time_zone="Pacific/Pago_Pago")
    due = {"due_date": date(2026, 3, 15)}
    invoices = [finalized(business=business, **due) for business in (early, late)]
    now = datetime(2026, 3, 15, 11, tzinfo=UTC)

    overdue = selectors.overdue_among(Business.objects.all(), now)

    assert list(Invoice.objects.filter(overdue)) == invoices[:1]


def test_overdue_among_no_businesses_is_nothing():
    finalized(due_date=date(2026, 3, 1))

    overdue = selectors.overdue_among([], datetime(2027, 1, 1, tzinfo=UTC))

    assert not Invoice.objects.filter(overdue).exists()


def test_customer_link_is_secret_and_on_the_site(settings):
    settings.SITE_URL = "https://pay.example"

    link = selectors.customer_link(Invoice(link_token="abc"))

    assert link == "https://pay.example/i/abc/"


def test_receivables_are_what_is_open_by_currency():
    late = finalized(due_date=date(2026, 3, 1))
    business = late.business
    open_ = finalized(business=business, due_date=date(2026, 4, 1))
    yen = finalized(business=business, currency="JPY")
    InvoiceFactory(business=business)
    finalized()
    pay(late, 900)
    pay(open_, 1000)
    pay(open_, -500, "refund")

    rows = selectors.receivables(
        Business.objects.filter(pk=business.pk), date(2026, 3, 2)
    )

    assert rows == [
        selectors.Receivable(
            "EUR", due=21900, invoices=2, overdue=11000, overdue_invoices=1
        ),
        selectors.Receivable("JPY", due=119, invoices=1, overdue=0, overdue_invoices=0),
    ]
    assert yen.total == 119


def test_months_begin_where_the_business_is():
    zone = ZoneInfo("Europe/Berlin")

    assert selectors.months(date(2026, 2, 3), 3, zone) == [
        datetime(2025, 12, 1, tzinfo=zone),
        datetime(2026, 1, 1, tzinfo=zone),
        datetime(2026, 2, 1, tzinfo=zone),
        datetime(2026, 3, 1, tzinfo=zone),
    ]


def test_each_kind_of_entry_is_part_of_one_sum():
    summed = [kind for kinds in SUMS.values() for kind in kinds]

    assert sorted(summed) == sorted(LedgerEntry.Kind)


@pytest.mark.parametrize("status", ["open", "uncollectible", "void", "paid"])
def test_amounts_of_one_invoice_are_what_lists_say(status):
    # Each entry is another amount, and all of them less than what is payable.
    line = InvoiceLineFactory(unit_price=10_000)
    invoice, other = (
        finalize_invoice(invoice=line.invoice, actor=None, now=NOW),
        finalized(),
    )
    for power, kind in enumerate(LedgerEntry.Kind):
        sign = -1 if kind in _NEGATIVE else 1
        pay(invoice, sign * 2**power, kind)
        pay(invoice, sign, kind, currency="USD")
        pay(other, sign, kind)
    Invoice.objects.filter(pk=invoice.pk).update(
        status=status,
        paid_at=NOW if status == "paid" else None,
        voided_at=NOW if status == "void" else None,
    )
    row = Invoice.objects.with_amounts().get(pk=invoice.pk)

    sums = asdict(selectors.amounts(Invoice.objects.get(pk=invoice.pk)))

    assert sums == {name: getattr(row, name) for name in sums}
    assert all(sums[name] for name in SUMS)
    assert bool(sums["due"]) == (status in PAYABLE)


def test_amounts_ask_once(django_assert_num_queries):
    invoice = finalized()
    pay(invoice, 5000)

    with django_assert_num_queries(1):
        amounts = selectors.amounts(invoice)

    assert (amounts.paid, amounts.due) == (5000, 6900)


def test_paid_by_month_counts_payments_only():
    invoice = finalized()
    for at, amount in (
        (datetime(2025, 12, 31, 23, tzinfo=UTC), 1),
        (datetime(2026, 1, 1, tzinfo=UTC), 10),
        (datetime(2026, 2, 28, 23, tzinfo=UTC), 100),
        (datetime(2026, 3, 1, tzinfo=UTC), 1000),
    ):
        pay(invoice, amount, at=at)
    pay(invoice, -5, "refund", at=datetime(2026, 1, 2, tzinfo=UTC))
    pay(finalized(), 9999, at=datetime(2026, 1, 2, tzinfo=UTC))
    starts = selectors.months(date(2026, 2, 3), 2, ZoneInfo("UTC"))

    paid = selectors.paid_by_month(
        Business.objects.filter(pk=invoice.business_id), starts
    )

    assert paid == {"EUR": [10, 100]}
