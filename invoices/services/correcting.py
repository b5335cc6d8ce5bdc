"""Taking back what was finalized."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.services.events import record_event
from invoices.exceptions import MoneyReceived
from invoices.models import Invoice, LedgerEntry
from invoices.services.locking import lock_invoice
from invoices.states import InvoiceStatus, check_transition


@transaction.atomic
def void_invoice(*, invoice: Invoice, actor: User | None, now: datetime) -> Invoice:
    """
    Declare that nothing is owed. The number stays used and the document stays.

    :raises InvalidTransition: if the invoice is a draft, paid, or void already
    :raises MoneyReceived: if anything was paid on it
    """
    invoice = lock_invoice(invoice.pk)
    check_transition(invoice.status, InvoiceStatus.VOID)
    if invoice.ledger.filter(kind=LedgerEntry.Kind.PAYMENT).exists():
        raise MoneyReceived(
            "Money was paid on this invoice, so it cannot be voided. Refund it instead."
        )
    invoice.status = InvoiceStatus.VOID
    invoice.voided_at = now
    invoice.save(update_fields=["status", "voided_at", "updated_at"])
    record_event(
        type="invoice.voided",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
    )
    return invoice


@transaction.atomic
def give_up_invoice(*, invoice: Invoice, actor: User | None, now: datetime) -> Invoice:
    """
    Mark an open invoice as uncollectible. It can still be paid.

    :raises InvalidTransition: if the invoice is not open
    """
    invoice = lock_invoice(invoice.pk)
    check_transition(invoice.status, InvoiceStatus.UNCOLLECTIBLE)
    invoice.status = InvoiceStatus.UNCOLLECTIBLE
    invoice.save(update_fields=["status", "updated_at"])
    record_event(
        type="invoice.given_up",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
    )
    return invoice
