"""Writing the append-only record of what happened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.models import Business, Event, User, WebhookEndpoint
from accounts.models.events import Subject


def record_event(
    *,
    type: str,  # noqa: A002 - the column's name
    subject: Subject,
    business: Business | None,
    actor: User | None,
    now: datetime,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """
    Write down that something happened, and have it sent to whoever listens for it: one
    query, and none where it is of no business. Call it inside the transaction that does
    it.

    :param type: `thing.happened`, as in `invoice.finalized`; listed, with a sentence
        for whoever listens, in `accounts.event_types`
    :param actor: who did it, or None where a customer, Stripe or a schedule did
    :param data: JSON; what a reader needs later, never secrets
    """
    event = Event.of(
        type=type,
        subject=subject,
        business=business,
        actor=actor,
        now=now,
        data=data,
    )
    event.save()
    if business is not None:
        _send_on(event, business, now)
    return event


def _send_on(event: Event, business: Business, now: datetime) -> None:
    listening = WebhookEndpoint.objects.filter(business=business, enabled=True)
    wanting = [endpoint for endpoint in listening if endpoint.wants(event.type)]
    if wanting:
        from accounts.services import deliveries

        deliveries.queue(event, wanting, now)
