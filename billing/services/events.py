"""Acting on what Stripe tells by webhook, once."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction
from django.db.models import F
from django.tasks import TaskContext, task

from accounts.models import User
from accounts.services.events import record_event
from billing.exceptions import NothingToProcess, PaymentRejected, UnknownStatus
from billing.gateway import events, refunds
from billing.gateway.client import API_VERSION
from billing.models import StripeEvent
from billing.services import disputing, refunding, settling

logger = logging.getLogger(__name__)

Act = Callable[[str, datetime], str]

# Begun so long ago, an event is not being acted on any more: nothing on Lambda lasts.
CUT_OFF: Final = timedelta(minutes=16)


def receive_event(*, event: events.Event, now: datetime) -> StripeEvent:
    """
    Keep a signed event and act on it, unless that was done.

    It counts as processed only after the work: a crash between the two repeats the work,
    which is harmless; the other way round would lose a payment. Whatever goes wrong is
    noted and raised, and the next delivery tries again.

    Call it outside a transaction.
    """
    record, is_new = StripeEvent.objects.get_or_create(
        event_id=event.id,
        defaults={
            "type": event.type,
            "object_id": event.object_id,
            "livemode": event.livemode,
            "api_version": event.api_version,
            "received_at": now,
        },
    )
    if is_new and event.api_version not in {"", API_VERSION}:
        # Harmless: what happened is asked of Stripe, in the version that is ours.
        logger.warning("Event %s is of API version %s", event.id, event.api_version)
    if not is_done(record):
        _act_on(record, now)
    return record


@transaction.atomic
def process_again(*, record: StripeEvent, actor: User | None, now: datetime) -> None:
    """
    Have an event acted on that failed or was cut off, or that an older release did not
    know. A task written in the same transaction does it.

    What it is about is asked of Stripe as it is now. So its age does not matter: Stripe
    forgets events after thirty days, and what they are about never.

    :raises NothingToProcess: if it was acted on, or is of no concern
    """
    record = StripeEvent.objects.select_for_update().get(pk=record.pk)
    if is_done(record):
        raise NothingToProcess(
            "This event was acted on: there is nothing left to do."
            if record.status == StripeEvent.Status.PROCESSED
            else "Events of this type are of no concern here."
        )
    record_event(
        type="stripe_event.processed_again",
        subject=record,
        business=None,
        actor=actor,
        now=now,
        data={"type": record.type, "object": record.object_id, "was": record.status},
    )
    _process.enqueue(record_id=record.pk)


@task(takes_context=True)
def _process(context: TaskContext[[int], None], record_id: int) -> None:
    """Act on an event of Stripe's once more."""
    now = context.task_result.started_at
    assert now is not None, "A task that runs has started."  # noqa: S101 - for mypy
    record = StripeEvent.objects.get(pk=record_id)
    # Stripe may have delivered it again meanwhile; both at once do no harm.
    if not is_done(record):
        _act_on(record, now)


def is_done(record: StripeEvent) -> bool:
    """Whether there is nothing to do about an event, now or ever."""
    if record.status == StripeEvent.Status.IGNORED:
        return record.type not in _ACTS
    return record.status == StripeEvent.Status.PROCESSED


def _act_on(record: StripeEvent, now: datetime) -> None:
    StripeEvent.objects.filter(pk=record.pk).update(tries=F("tries") + 1)
    try:
        act = _ACTS.get(record.type, _ignore)
        note = act(record.object_id, now)
    except Exception as error:
        _mark(record, StripeEvent.Status.FAILED, _said(error), now)
        raise
    status = (
        StripeEvent.Status.IGNORED if act is _ignore else StripeEvent.Status.PROCESSED
    )
    _mark(record, status, note, now)


def _said(error: Exception) -> str:
    if isinstance(error, UnknownStatus):
        return str(error)
    name = type(error).__name__
    return f"{name}: {error.reason}" if isinstance(error, PaymentRejected) else name


def _ignore(object_id: str, now: datetime) -> str:
    return ""


def _settle(session_id: str, now: datetime, *, debit_failed: bool = False) -> str:
    checkout = settling.sync_session(
        session_id=session_id, now=now, debit_failed=debit_failed
    )
    return checkout.status if checkout else "none of ours"


def _refund(refund_id: str, now: datetime) -> str:
    fact = refunds.retrieve_refund(refund_id)
    refund = refunding.apply_refund(fact=fact, now=now)
    # What tells of a refund may come before what tells of its payment.
    if refund is None and settling.settle_payment(
        payment_intent=fact.payment_intent, now=now
    ):
        refund = refunding.apply_refund(fact=fact, now=now)
    return refund.status if refund else "none of ours"


def _dispute(dispute_id: str, now: datetime) -> str:
    dispute = disputing.sync_dispute(dispute_id=dispute_id, now=now)
    return dispute.status if dispute else "none of ours"


def _warn_of_fraud(warning_id: str, now: datetime) -> str:
    payment = disputing.warn_of_fraud(warning_id=warning_id, now=now)
    return "told" if payment else "none of ours"


_ACTS: Final[Mapping[str, Act]] = {
    "checkout.session.completed": _settle,
    "checkout.session.async_payment_succeeded": _settle,
    "checkout.session.async_payment_failed": partial(_settle, debit_failed=True),
    "checkout.session.expired": _settle,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "radar.early_fraud_warning.created": _warn_of_fraud,
}


TYPES: Final = tuple(_ACTS)


def _mark(
    record: StripeEvent, status: StripeEvent.Status, note: str, now: datetime
) -> None:
    # Another delivery of the same event may have done the work while this one failed.
    StripeEvent.objects.filter(pk=record.pk).exclude(
        status=StripeEvent.Status.PROCESSED
    ).update(status=status, note=note[:200], updated_at=now)
    record.refresh_from_db()
