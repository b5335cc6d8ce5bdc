"""What a customer is shown of an invoice. Nothing here writes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from billing.states import CheckoutStatus
from invoices.models import Invoice, LedgerEntry
from invoices.selectors import Amounts
from invoices.states import InvoiceStatus

# A customer need not know that money which came too often was held on its way back.
_SHOWN_AS: Final = {
    LedgerEntry.Kind.HELD_REFUND: LedgerEntry.Kind.REFUND,
    LedgerEntry.Kind.HELD_REFUND_FAILED: LedgerEntry.Kind.REFUND_FAILED,
}


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that came or went, as the customer sees it; minor units."""

    amount: int
    currency: str
    at: datetime
    kind: str


def movements(invoice: Invoice) -> list[Movement]:
    """Oldest first; what went back is negative."""
    entries = invoice.ledger.order_by("occurred_at", "pk")
    return [
        Movement(
            amount=entry.amount,
            currency=entry.currency,
            at=entry.occurred_at,
            kind=_SHOWN_AS.get(LedgerEntry.Kind(entry.kind), entry.kind),
        )
        for entry in entries
    ]


def customer_state(invoice: Invoice, amounts: Amounts) -> str:
    """One of payable, processing, paid, refunded and void."""
    if invoice.status == InvoiceStatus.VOID:
        return "void"
    if invoice.status == InvoiceStatus.PAID:
        return "refunded" if amounts.refunded >= amounts.paid > 0 else "paid"
    if invoice.checkouts.filter(status=CheckoutStatus.PROCESSING).exists():
        return "processing"
    return "payable"
