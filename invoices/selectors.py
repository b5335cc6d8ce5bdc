"""Answers that span models. Nothing here writes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum, Value

from accounts.models import Business, TaxRounding
from invoices.arithmetic import Tax, Totals, compute, reachable
from invoices.models import (
    Customer,
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    LedgerEntry,
    Taxed,
    TaxRate,
    TaxTotal,
)
from invoices.models.ledger import GONE, SUMS
from invoices.money import to_minor
from invoices.states import InvoiceStatus


def draft_totals(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    adjustments: Sequence[InvoiceAdjustment] | None = None,
) -> Totals:
    """
    What an invoice with these lines comes to. None of it needs to be saved.

    :param adjustments: None for those that are saved
    :raises UnknownCurrency: if the invoice's currency is none
    :raises AmountOutOfRange: if an amount does not fit the books, or a discount is
        larger than what it is taken from
    """
    if adjustments is None:
        adjustments = adjustments_of(invoice)
    return compute(
        [line.amounts for line in lines],
        currency=invoice.currency,
        discount_percent=invoice.discount_percent,
        discount_amount=invoice.discount_amount,
        adjustments=[each.amounts for each in adjustments],
        tax_per_line=invoice.tax_rounding == TaxRounding.LINE,
        prices_include_tax=invoice.prices_include_tax,
        prepaid_amount=invoice.prepaid_amount,
        cash_rounding=invoice.cash_rounding,
    )


def adjustments_of(invoice: Invoice) -> list[InvoiceAdjustment]:
    """Those that are saved, in their order."""
    if invoice.pk is None:
        return []
    rows = invoice.adjustments.select_related("tax_rate")
    return list(rows.order_by("position", "pk"))


def tax_totals(
    invoice: Invoice, rows: Iterable[Taxed], totals: Totals
) -> list[TaxTotal]:
    """Unsaved rows: the tax of each rate, with the texts of the rates that share it."""
    rates: defaultdict[Tax, list[TaxRate]] = defaultdict(list)
    for row in rows:
        rates[row.tax_rate.tax].append(row.tax_rate)
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
    totals: Totals
    taxes: list[TaxTotal]
    # The totals next to one that is wanted; see `arithmetic.reachable`.
    reachable: tuple[int, ...] | None


def estimate(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    adjustments: Sequence[InvoiceAdjustment] | None = None,
    wanted_total: Decimal | None = None,
) -> Estimate:
    """
    See `draft_totals`.

    :param wanted_total: what it should come to, in major units
    """
    if adjustments is None:
        adjustments = adjustments_of(invoice)
    totals = draft_totals(invoice, lines, adjustments)
    taxes = tax_totals(invoice, [*lines, *adjustments], totals)
    near = None
    if wanted_total is not None:
        near = reachable(to_minor(wanted_total, invoice.currency), totals)
    return Estimate(invoice.currency, totals, taxes, near)


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
    credited: int
    refunded: int
    disputed: int
    held: int
    due: int


def amounts(invoice: Invoice) -> Amounts:
    """
    As `with_amounts` says, of one invoice: the ledger is read anew, while its status and
    what is payable are taken as they are here. So decide by it under the lock.
    """
    rows = LedgerEntry.objects.filter(invoice=invoice.pk, currency=invoice.currency)
    by_kind = dict(rows.values_list("kind").annotate(Sum("amount")))
    sums = {
        name: sum(by_kind.get(kind, 0) for kind in kinds)
        for name, kinds in SUMS.items()
    }
    sums |= {name: -sums[name] for name in GONE}
    left = (invoice.payable or 0) - sums["paid"] - sums["credited"]
    return Amounts(**sums, due=max(left, 0) if invoice.is_payable else 0)


def unsettled(invoice: Invoice) -> int:
    """
    What the ledger leaves of what was payable, in minor units, whatever the status;
    below zero where more came.
    """
    sums = amounts(invoice)
    return (invoice.payable or 0) - sums.paid - sums.credited


def kept(invoice: Invoice) -> int:
    """
    What came for an invoice, or was paid before, and has not gone back, nor been withdrawn
    for a dispute; minor units.
    """
    sums = amounts(invoice)
    return sums.paid + (invoice.prepaid or 0) - sums.refunded - sums.disputed


def creditable(invoice: Invoice) -> int:
    """What of a finalized invoice no credit note has taken back, in minor units."""
    credited = invoice.credit_notes.aggregate(sum=Sum("total", default=0))["sum"]
    return (invoice.total or 0) - int(credited)


def balances(customer: Customer) -> dict[str, int]:
    """What a customer has to its credit, in minor units by currency."""
    rows = customer.balance.values("currency").annotate(sum=Sum("amount"))
    return {
        row["currency"]: row["sum"] for row in rows.order_by("currency") if row["sum"]
    }


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
    settling = LedgerEntry.objects.filter(
        # Not of the entry's own business: there are fewer open invoices than entries.
        invoice__business__in=businesses,
        invoice__status=InvoiceStatus.OPEN,
        currency=F("invoice__currency"),
        kind__in=[*SUMS["paid"], *SUMS["credited"]],
    )
    settled = {
        row["currency"]: row
        for row in settling.values("currency").annotate(
            sum=Sum("amount"),
            late=Sum("amount", filter=Q(invoice__due_date__lt=on), default=0),
        )
    }
    nothing = {"sum": 0, "late": 0}
    return [
        Receivable(
            currency=row["currency"],
            due=row["whole"] - settled.get(row["currency"], nothing)["sum"],
            invoices=row["count"],
            overdue=row["late"] - settled.get(row["currency"], nothing)["late"],
            overdue_invoices=row["late_count"],
        )
        for row in invoices.values("currency")
        .annotate(
            whole=Sum("payable"),
            count=Count("pk"),
            late=Sum("payable", filter=late, default=0),
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
    What was paid in minor units by currency, one sum for each month between the `starts`.

    Payments taken back are taken off in the month of that, refunds are not. Currencies
    without a payment are left out.
    """
    own = list(businesses.values_list("pk", flat=True))
    # A part of the index for each month, by bounds of our own: MySQL need not know time
    # zones, nor ask of each of many rows which month it is of. Nor does it sort them by
    # currency, of which there are few.
    sums = {
        currency: Sum("amount", filter=Q(currency=currency))
        for currency in _currencies(own)
    }
    months = [
        LedgerEntry.objects.filter(
            business__in=own,
            kind__in=SUMS["paid"],
            occurred_at__gte=start,
            occurred_at__lt=end,
        )
        .annotate(month=Value(index))
        .values("month")
        .annotate(**sums)
        for index, (start, end) in enumerate(pairwise(starts))
    ]
    found: Any = months[0].union(*months[1:], all=True)
    rows = sorted(found, key=itemgetter("month"))
    paid = {currency: [row[currency] for row in rows] for currency in sums}
    return {
        currency: [amount or 0 for amount in amounts]
        for currency, amounts in paid.items()
        if any(amount is not None for amount in amounts)
    }


def _currencies(businesses: Sequence[int]) -> list[str]:
    rows = Invoice.objects.filter(business__in=businesses)
    # With the business, as an index has them: it is skipped through, not read.
    pairs = rows.order_by().values_list("business", "currency").distinct()
    return sorted({currency for _, currency in pairs})


def customer_link(invoice: Invoice) -> str:
    """The secret address at which the customer sees and pays a finalized invoice."""
    site = settings.SITE_URL + settings.FORCE_SCRIPT_NAME
    return f"{site}/i/{invoice.link_token}/"


def due_by_terms(invoice: Invoice, issue_date: date) -> date:
    """When it is due if nobody says: by what was agreed with the customer, if anything."""
    days = invoice.customer.payment_terms_days
    if days is None:
        days = invoice.business.payment_terms_days
    return issue_date + timedelta(days=days)


def seller_details(business: Business) -> dict[str, str]:
    """What a document keeps of who issues it, and prints."""
    return {
        "name": business.name,
        "email": business.email,
        "address": business.address,
        "country": business.country,
        "tax_id": business.tax_id,
        "footer": business.footer,
        "iban": business.iban,
        "bic": business.bic,
        "logo": business.logo.name or "",
    }


def buyer_details(customer: Customer) -> dict[str, str]:
    """What a document keeps of who it is for, and prints."""
    return {
        "name": customer.name,
        "email": customer.email,
        "address": customer.address,
        "country": customer.country,
        "tax_id": customer.tax_id,
        "shipping_address": _elsewhere(customer),
        "paper": customer.paper,
    }


def _elsewhere(customer: Customer) -> str:
    """Where goods go, if that is not where the customer is."""
    there = customer.shipping_address
    return "" if there.split() == customer.address.split() else there
