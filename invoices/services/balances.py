"""What customers have to their credit: kept from what was too much, and applied later."""

from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.db.models import Sum

from accounts.models import User
from invoices import selectors, signals
from invoices.exceptions import AmountNotAvailable, InvalidTransition
from invoices.models import BalanceEntry, Invoice, LedgerEntry
from invoices.money import format_money
from invoices.services.booking import book
from invoices.services.locking import lock_customer, lock_invoice


@transaction.atomic
def apply_balance(
    *, invoice: Invoice, amount: int | None, actor: User | None, now: datetime
) -> Invoice:
    """
    Pay an invoice, or part of it, from what its customer has to its credit.

    :param amount: minor units, or None for as much as there is and is due
    :raises InvalidTransition: if nothing can be paid on the invoice
    :raises AmountNotAvailable: if it is more than there is, or than is due
    """
    invoice = lock_invoice(invoice.pk)
    if not invoice.is_payable:
        raise InvalidTransition(
            f"This invoice is {invoice.get_status_display().lower()}: "
            "a balance can be applied to an open one."
        )
    there = lock_balance(invoice.customer_id, invoice.currency)
    most = min(there, selectors.amounts(invoice).due)
    amount = most if amount is None else amount
    if not 0 < amount <= most:
        raise AmountNotAvailable(
            f"{format_money(there, invoice.currency)} is kept for this customer, and "
            f"{format_money(most, invoice.currency)} of it can be applied here."
        )
    source = f"balance:{uuid4()}"
    enter(
        invoice=invoice,
        kind=BalanceEntry.Kind.APPLIED,
        source=source,
        amount=-amount,
        occurred_at=now,
    )
    book(
        invoice=invoice,
        kind=LedgerEntry.Kind.FROM_BALANCE,
        source=source,
        amount=amount,
        currency=invoice.currency,
        occurred_at=now,
        now=now,
        actor=actor,
    )
    signals.due_fell.send(sender=Invoice, invoice=invoice)
    return invoice


def give_back(*, invoice: Invoice, source: str, now: datetime) -> int:
    """
    Undo what was kept of a payment that is taken back, if anything was. Call it with
    the invoice locked. The bank has that money, whatever it paid meanwhile: what is not
    there any more leaves the balance below zero, and the customer owes it.

    :returns: how much was kept, in minor units
    """
    kept = BalanceEntry.objects.filter(
        kind=BalanceEntry.Kind.OVERPAYMENT, source=source
    ).first()
    if kept is None:
        return 0
    lock_customer(invoice.customer_id)
    enter(
        invoice=invoice,
        kind=BalanceEntry.Kind.RETURNED,
        source=source,
        amount=-kept.amount,
        occurred_at=now,
    )
    return kept.amount


def lock_balance(customer_id: int, currency: str) -> int:
    """
    What of the customer's balance can be taken, in minor units: nobody else takes it
    until the transaction ends. Take it after the lock of an invoice.
    """
    entries = lock_customer(customer_id).balance.filter(currency=currency)
    return max(0, int(entries.aggregate(sum=Sum("amount", default=0))["sum"]))


def enter(
    *,
    invoice: Invoice,
    kind: BalanceEntry.Kind,
    source: str,
    amount: int,
    occurred_at: datetime,
    currency: str = "",
) -> None:
    """
    Write one fact about what a customer has to its credit, of money that came for an
    invoice. Call it with the invoice locked; for less of it, with `lock_balance`.

    :param amount: minor units, in the customer's favour; its sign is that of the kind
    :param currency: that of the money, where it is not the invoice's
    """
    BalanceEntry.objects.create(
        customer_id=invoice.customer_id,
        invoice=invoice,
        kind=kind,
        source=source,
        amount=amount,
        currency=currency or invoice.currency,
        occurred_at=occurred_at,
    )
