"""Writing facts about money into the ledger. Whatever arrived is never refused."""

from datetime import datetime

from accounts.models import User
from accounts.services.events import record_event
from invoices import selectors
from invoices.models import Invoice, LedgerEntry
from invoices.states import InvoiceStatus


def book(
    *,
    invoice: Invoice,
    kind: LedgerEntry.Kind,
    source: str,
    amount: int,
    currency: str,
    occurred_at: datetime,
    now: datetime,
    actor: User | None = None,
) -> bool:
    """
    Write one fact, once, and settle the invoice if that pays it.

    Call it inside a transaction that holds the invoice's lock (`lock_invoice`), with
    the locked row.

    :param source: where the fact comes from; the pair of kind and source is unique
    :param amount: minor units, positive towards the business
    :returns: whether the fact was new
    """
    _, is_new = LedgerEntry.objects.get_or_create(
        kind=kind,
        source=source,
        defaults={
            "invoice": invoice,
            "business": invoice.business,
            "amount": amount,
            "currency": currency,
            "occurred_at": occurred_at,
        },
    )
    if not is_new:
        return False
    record_event(
        type=f"invoice.{kind}_booked",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
        data={"source": source, "amount": amount, "currency": currency},
    )
    _settle(invoice, now=now, paid_at=occurred_at)
    return True


def _settle(invoice: Invoice, *, now: datetime, paid_at: datetime) -> None:
    if not invoice.is_payable or selectors.amounts(invoice).due > 0:
        return
    invoice.status = InvoiceStatus.PAID
    invoice.paid_at = paid_at
    invoice.save(update_fields=["status", "paid_at", "updated_at"])
    record_event(
        type="invoice.paid",
        subject=invoice,
        business=invoice.business,
        actor=None,
        now=now,
    )
