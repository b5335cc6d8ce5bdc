"""What of held money was kept as balance, when the payer has it again, or has it no more."""

from datetime import datetime
from typing import Any

from billing.models import Payment
from invoices.models import BalanceEntry, Invoice, LedgerEntry
from invoices.services import balances
from invoices.services.booking import book
from invoices.services.locking import lock_customer, lock_invoice


def lock_invoice_of(payment: Payment) -> Invoice:
    """
    The invoice that a payment was for, locked, before any event; and where the money is
    held its customer as well, on whose balance it may be.
    """
    invoice = lock_invoice(payment.invoice_id)
    if payment.is_held:
        lock_customer(invoice.customer_id)
    return invoice


def square_kept(
    *, payment: Payment, invoice: Invoice, cause: str, now: datetime
) -> None:
    """
    Take back from the customer's balance what is missing of held money that was kept, as
    far as there is any; or put back what was taken and is here again. Call it with
    `lock_invoice_of`, once for whatever changed what is left of the payment.

    :param cause: what changed that: unique
    """
    if not payment.is_held:
        return
    row: Any = Payment.objects.with_left().get(pk=payment.pk)
    missing = _missing(row, invoice)
    if not missing:
        return
    is_taken, source = missing > 0, f"{payment.payment_intent}:{cause}"
    balances.enter(
        invoice=invoice,
        kind=BalanceEntry.Kind.HELD_RETURNED if is_taken else BalanceEntry.Kind.HELD,
        source=source,
        amount=-missing,
        occurred_at=now,
        currency=payment.currency,
    )
    kinds = LedgerEntry.Kind
    book(
        invoice=invoice,
        kind=kinds.HELD_FROM_BALANCE if is_taken else kinds.HELD_TO_BALANCE,
        source=source,
        amount=missing,
        currency=payment.currency,
        occurred_at=now,
        now=now,
    )


def _missing(payment: Any, invoice: Invoice) -> int:
    """What to take from the balance; below zero, what to put back."""
    if not (first := kept_first(payment)):
        return 0
    taken = first - payment.kept
    there = balances.lock_balance(invoice.customer_id, payment.currency)
    missing: int = max(-taken, min(-payment.left, payment.kept, there))
    return missing


def kept_first(payment: Payment) -> int:
    """What somebody decided to keep of a payment, in minor units."""
    kept = LedgerEntry.objects.filter(
        kind=LedgerEntry.Kind.HELD_TO_BALANCE, source=payment.payment_intent
    ).first()
    return -kept.amount if kept else 0
