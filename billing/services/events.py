"""Acting on what Stripe tells by webhook, once."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from django.db.models import F

from billing.gateway import events, refunds, sessions
from billing.models import StripeEvent
from billing.services import refunding, settling

Act = Callable[[str, datetime], str]


def receive_event(*, event: events.Event, now: datetime) -> StripeEvent:
    """
    Keep a signed event and act on it, unless that was done.

    It counts as processed only after the work: a crash between the two repeats the work,
    which is harmless; the other way round would lose a payment. Whatever goes wrong is
    noted and raised, and the next delivery tries again.

    Call it outside a transaction.
    """
    record, _ = StripeEvent.objects.get_or_create(
        event_id=event.id,
        defaults={
            "type": event.type,
            "object_id": event.object_id,
            "livemode": event.livemode,
            "api_version": event.api_version,
            "received_at": now,
        },
    )
    if record.is_done:
        return record
    StripeEvent.objects.filter(pk=record.pk).update(tries=F("tries") + 1)
    try:
        status, note = _act_on(event, now)
    except Exception as error:
        _mark(record, StripeEvent.Status.FAILED, type(error).__name__, now)
        raise
    _mark(record, status, note, now)
    record.refresh_from_db()
    return record


def _act_on(event: events.Event, now: datetime) -> tuple[StripeEvent.Status, str]:
    act = _ACTS.get(event.type)
    if act is None:
        return StripeEvent.Status.IGNORED, ""
    return StripeEvent.Status.PROCESSED, act(event.object_id, now)


def _settle(session_id: str, now: datetime, *, debit_failed: bool = False) -> str:
    checkout = settling.sync_session(
        session_id=session_id, now=now, debit_failed=debit_failed
    )
    return checkout.status if checkout else "none of ours"


def _refund(refund_id: str, now: datetime) -> str:
    fact = refunds.retrieve_refund(refund_id)
    refund = refunding.apply_refund(fact=fact, now=now)
    if refund is None and _settle_payment_of(fact, now):
        refund = refunding.apply_refund(fact=fact, now=now)
    return refund.status if refund else "none of ours"


def _settle_payment_of(fact: refunds.Refund, now: datetime) -> bool:
    """What tells of a refund may come before what tells of its payment."""
    session = (
        sessions.find_session(fact.payment_intent) if fact.payment_intent else None
    )
    return session is not None and bool(
        settling.apply_session(session=session, now=now)
    )


_ACTS: Final[Mapping[str, Act]] = {
    "checkout.session.completed": _settle,
    "checkout.session.async_payment_succeeded": _settle,
    "checkout.session.async_payment_failed": partial(_settle, debit_failed=True),
    "checkout.session.expired": _settle,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
}


def _mark(
    record: StripeEvent, status: StripeEvent.Status, note: str, now: datetime
) -> None:
    # Another delivery of the same event may have done the work while this one failed.
    StripeEvent.objects.filter(pk=record.pk).exclude(
        status=StripeEvent.Status.PROCESSED
    ).update(status=status, note=note, updated_at=now)
