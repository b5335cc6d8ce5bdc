"""
Turning what Stripe says of a dispute into the books.

As with payments, the message only tells us to look: the dispute is asked for as it is now,
and what it moved is known by Stripe's own entries. Order and number of messages decide
nothing. What a lost dispute took is not due again: see `refunding`.
"""

import logging
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.tasks import TaskContext, task

from accounts.models import Event
from accounts.services.events import record_event
from billing import emails
from billing.gateway import disputes
from billing.models import Dispute, DisputeMovement, Payment
from billing.services import settling
from billing.services.keeping import lock_invoice_of, square_kept
from billing.services.statuses import known
from billing.states import DECIDED, NEEDS_ANSWER, DisputeStatus, dispute_can_become
from invoices.models import Invoice
from invoices.services.booking import book
from invoices.services.locking import lock_invoice

logger = logging.getLogger(__name__)

_WARNED: Final = "payment.fraud_warned"


def sync_dispute(*, dispute_id: str, now: datetime) -> Dispute | None:
    """
    Ask Stripe for a dispute and book what it says. May run any number of times, and at
    once. Call it outside a transaction.

    :returns: the dispute, or None if its payment is none of ours
    :raises PaymentPending: if Stripe cannot be asked now
    :raises PaymentRejected: if Stripe does not know the dispute, or our key not Stripe
    """
    fact = disputes.retrieve_dispute(dispute_id)
    dispute = apply_dispute(fact=fact, now=now)
    # What tells of a dispute may come before what tells of its payment.
    if dispute is None and settling.settle_payment(
        payment_intent=fact.payment_intent, now=now
    ):
        dispute = apply_dispute(fact=fact, now=now)
    return dispute


@transaction.atomic
def apply_dispute(*, fact: disputes.Dispute, now: datetime) -> Dispute | None:
    """As `sync_dispute`, with Stripe's answer at hand, of a payment that is booked."""
    payment = _payment_of(fact)
    if payment is None:
        logger.warning("Dispute %s is of no payment known here", fact.id)
        return None
    status = known(DisputeStatus, fact.status, fact.id)
    invoice = lock_invoice_of(payment)
    dispute = _open(payment, fact, invoice, now)
    _move(dispute, fact, status, invoice, now)
    moved = [
        each for each in fact.movements if _book(dispute, fact, each, invoice, now)
    ]
    # All of them first: what was withdrawn and given back meanwhile changes nothing.
    if moved:
        square_kept(payment=payment, invoice=invoice, cause=moved[-1].id, now=now)
    return dispute


def _payment_of(fact: disputes.Dispute | disputes.FraudWarning) -> Payment | None:
    return Payment.objects.filter(
        Q(payment_intent=fact.payment_intent) | Q(charge=fact.charge)
    ).first()


def _open(
    payment: Payment, fact: disputes.Dispute, invoice: Invoice, now: datetime
) -> Dispute:
    dispute, is_new = Dispute.objects.get_or_create(
        stripe_id=fact.id,
        defaults={
            "payment": payment,
            "amount": fact.amount,
            "currency": fact.currency,
            "status": fact.status,
            "reason": fact.reason,
            "due_by": fact.due_by,
            "is_refundable": fact.is_refundable,
            "livemode": fact.livemode,
            "opened_at": fact.opened_at,
        },
    )
    if is_new:
        _record("dispute.opened", dispute, invoice, now)
        _mail.enqueue(dispute_id=dispute.pk, status=dispute.status)
    return dispute


def _move(
    dispute: Dispute,
    fact: disputes.Dispute,
    status: DisputeStatus,
    invoice: Invoice,
    now: datetime,
) -> None:
    is_news = dispute_can_become(dispute.status, status)
    if not is_news and dispute.status != status:
        # Asked before what we know, and late.
        return
    dispute.status = status
    dispute.amount, dispute.due_by = fact.amount, fact.due_by
    dispute.is_refundable = fact.is_refundable
    dispute.save(
        update_fields=["status", "amount", "due_by", "is_refundable", "updated_at"]
    )
    if is_news:
        _record(f"dispute.{status}", dispute, invoice, now)
    if is_news and status in DECIDED | NEEDS_ANSWER:
        _mail.enqueue(dispute_id=dispute.pk, status=status)


def _book(
    dispute: Dispute,
    fact: disputes.Dispute,
    movement: disputes.Movement,
    invoice: Invoice,
    now: datetime,
) -> bool:
    """:returns: whether this was news"""
    amount, currency = _counted(movement, fact, dispute.payment)
    row, is_new = DisputeMovement.objects.get_or_create(
        stripe_id=movement.id,
        defaults={
            "dispute": dispute,
            "amount": amount,
            "currency": currency,
            "moved_at": movement.moved_at,
        },
    )
    return is_new and book(
        invoice=invoice,
        kind=row.kind,
        source=row.stripe_id,
        amount=row.amount,
        currency=row.currency,
        occurred_at=row.moved_at,
        now=now,
    )


def _counted(
    movement: disputes.Movement, fact: disputes.Dispute, payment: Payment
) -> tuple[int, str]:
    """
    What moved, as the payer counts it, who gets the disputed amount to the cent: the
    balance may be kept in another currency. Where neither that nor the dispute is in the
    payer's, as the bank counts it.
    """
    if movement.currency in {payment.currency, fact.currency}:
        return movement.amount, movement.currency
    return fact.amount if movement.amount > 0 else -fact.amount, fact.currency


def _record(name: str, dispute: Dispute, invoice: Invoice, now: datetime) -> None:
    record_event(
        type=name,
        subject=dispute,
        business=invoice.business,
        actor=None,
        now=now,
        data={
            "invoice": invoice.number,
            "amount": dispute.amount,
            "currency": dispute.currency,
            "code": dispute.reason,
            "due_by": dispute.due_by.isoformat() if dispute.due_by else None,
        },
    )


def is_disputed(invoice: Invoice) -> bool:
    """Whether a payer's bank has not decided yet about what was paid."""
    return Dispute.objects.undecided().filter(payment__invoice=invoice).exists()


def warn_of_fraud(*, warning_id: str, now: datetime) -> Payment | None:
    """
    Tell the business that a bank takes a payment for fraud: refunded in time, it cannot
    be disputed. Told once of a payment, and nothing else is done. Call it outside a
    transaction.

    :returns: the payment, or None if it is none of ours
    :raises PaymentPending: if Stripe cannot be asked now
    """
    warning = disputes.retrieve_fraud_warning(warning_id)
    payment = _payment_of(warning)
    if payment is None and settling.settle_payment(
        payment_intent=warning.payment_intent, now=now
    ):
        payment = _payment_of(warning)
    if payment is not None:
        _warn(payment, now)
    return payment


@transaction.atomic
def _warn(payment: Payment, now: datetime) -> None:
    invoice = lock_invoice(payment.invoice_id)
    if Event.objects.about("payment", payment.public_id).filter(type=_WARNED).exists():
        return
    record_event(
        type=_WARNED,
        subject=payment,
        business=invoice.business,
        actor=None,
        now=now,
        data={
            "invoice": invoice.number,
            "amount": payment.amount,
            "currency": payment.currency,
        },
    )
    _mail_warning.enqueue(payment_id=payment.pk)


# One mail for each turn: it is news in one transaction only, and so is the task.


@task(takes_context=True)
def _mail(context: TaskContext[[int, str], None], dispute_id: int, status: str) -> None:
    """Mail a business what became of a dispute."""
    key = context.task_result.id
    rows = Dispute.objects.select_related("payment__invoice__business")
    emails.dispute_turned(rows.get(pk=dispute_id), DisputeStatus(status), key=key)


@task
def _mail_warning(payment_id: int) -> None:
    """Mail a business that a bank suspects a payment."""
    payments = Payment.objects.select_related("invoice__business")
    emails.fraud_suspected(payments.get(pk=payment_id))
