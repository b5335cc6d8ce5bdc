"""What an invoice comes to, line by line, for its page."""

from dataclasses import dataclass
from typing import Any

from invoices import selectors
from invoices.admin.records import spoken
from invoices.models import Invoice


@dataclass(frozen=True, slots=True)
class TotalsRow:
    """A line of the totals below an invoice."""

    label: str
    amount: str
    is_strong: bool = False


def totals(invoice: Any) -> list[TotalsRow]:
    rows = _draft_rows(invoice) if invoice.is_draft else _frozen_rows(invoice)
    return [
        TotalsRow(name, spoken(amount, invoice.currency), name in {"Total", "Due"})
        for name, amount in rows
    ]


def _draft_rows(invoice: Invoice) -> list[tuple[str, int]]:
    lines = list(invoice.lines.select_related("tax_rate"))
    drafted = selectors.draft_totals(invoice, lines)
    names = {line.tax_rate.tax: line.tax_rate.name for line in lines}
    taxes = [(names[each.tax], each.amount) for each in drafted.taxes]
    return _rows(drafted.subtotal, drafted.discount, taxes, drafted.total)


def _frozen_rows(invoice: Any) -> list[tuple[str, int]]:
    taxes = invoice.taxes.order_by("category", "percent").values_list("name", "amount")
    ledger = [
        ("Paid", invoice.paid),
        ("Refunded", invoice.refunded),
        ("Held for a decision", invoice.held),
    ]
    return [
        *_rows(invoice.subtotal, invoice.discount, list(taxes), invoice.total),
        *((name, amount) for name, amount in ledger if amount),
        ("Due", invoice.due),
    ]


def _rows(
    subtotal: int, discount: int, taxes: list[tuple[str, int]], total: int
) -> list[tuple[str, int]]:
    off = [("Discount", -discount)] if discount else []
    return [("Lines", subtotal), *off, *taxes, ("Total", total)]
