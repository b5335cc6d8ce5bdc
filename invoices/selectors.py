"""Answers that span models. Nothing here writes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import Business, TaxRounding
from invoices.models import Invoice, InvoiceLine, LedgerEntry, TaxRate, TaxTotal
from invoices.money import Tax, Totals, compute
from invoices.states import InvoiceStatus


def draft_totals(invoice: Invoice, lines: Sequence[InvoiceLine]) -> Totals:
    """
    What an invoice with these lines comes to. Neither needs to be saved.

    :raises UnknownCurrency: if the invoice's currency is none
    :raises AmountOutOfRange: if an amount does not fit the books, or a discount is
        larger than what it is taken from
    """
    return compute(
        [line.amounts for line in lines],
        currency=invoice.currency,
        discount_percent=invoice.discount_percent,
        discount_amount=invoice.discount_amount,
        tax_per_line=invoice.tax_rounding == TaxRounding.LINE,
    )


def tax_totals(
    invoice: Invoice, lines: Iterable[InvoiceLine], totals: Totals
) -> list[TaxTotal]:
    """Unsaved rows: the tax of each rate, with the texts of the rates that share it."""
    rates: defaultdict[Tax, list[TaxRate]] = defaultdict(list)
    for line in lines:
        rates[line.tax_rate.tax].append(line.tax_rate)
    return [
        TaxTotal(
            invoice=invoice,
            category=total.tax.category,
            percent=total.tax.percent,
            name=_joined(rate.name for rate in rates[total.tax])[:250],
            note=_joined(rate.note for rate in rates[total.tax]),
            net=total.net,
            amount=total.amount,
        )
        for total in totals.taxes
    ]


def _joined(texts: Iterable[str]) -> str:
    return " · ".join(dict.fromkeys(text for text in texts if text))


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a draft comes to as long as nobody changes it, in minor units."""

    currency: str
    line_nets: tuple[int, ...]
    subtotal: int
    discount: int
    net: int
    taxes: list[TaxTotal]
    tax: int
    total: int


def estimate(invoice: Invoice, lines: Sequence[InvoiceLine]) -> Estimate:
    """See `draft_totals`."""
    totals = draft_totals(invoice, lines)
    return Estimate(
        currency=invoice.currency,
        line_nets=totals.line_nets,
        subtotal=totals.subtotal,
        discount=totals.discount,
        net=totals.net,
        taxes=tax_totals(invoice, lines, totals),
        tax=totals.tax,
        total=totals.total,
    )


def overdue_among(businesses: Iterable[Business], now: datetime) -> Q:
    """The condition for an invoice to be overdue where its business is."""
    by_day: defaultdict[date, list[int]] = defaultdict(list)
    for business in businesses:
        by_day[business.today(now)].append(business.pk)
    late = Q(pk__in=())
    for today, ids in by_day.items():
        late |= Q(business__in=ids, due_date__lt=today)
    return Q(status=InvoiceStatus.OPEN) & late


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the ledger says of an invoice, in minor units."""

    paid: int
    refunded: int
    held: int
    due: int


def amounts(invoice: Invoice) -> Amounts:
    row = Invoice.objects.with_amounts().get(pk=invoice.pk)
    return Amounts(row.paid, row.refunded, row.held, row.due)


@dataclass(frozen=True, slots=True)
class Receivable:
    """What customers owe in one currency, in minor units, and on how many invoices."""

    currency: str
    due: int
    invoices: int
    overdue: int
    overdue_invoices: int


def receivables(businesses: QuerySet[Business], on: date) -> list[Receivable]:
    """One for each currency with open invoices, in the order of their codes."""
    late = Q(due_date__lt=on)
    invoices = Invoice.objects.filter(
        business__in=businesses, status=InvoiceStatus.OPEN
    )
    payments = LedgerEntry.objects.filter(
        invoice__in=invoices, kind=LedgerEntry.Kind.PAYMENT
    )
    paid = {
        row["invoice__currency"]: row
        for row in payments.values("invoice__currency").annotate(
            paid=Sum("amount"),
            late=Sum("amount", filter=Q(invoice__due_date__lt=on), default=0),
        )
    }
    nothing = {"paid": 0, "late": 0}
    return [
        Receivable(
            currency=row["currency"],
            due=row["whole"] - paid.get(row["currency"], nothing)["paid"],
            invoices=row["count"],
            overdue=row["late"] - paid.get(row["currency"], nothing)["late"],
            overdue_invoices=row["late_count"],
        )
        for row in invoices.values("currency")
        .annotate(
            whole=Sum("total"),
            count=Count("pk"),
            late=Sum("total", filter=late, default=0),
            late_count=Count("pk", filter=late),
        )
        .order_by("currency")
    ]


def months(on: date, count: int, zone: ZoneInfo) -> list[datetime]:
    """
    Where the last `count` months begin, oldest first, up to the month of `on`, and
    where the next one does.
    """
    latest = on.year * 12 + on.month - 1
    return [
        datetime(month // 12, month % 12 + 1, 1, tzinfo=zone)
        for month in range(latest - count + 1, latest + 2)
    ]


def paid_by_month(
    businesses: QuerySet[Business], starts: Sequence[datetime]
) -> dict[str, list[int]]:
    """
    Payments in minor units by currency, one sum for each month between the `starts`.

    Refunds are not taken off. Currencies without a payment are left out.
    """
    entries = LedgerEntry.objects.filter(
        invoice__business__in=businesses,
        kind=LedgerEntry.Kind.PAYMENT,
        occurred_at__gte=starts[0],
        occurred_at__lt=starts[-1],
    )
    # Sums over bounds of our own: MySQL need not know time zones.
    sums = {
        f"month_{index}": Sum(
            "amount", filter=Q(occurred_at__gte=start, occurred_at__lt=end), default=0
        )
        for index, (start, end) in enumerate(pairwise(starts))
    }
    rows: QuerySet[LedgerEntry, Any] = (
        entries.values("currency").annotate(**sums).order_by("currency")
    )
    return {row["currency"]: [row[name] for name in sums] for row in rows}


def customer_link(invoice: Invoice) -> str:
    """The secret address at which the customer sees and pays a finalized invoice."""
    site = settings.SITE_URL + settings.FORCE_SCRIPT_NAME
    return f"{site}/i/{invoice.link_token}/"
