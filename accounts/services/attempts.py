"""One try to tell an endpoint what happened, and what comes of it."""

import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.tasks import task

from accounts import destinations, emails
from accounts.exceptions import DestinationRefused, NotReached
from accounts.models import Business, Event, WebhookDelivery, WebhookEndpoint

SIGNATURE: Final = "PayMyInvoice-Signature"
SECONDS: Final = 10.0
# While somebody waits for a page, on Lambda. What takes longer than `PROMPT_MS` is not
# waited for the next time.
SECONDS_AT_ONCE: Final = 5.0
PROMPT_MS: Final = 2000
# From one try to the next: twelve tries in three days.
DELAYS: Final = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 5, 30, 120, 300, 600, 720, 720, 720, 720, 384)
)
PATIENCE: Final = sum(DELAYS, timedelta())
# Whoever claimed a try and was killed is followed by another after this.
LEASE: Final = timedelta(minutes=2)

_OFF: Final = "The endpoint was turned off."


def content(event: Event) -> bytes:
    """What is sent: the event as the API's list of events shows it."""
    shown = {
        "id": str(event.public_id),
        "type": event.type,
        "business": str(event.business.public_id) if event.business else None,
        "actor": event.actor.username if event.actor else None,
        "subject_type": event.subject_type,
        "subject_id": event.subject_id,
        "data": event.data,
        "occurred_at": event.occurred_at.isoformat().replace("+00:00", "Z"),
    }
    return json.dumps(shown, separators=(",", ":")).encode()


def signature(body: bytes, secrets: Sequence[str], now: datetime) -> str:
    """As Stripe writes it, so that its libraries can check it: one `v1` per secret."""
    stamp = int(now.timestamp())
    signed = b"%d.%s" % (stamp, body)
    marks = [hmac.digest(each.encode(), signed, hashlib.sha256) for each in secrets]
    return ",".join([f"t={stamp}", *(f"v1={mark.hex()}" for mark in marks)])


def attempt(
    *, delivery: WebhookDelivery, now: datetime, seconds: float = SECONDS
) -> None:
    """
    Send an event to an endpoint once, and write down what came of it.

    Of two that try at once, one goes on. Whoever is killed on the way is followed by
    another: the event may then come twice, under the same id. One that is lost would be
    worse. Call it outside a transaction.
    """
    if not delivery.endpoint.enabled:
        # Turned off at the moment when this was written down.
        give_up_pending(delivery.endpoint)
        return
    if not _claim(delivery, now):
        return
    began = time.monotonic()
    wrong = _send(delivery, now, seconds)
    delivery.duration_ms = round((time.monotonic() - began) * 1000)
    delivery.error = wrong[:200]
    _settle(delivery, now)
    failing_since = delivery.endpoint.failing_since
    if failing_since and now - failing_since >= PATIENCE:
        _turn_off(delivery.endpoint, now)


def is_under_way(delivery: WebhookDelivery, now: datetime) -> bool:
    """Whether somebody is at a try of it, who was not killed. No delay is a lease."""
    ends = delivery.next_try_at
    return (
        ends is not None
        and now < ends
        and delivery.tried_at is not None
        and ends - delivery.tried_at == LEASE
    )


def give_up_pending(endpoint: WebhookEndpoint) -> None:
    """What is on its way to an endpoint that is turned off ends there."""
    endpoint.deliveries.filter(status=WebhookDelivery.Status.PENDING).update(
        status=WebhookDelivery.Status.FAILED, next_try_at=None, error=_OFF
    )


def _claim(delivery: WebhookDelivery, now: datetime) -> bool:
    # Of two that have read the same row, one goes on. Committed, or one that is killed
    # would leave no trace of its try: durable, so that nobody calls this in a transaction.
    with transaction.atomic(durable=True):
        mine = WebhookDelivery.objects.due(now).filter(
            pk=delivery.pk, tries=delivery.tries
        )
        is_mine = mine.update(
            tries=F("tries") + 1, tried_at=now, next_try_at=now + LEASE
        )
        if is_mine:
            # Read with many others, minutes ago: it may have another address by now, or
            # another secret. It is there, as whoever deletes it waits for this row.
            delivery.endpoint = WebhookEndpoint.objects.get(pk=delivery.endpoint_id)
    delivery.tries += is_mine
    delivery.tried_at = now
    return bool(is_mine)


def _send(delivery: WebhookDelivery, now: datetime, seconds: float) -> str:
    """What is wrong with the answer, if anything."""
    endpoint = delivery.endpoint
    body = content(delivery.event)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "PayMyInvoice-Webhooks/1",
        "Connection": "close",
        SIGNATURE: signature(body, endpoint.live_secrets(now), now),
    }
    delivery.response_status, delivery.response_body = None, ""
    try:
        answer = destinations.post(
            endpoint.url, body=body, headers=headers, seconds=seconds
        )
    except (DestinationRefused, NotReached) as error:
        return str(error)
    delivery.response_status, delivery.response_body = answer.status, answer.body
    if 200 <= answer.status < 300:
        return ""
    if 300 <= answer.status < 400:
        return "It redirects. Give the address that it leads to."
    return f"It answered {answer.status}."


@transaction.atomic
def _settle(delivery: WebhookDelivery, now: datetime) -> None:
    # The endpoint first, as everywhere. Deleted meanwhile, it took its deliveries along.
    rows = WebhookEndpoint.objects.select_for_update().filter(pk=delivery.endpoint_id)
    for endpoint in rows:
        delivery.endpoint = endpoint
        delivery.status, delivery.next_try_at = _next(delivery, now)
        if not _is_written(delivery):
            return
        health = endpoint.failing_since, endpoint.is_prompt
        if delivery.error:
            endpoint.failing_since = endpoint.failing_since or now
            endpoint.is_prompt = False
        else:
            endpoint.failing_since = None
            endpoint.is_prompt = (delivery.duration_ms or 0) < PROMPT_MS
        if health != (endpoint.failing_since, endpoint.is_prompt):
            endpoint.save(update_fields=["failing_since", "is_prompt"])


def _next(
    delivery: WebhookDelivery, now: datetime
) -> tuple[WebhookDelivery.Status, datetime | None]:
    if not delivery.error:
        return WebhookDelivery.Status.SUCCEEDED, None
    if delivery.tries > len(DELAYS):
        return WebhookDelivery.Status.FAILED, None
    return WebhookDelivery.Status.PENDING, now + DELAYS[delivery.tries - 1]


def _is_written(delivery: WebhookDelivery) -> bool:
    # Of a try that another has followed, or that was turned off, nothing is written.
    same = WebhookDelivery.objects.filter(
        pk=delivery.pk,
        tries=delivery.tries,
        tried_at=delivery.tried_at,
        status=WebhookDelivery.Status.PENDING,
    )
    written = same.update(
        status=delivery.status,
        next_try_at=delivery.next_try_at,
        response_status=delivery.response_status,
        response_body=delivery.response_body,
        error=delivery.error,
        duration_ms=delivery.duration_ms,
    )
    return bool(written)


@transaction.atomic
def _turn_off(endpoint: WebhookEndpoint, now: datetime) -> None:
    # The business first, as everywhere: an event of it holds it, too.
    business = Business.objects.select_for_update().get(pk=endpoint.business_id)
    still_on = WebhookEndpoint.objects.filter(pk=endpoint.pk, enabled=True)
    if not still_on.update(enabled=False):
        return
    give_up_pending(endpoint)
    # Not by `record_event`, which would send it on: here is where that ends.
    Event.of(
        type="webhook_endpoint.disabled",
        subject=endpoint,
        business=business,
        actor=None,
        now=now,
        data={"host": endpoint.host},
    ).save()
    for owner in business.memberships.owners().select_related("user"):
        _mail_turned_off.enqueue(endpoint_id=endpoint.pk, to=owner.user.email)


@task
def _mail_turned_off(endpoint_id: int, to: str) -> None:
    # Deleted before the worker came to it, there is nothing to say.
    for endpoint in WebhookEndpoint.objects.select_related("business").filter(
        pk=endpoint_id
    ):
        emails.webhook_turned_off(endpoint, to=to)
