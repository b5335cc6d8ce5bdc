"""Which endpoints are told what happened, and when."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.tasks import TaskContext, task

from accounts.exceptions import BeingSent, EndpointOff
from accounts.models import Event, WebhookDelivery, WebhookEndpoint
from accounts.services.attempts import (
    PROMPT_MS,
    SECONDS_AT_ONCE,
    attempt,
    is_under_way,
)

KEPT: Final = timedelta(days=30)
AT_A_TIME: Final = 500

Clock = Callable[[], datetime]


def queue(event: Event, endpoints: Sequence[WebhookEndpoint], now: datetime) -> None:
    """Have an event sent to these. Call it in the transaction that made it true."""
    write_down(event, endpoints, now)
    _deliver_at_once.enqueue(event_id=event.pk)


def write_down(
    event: Event, endpoints: Sequence[WebhookEndpoint], now: datetime
) -> list[WebhookDelivery]:
    return WebhookDelivery.objects.bulk_create(
        WebhookDelivery(event=event, endpoint=each, next_try_at=now, created_at=now)
        for each in endpoints
    )


@task(takes_context=True)
def _deliver_at_once(context: TaskContext[[int], None], event_id: int) -> None:
    now = context.task_result.started_at
    assert now is not None, "A task that runs has started."  # noqa: S101 - for mypy
    deliver_at_once(event_id=event_id, now=now)


def deliver_at_once(*, event_id: int, now: datetime) -> None:
    """
    Send an event for the first time, to endpoints that answer soon. Somebody may be
    waiting: the first that is slow leaves the rest to `deliver_due`, and so do several
    that are not quite.
    """
    spent = 0
    waiting = WebhookDelivery.objects.due(now).filter(event=event_id)
    for delivery in _complete(waiting.order_by("pk")):
        if delivery.endpoint.is_prompt:
            attempt(delivery=delivery, now=now, seconds=SECONDS_AT_ONCE)
            spent += delivery.duration_ms or 0
            if not delivery.endpoint.is_prompt or spent >= PROMPT_MS:
                return


@task(takes_context=True)
def deliver_now(context: TaskContext[[str], None], delivery_id: str) -> None:
    """Somebody asked for this one, and waits for it, however slow the endpoint."""
    now = context.task_result.started_at
    assert now is not None, "A task that runs has started."  # noqa: S101 - for mypy
    for delivery in _complete(WebhookDelivery.objects.filter(public_id=delivery_id)):
        attempt(delivery=delivery, now=now, seconds=SECONDS_AT_ONCE)


def deliver_due(*, clock: Clock, until: datetime) -> tuple[int, int]:
    """
    Try what is to be tried, the longest waiting first, until then. An endpoint that
    fails is left in peace until the next time, so that it keeps no other waiting.

    :returns: how many deliveries succeeded, and how many did not
    """
    succeeded = 0
    resting: set[int] = set()
    while rows := _due(clock(), resting):
        for delivery in rows:
            if (now := clock()) >= until:
                return succeeded, len(resting)
            if delivery.endpoint_id in resting:
                continue
            attempt(delivery=delivery, now=now)
            if delivery.status == WebhookDelivery.Status.SUCCEEDED:
                succeeded += 1
            else:
                resting.add(delivery.endpoint_id)
    return succeeded, len(resting)


def _due(now: datetime, resting: set[int]) -> list[WebhookDelivery]:
    due = WebhookDelivery.objects.due(now).exclude(endpoint__in=resting)
    return list(_complete(due.order_by("next_try_at", "pk")[:AT_A_TIME]))


def _complete(rows: Any) -> Iterable[WebhookDelivery]:
    found: Iterable[WebhookDelivery] = rows.select_related(
        "endpoint", "event__business", "event__actor"
    )
    return found


@transaction.atomic
def send_again(*, delivery: WebhookDelivery, now: datetime) -> WebhookDelivery:
    """
    Try now, and for three days more if need be. One that succeeded is sent again, too.

    :raises EndpointOff: if its endpoint is turned off
    :raises BeingSent: if it is on its way at this moment
    """
    _check_on(delivery.endpoint)
    _check_not_under_way(delivery, now)
    _queue_again(WebhookDelivery.objects.filter(pk=delivery.pk), now)
    deliver_now.enqueue(delivery_id=str(delivery.public_id))
    return delivery


@transaction.atomic
def send_all_again(*, endpoint: WebhookEndpoint, now: datetime) -> int:
    """
    Have all that failed sent once more, at the next run of the schedule.

    :returns: how many
    :raises EndpointOff: if the endpoint is turned off
    """
    _check_on(endpoint)
    failed = endpoint.deliveries.filter(status=WebhookDelivery.Status.FAILED)
    return _queue_again(failed, now)


def _queue_again(rows: Any, now: datetime) -> int:
    queued: int = rows.update(
        status=WebhookDelivery.Status.PENDING, tries=0, next_try_at=now, error=""
    )
    return queued


def _check_on(endpoint: WebhookEndpoint) -> None:
    # Whoever turns it off waits until these are queued, and ends them then.
    on = WebhookEndpoint.objects.select_for_update().filter(enabled=True)
    if not on.filter(pk=endpoint.pk):
        raise EndpointOff("This endpoint is off. Turn it on first.")


def _check_not_under_way(delivery: WebhookDelivery, now: datetime) -> None:
    # Whoever claims a try of it waits until it is queued, and finds it anew.
    rows = WebhookDelivery.objects.select_for_update().filter(pk=delivery.pk)
    if not rows or is_under_way(rows[0], now):
        raise BeingSent(
            "This is being sent at this moment. See in two minutes how that went, and "
            "send it again then."
        )


def forget_deliveries(*, now: datetime) -> int:
    """Delete what ended `KEPT` ago and more. What is on its way stays."""
    forgotten = 0
    old = WebhookDelivery.objects.ended(before=now - KEPT).order_by("pk")
    while keys := list(old.values_list("pk", flat=True)[:AT_A_TIME]):
        deleted, _ = WebhookDelivery.objects.filter(pk__in=keys).delete()
        forgotten += deleted
    return forgotten
