"""Deciding on held money that does not go back: refunds are `refunding`'s."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.services.events import record_event
from billing.exceptions import NotOnTheDesk
from billing.models import Payment
from billing.services.keeping import kept_first, lock_invoice_of
from billing.services.refunding import check_not_disputed
from invoices.models import BalanceEntry, LedgerEntry
from invoices.services import balances
from invoices.services.booking import book


@transaction.atomic
def keep_held(*, payment: Payment, actor: User | None, now: datetime) -> Payment:
    """
    Keep what is left of held money for the customer of its invoice: as a balance, in the
    currency in which it came, that can pay invoices.

    :raises NotOnTheDesk: if it is not held, nothing is left of it, or some was kept before
    :raises PaymentDisputed: if the payer's bank has it, or decides on it
    """
    invoice = lock_invoice_of(payment)
    row: Any = Payment.objects.with_left().get(pk=payment.pk)
    _check(row)
    balances.enter(
        invoice=invoice,
        kind=BalanceEntry.Kind.HELD,
        source=row.payment_intent,
        amount=row.left,
        currency=row.currency,
        occurred_at=now,
    )
    book(
        invoice=invoice,
        kind=LedgerEntry.Kind.HELD_TO_BALANCE,
        source=row.payment_intent,
        amount=-row.left,
        currency=row.currency,
        occurred_at=now,
        now=now,
        actor=actor,
    )
    record_event(
        type="payment.kept",
        subject=row,
        business=invoice.business,
        actor=actor,
        now=now,
        data={
            "invoice": invoice.number,
            "amount": row.left,
            "currency": row.currency,
        },
    )
    return payment


def _check(payment: Any) -> None:
    """:param payment: with what is `left` of it, read under the invoice's lock"""
    if not payment.is_held or payment.left <= 0:
        raise NotOnTheDesk("Nothing of this payment waits for a decision.")
    if payment.problem == Payment.Problem.LIVEMODE:
        raise NotOnTheDesk("This is no real money, so it can pay nothing. Refund it.")
    check_not_disputed(payment)
    # A refund that failed later leaves something once more.
    if kept_first(payment):
        raise NotOnTheDesk(
            "A part of this payment was kept before. What is here now is of a refund "
            "that failed: send it back."
        )
