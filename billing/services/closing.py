"""Closing sessions at Stripe on which nobody is to pay any more."""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.tasks import TaskContext, task

from billing.exceptions import PaymentPending, PaymentRejected, PaymentUnderWay
from billing.gateway import sessions
from billing.models import Checkout
from billing.services import settling
from billing.services.moving import move_checkout
from billing.states import CheckoutStatus
from invoices import selectors
from invoices.models import Invoice
from invoices.services.locking import lock_invoice
from invoices.states import InvoiceStatus

logger = logging.getLogger(__name__)

_WAIT: Final = timedelta(minutes=1)


def close_later(*, invoice: Invoice) -> None:
    """
    Have the session closed on which more can be paid than is due. It leaves by a task.
    Call it with the invoice locked, in the transaction in which less became due.

    :raises PaymentUnderWay: if the invoice is void now, and a slow payment on its way
    """
    checkout = Checkout.objects.filter(open_slot=invoice.pk).first()
    if checkout is None:
        return
    if checkout.status == CheckoutStatus.PROCESSING:
        if invoice.status == InvoiceStatus.VOID:
            raise PaymentUnderWay(
                "A payment of this invoice is on its way, so it cannot be voided. Wait "
                "for the money, and refund it."
            )
        return
    if checkout.amount > selectors.amounts(invoice).due:
        _close.enqueue(checkout_id=checkout.pk)


@task(takes_context=True)
def _close(context: TaskContext[[int], None], checkout_id: int) -> None:
    """Close a page of Stripe's on which too much could be paid."""
    now = context.task_result.started_at
    assert now is not None, "A task that runs has started."  # noqa: S101 - for mypy
    checkout = Checkout.objects.select_related("invoice").get(pk=checkout_id)
    close_checkout(checkout=checkout, now=now)


def close_checkout(*, checkout: Checkout, now: datetime) -> None:
    """
    Close a session on which more can be paid than is due. May run any number of times.
    While the session is not known yet, or Stripe cannot be asked, the task comes back,
    until the session is over by itself.

    Call it outside a transaction.
    """
    is_due = checkout.amount <= selectors.amounts(checkout.invoice).due
    if is_due or now > checkout.expires_at:
        return
    if checkout.status == CheckoutStatus.CREATING:
        _come_back(checkout, now)
    elif checkout.status == CheckoutStatus.OPEN:
        try:
            take_back(checkout, now)
        except PaymentPending:
            logger.warning("Checkout %s is not known to be closed", checkout.key)
            _come_back(checkout, now)


def _come_back(checkout: Checkout, now: datetime) -> None:
    _close.using(run_after=now + _WAIT).enqueue(checkout_id=checkout.pk)


def take_back(checkout: Checkout, now: datetime) -> None:
    """
    Close a session that does not fit; if it was just paid, settle that. Call it outside a
    transaction.

    :raises PaymentPending: if Stripe cannot be asked
    """
    session_id = str(checkout.session_id)
    try:
        sessions.expire_session(session_id)
    except PaymentRejected:
        settling.sync_session(session_id=session_id, now=now)
    else:
        end_checkout(checkout, CheckoutStatus.SUPERSEDED, now)


@transaction.atomic(durable=True)
def end_checkout(checkout: Checkout, status: CheckoutStatus, now: datetime) -> None:
    """Note that an attempt is over. Not inside another transaction."""
    lock_invoice(checkout.invoice_id)
    checkout.refresh_from_db()
    move_checkout(checkout=checkout, to=status, now=now)
