"""Sending money back, and booking what became of it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q, Sum
from django.tasks import TaskContext, task

from accounts.models import User
from accounts.services.events import record_event
from billing import emails
from billing.exceptions import (
    PaymentDisputed,
    PaymentPending,
    PaymentRejected,
    RefundTooLarge,
)
from billing.gateway import amounts, refunds
from billing.models import REASON_LENGTH, Payment, Refund
from billing.services.keeping import lock_invoice_of, square_kept
from billing.services.statuses import known
from billing.states import BACK, LEFT, RefundStatus, refund_can_become
from invoices import selectors
from invoices.models import Invoice, LedgerEntry
from invoices.money import format_money
from invoices.services.booking import book
from invoices.services.locking import lock_invoice

logger = logging.getLogger(__name__)

# Stripe forgets an idempotency key after a day; then the same call refunds again.
_KEY_IS_KNOWN: Final = timedelta(hours=23)
# From one minute to about an hour between tries.
_DOUBLINGS: Final = 6
_NEWS: Final = timedelta(days=7)


@transaction.atomic
def request_refund(
    *,
    payment: Payment,
    amount: int | None,
    reason: str,
    actor: User | None,
    now: datetime,
    cause: str | None = None,
) -> Refund:
    """
    Have money sent back. It leaves by a task written in the same transaction. What was
    due before stays settled: a refund is a concession and opens no debt.

    :param amount: minor units, or None for all that is left
    :param cause: where no person asks: unique, so that one cause pays back once
    :raises PaymentDisputed: if the payer's bank has it, or decides on it
    :raises RefundTooLarge: if it is more than is left of the payment, or nothing is
    :raises AmountNotPayable: if Stripe cannot send exactly that
    """
    invoice = lock_invoice(payment.invoice_id)
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    check_not_disputed(payment)
    left = _left(payment, invoice)
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise RefundTooLarge(
            f"{format_money(left, payment.currency)} is left of this payment to refund."
        )
    amounts.to_stripe(amount, payment.currency)
    refund = Refund.objects.create(
        payment=payment,
        amount=amount,
        currency=payment.currency,
        reason=reason,
        cause=cause,
        requested_at=now,
    )
    _record(refund, invoice, actor, now)
    _send_refund.enqueue(refund_id=refund.pk)
    return refund


@transaction.atomic
def refund_invoice(
    *,
    invoice: Invoice,
    amount: int,
    reason: str,
    cause: str,
    actor: User | None,
    now: datetime,
) -> list[Refund]:
    """
    Have an amount sent back of what was paid by card, the latest payment first.

    :param amount: minor units, above zero
    :param cause: unique: with it, the same amount is sent back once
    :raises RefundTooLarge: if less than that was paid by card and is left
    """
    invoice = lock_invoice(invoice.pk)
    payments = Payment.objects.filter(
        invoice=invoice, status=Payment.Status.SUCCEEDED
    ).order_by("-received_at", "-pk")
    refunds, wanted = [], amount
    for payment in payments:
        part = min(wanted, _left(payment, invoice))
        if part > 0:
            refunds.append(
                request_refund(
                    payment=payment,
                    amount=part,
                    reason=reason[:REASON_LENGTH],
                    cause=f"{cause}:{payment.payment_intent}",
                    actor=actor,
                    now=now,
                )
            )
            wanted -= part
    if wanted:
        raise RefundTooLarge(
            f"{format_money(amount - wanted, invoice.currency)} of this invoice was paid "
            "by card and can be refunded; pay the rest back otherwise."
        )
    return refunds


def check_not_disputed(payment: Payment) -> None:
    """
    For what would give money to the payer that the bank has already given, or may.

    :raises PaymentDisputed: if it would
    """
    barring = next((each for each in payment.disputes.all() if each.bars_refund), None)
    if barring is None:
        return
    if barring.is_undecided:
        raise PaymentDisputed(
            "The payer disputes this payment, and the bank decides who gets the money. "
            "Answer the dispute at Stripe, or accept it there: that sends the money back."
        )
    raise PaymentDisputed(
        "The bank gave the money back to the payer when the dispute was lost, and no more "
        "of this payment is refunded. What was not disputed can be paid back otherwise."
    )


def _left(payment: Payment, invoice: Invoice) -> int:
    left: int = Payment.objects.with_left().get(pk=payment.pk).left
    if payment.is_held:
        return left
    if any(dispute.bars_refund for dispute in payment.disputes.all()):
        return 0
    # What a credit note kept as balance, or paid back otherwise, is no longer here.
    return max(0, min(left, selectors.kept(invoice) - requested(invoice)))


def requested(invoice: Invoice) -> int:
    """What is to go back of what was paid on an invoice, and is not booked yet."""
    refunds = Refund.objects.filter(
        payment__invoice=invoice,
        payment__status=Payment.Status.SUCCEEDED,
        status=RefundStatus.REQUESTED,
    )
    return int(refunds.aggregate(sum=Sum("amount", default=0))["sum"])


@task(takes_context=True)
def _send_refund(context: TaskContext[[int], None], refund_id: int) -> None:
    """Ask Stripe for a refund."""
    now = context.task_result.started_at
    assert now is not None, "A task that runs has started."  # noqa: S101 - for mypy
    send_refund(refund=Refund.objects.get(pk=refund_id), now=now)


def send_refund(*, refund: Refund, now: datetime) -> None:
    """
    Ask Stripe for a requested refund. May run twice: the key makes it one refund. While
    Stripe cannot be asked, the task comes back, less and less often.

    Call it outside a transaction.
    """
    try:
        ask_for_refund(refund=refund, now=now)
    except PaymentPending:
        logger.warning("Refund %s is not known to be made", refund.public_id)
        wait = timedelta(minutes=2 ** min(refund.tries, _DOUBLINGS))
        _send_refund.using(run_after=now + wait).enqueue(refund_id=refund.pk)


def ask_for_refund(*, refund: Refund, now: datetime) -> None:
    """
    As `send_refund`, this once.

    :raises PaymentPending: if Stripe cannot be asked, or what it did is not known
    """
    if refund.status != RefundStatus.REQUESTED:
        return
    Refund.objects.filter(pk=refund.pk).update(
        sent_at=refund.sent_at or now, tries=F("tries") + 1
    )
    # Not since it was sent: a database restored from a copy does not know that it was.
    is_key_known = now < refund.requested_at + _KEY_IS_KNOWN
    try:
        fact = _ask_stripe(refund, is_key_known=is_key_known)
    except PaymentRejected as error:
        # Stripe's answer says it all; a traceback would only say who asked.
        logger.error("Stripe rejected refund %s: %s", refund.public_id, error.reason)  # noqa: TRY400 - as said above
        _reject(refund, now)
    else:
        apply_refund(fact=fact, now=now)


def _ask_stripe(refund: Refund, *, is_key_known: bool) -> refunds.Refund:
    intent = refund.payment.payment_intent
    if not is_key_known and (found := _made_before(refund, intent)):
        return found
    return refunds.create_refund(
        payment_intent=intent,
        amount=refund.amount,
        currency=refund.currency,
        key=refund.key,
    )


def _made_before(refund: Refund, intent: str) -> refunds.Refund | None:
    try:
        return refunds.find_refund(payment_intent=intent, key=refund.key)
    except PaymentRejected as error:
        # Of a payment that Stripe does not know nothing went back. But where our key may
        # not look, it may have, and is not sent again before that is seen.
        if error.reason == "resource_missing":
            return None
        raise PaymentPending(
            f"Stripe does not let us see what went back of {intent}: {error.reason}."
        ) from error


@transaction.atomic
def _reject(refund: Refund, now: datetime) -> None:
    invoice = lock_invoice_of(refund.payment)
    refund = Refund.objects.select_for_update().get(pk=refund.pk)
    # What Stripe refuses now it may have done before, and a webhook told us meanwhile.
    if refund.status == RefundStatus.REQUESTED:
        _move(refund, RefundStatus.FAILED, invoice, now)


@transaction.atomic
def apply_refund(*, fact: refunds.Refund, now: datetime) -> Refund | None:
    """
    Book what Stripe says of a refund. May run any number of times.

    :returns: the refund, or None if its payment is not known here
    """
    payment = Payment.objects.filter(payment_intent=fact.payment_intent).first()
    if payment is None:
        logger.warning("Refund %s is of no payment known here", fact.id)
        return None
    status = known(RefundStatus, fact.status, fact.id)
    invoice = lock_invoice_of(payment)
    refund = _find(payment, fact) or _import(payment, fact)
    if refund.stripe_id is None:
        refund.stripe_id, refund.amount = fact.id, fact.amount
        refund.save(update_fields=["stripe_id", "amount", "updated_at"])
    if _move(refund, status, invoice, now):
        _book(refund, payment, invoice, fact, now)
    return refund


def _find(payment: Payment, fact: refunds.Refund) -> Refund | None:
    return (
        Refund.objects.select_for_update()
        .filter(
            # A second refund under our key is money too: it is imported.
            Q(stripe_id=fact.id) | Q(key=fact.key, status=RefundStatus.REQUESTED),
            payment=payment,
        )
        .first()
    )


def _import(payment: Payment, fact: refunds.Refund) -> Refund:
    """A refund that a person made in Stripe's Dashboard."""
    return Refund.objects.create(
        payment=payment,
        stripe_id=fact.id,
        amount=fact.amount,
        currency=fact.currency,
        reason="Made at Stripe",
        cause=f"external:{fact.id}",
        requested_at=fact.created_at,
    )


def _move(
    refund: Refund, status: RefundStatus, invoice: Invoice, now: datetime
) -> bool:
    """:returns: whether this was news"""
    if not refund_can_become(refund.status, status):
        return False
    is_told = refund.status == RefundStatus.REQUESTED and status in LEFT
    refund.status = status
    refund.save(update_fields=["status", "updated_at"])
    _record(refund, invoice, None, now)
    # Once for leaving and once for coming back: what is left changes by no other news.
    if is_told or status in BACK:
        cause = f"{refund.public_id}:{'back' if status in BACK else 'left'}"
        square_kept(payment=refund.payment, invoice=invoice, cause=cause, now=now)
    # What is found again in an old copy of the books is no news to the customer.
    if is_told and now < refund.requested_at + _NEWS:
        _mail_notice.enqueue(refund_id=refund.pk)
    if status in BACK:
        _mail_failure.enqueue(refund_id=refund.pk)
    return True


def _book(
    refund: Refund,
    payment: Payment,
    invoice: Invoice,
    fact: refunds.Refund,
    now: datetime,
) -> None:
    kinds = LedgerEntry.Kind
    left, back = (
        (kinds.HELD_REFUND, kinds.HELD_REFUND_FAILED)
        if payment.is_held
        else (kinds.REFUND, kinds.REFUND_FAILED)
    )
    if refund.status in LEFT:
        kind, amount, occurred_at = left, -fact.amount, fact.created_at
    elif LedgerEntry.objects.filter(kind=left, source=fact.id).exists():
        kind, amount, occurred_at = back, fact.amount, now
    else:
        return
    book(
        invoice=invoice,
        kind=kind,
        source=fact.id,
        amount=amount,
        currency=fact.currency,
        occurred_at=occurred_at,
        now=now,
    )


def _record(
    refund: Refund, invoice: Invoice, actor: User | None, now: datetime
) -> None:
    record_event(
        type=f"refund.{refund.status}",
        subject=refund,
        business=invoice.business,
        actor=actor,
        now=now,
        data={
            "invoice": invoice.number,
            "amount": refund.amount,
            "currency": refund.currency,
            "reason": refund.reason,
        },
    )


@task
def _mail_notice(refund_id: int) -> None:
    """Mail a customer that money comes back."""
    emails.refund_on_its_way(_refund(refund_id))


@task
def _mail_failure(refund_id: int) -> None:
    """Mail a business that a refund failed."""
    emails.refund_failed(_refund(refund_id))


def _refund(refund_id: int) -> Refund:
    refunds = Refund.objects.select_related(
        "payment__invoice__business", "payment__invoice__customer"
    )
    return refunds.get(pk=refund_id)
