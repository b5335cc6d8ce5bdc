"""What an invoice comes to, line by line, for its page."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from invoices import selectors
from invoices.admin.records import spoken
from invoices.exceptions import AmountOutOfRange
from invoices.models import CreditNote, Invoice
from invoices.money import to_minor
from invoices.selectors import Estimate

_STRONG = frozenset({"Total", "To pay", "Due"})
type Named = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class TotalsRow:
    """A line of the totals below an invoice."""

    label: str
    amount: str
    is_strong: bool = False


def totals(invoice: Any) -> list[TotalsRow]:
    """Of what is saved; none of a draft that comes to no amount any more."""
    if not invoice.is_draft:
        return _spoken(_frozen_rows(invoice), invoice.currency)
    lines = list(invoice.lines.select_related("tax_rate"))
    try:
        return estimated(selectors.estimate(invoice, lines))
    except AmountOutOfRange:
        return []


def estimated(estimate: Estimate) -> list[TotalsRow]:
    """Of what is being written."""
    whole = estimate.totals
    rows = [
        ("Lines", whole.subtotal),
        *_some("Discount", -whole.discount),
        *_some("Charges and allowances", sum(whole.adjustment_amounts)),
        *((tax.name, tax.amount) for tax in estimate.taxes),
        ("Total", whole.total),
        *_to_pay(whole),
    ]
    return _spoken(rows, estimate.currency)


def about_wanted(estimate: Estimate, wanted: Decimal | None) -> str:
    """A sentence about the total that is wanted; empty as long as none is."""
    if wanted is None or not estimate.reachable or not estimate.totals.line_amounts:
        return ""
    named = spoken(to_minor(wanted, estimate.currency), estimate.currency)
    near = [spoken(total, estimate.currency) for total in estimate.reachable]
    if len(near) > 1:
        return (
            f"No net amount and its tax come to {named}: next to it are "
            f"{' and '.join(near)}. Prices that include tax come to any total."
        )
    away = estimate.reachable[0] - estimate.totals.total
    if not away:
        return f"It comes to {named}, as wanted."
    by = spoken(abs(away), estimate.currency)
    return f"{named} can be reached: that is {by} {'more' if away > 0 else 'less'}."


def _frozen_rows(invoice: Any) -> list[Named]:
    taxes = invoice.taxes.order_by("category", "percent").values_list("name", "amount")
    return [
        ("Lines", invoice.subtotal),
        *_some("Discount", -invoice.discount),
        *_some("Charges and allowances", _adjusted(invoice)),
        *taxes,
        ("Total", invoice.total),
        *_to_pay(invoice),
        *_some("Credited", -invoice.credited),
        *_some("Paid", -invoice.paid),
        ("Due", invoice.due),
        *_some("Paid back or kept as balance", invoice.refunded),
        *_some("Withdrawn for a dispute", invoice.disputed),
        *_some("Held for a decision", max(invoice.held, 0)),
        *_some("Held money that went out twice", min(invoice.held, 0)),
    ]


def _to_pay(whole: Any) -> list[Named]:
    beyond = [
        *_some("Paid before", -whole.prepaid),
        *_some("Rounded for cash", whole.rounding),
    ]
    return [*beyond, ("To pay", whole.payable)] if beyond else []


def _adjusted(invoice: Invoice) -> int:
    return sum(row.priced or 0 for row in invoice.adjustments.all())


def _some(label: str, amount: int) -> list[Named]:
    return [(label, amount)] if amount else []


def _spoken(rows: Iterable[Named], currency: str) -> list[TotalsRow]:
    return [
        TotalsRow(name, spoken(amount, currency), name in _STRONG)
        for name, amount in rows
    ]


def credited(note: CreditNote) -> list[TotalsRow]:
    """What a credit note takes back, and where it went."""
    taxes = note.taxes.order_by("category", "percent").values_list("name", "amount")
    rows = [
        ("Net", note.net),
        *taxes,
        ("Total", note.total),
        *_some("Taken off what was due", note.reduces),
        *_some("Refunded by card", note.refunds),
        *_some("Kept as the customer's balance", note.to_balance),
        *_some("Paid back otherwise", note.out_of_band),
    ]
    return _spoken(rows, note.currency)
