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
    # How, where a person said so: such as by bank transfer.
    method: str = ""


def movements(invoice: Invoice) -> list[Movement]:
    """Oldest first; what went back is negative. Credit notes are no money."""
    entries = invoice.ledger.exclude(kind=LedgerEntry.Kind.CREDIT)
    methods = {
        f"manual:{payment.public_id}": payment.get_method_display()
        for payment in invoice.manual_payments.all()
    }
    return [
        Movement(
            amount=entry.amount,
            currency=entry.currency,
            at=entry.occurred_at,
            kind=_SHOWN_AS.get(LedgerEntry.Kind(entry.kind), entry.kind),
            method=methods.get(entry.source, ""),
        )
        for entry in entries.order_by("occurred_at", "pk")
    ]


def customer_state(invoice: Invoice, amounts: Amounts) -> str:
    """One of payable, processing, paid, refunded, credited and void."""
    if invoice.status == InvoiceStatus.VOID:
        return "void"
    if invoice.status == InvoiceStatus.PAID:
        if amounts.credited and not amounts.paid:
            return "credited"
        return "refunded" if amounts.refunded >= amounts.paid > 0 else "paid"
    if invoice.checkouts.filter(status=CheckoutStatus.PROCESSING).exists():
        return "processing"
    return "payable"
