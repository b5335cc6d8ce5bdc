"""Endpoints of webhooks: added, changed, given another secret, tested, deleted."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import destinations
from accounts.event_types import is_known
from accounts.exceptions import (
    EndpointGone,
    EndpointOff,
    TooManyEndpoints,
    UnknownEventType,
)
from accounts.models import Business, Event, User, WebhookDelivery, WebhookEndpoint
from accounts.services import deliveries
from accounts.services.attempts import give_up_pending
from accounts.services.events import record_event
from accounts.services.writing import set_fields

FIELDS: Final = frozenset({"url", "description", "types", "enabled"})
# All of them are asked whenever something happens.
ENDPOINTS_EACH: Final = 10
TYPES_EACH: Final = 50
# How long a secret that was replaced signs beside the new one.
OVERLAP: Final = timedelta(days=1)


@transaction.atomic
def create_endpoint(
    *, business: Business, actor: User, now: datetime, fields: Mapping[str, Any]
) -> WebhookEndpoint:
    """
    Have a business's events sent to an address. Whoever calls shows its secret, once.

    :param fields: any of `FIELDS`; the caller has asked `destinations.check`, which
        looks the host up and is therefore nothing to do in a transaction
    :raises DestinationRefused: if the address is none that webhooks may go to
    :raises TooManyEndpoints: if the business has `ENDPOINTS_EACH`
    :raises UnknownEventType: if nothing that happens is of one of the types
    :raises ValidationError: naming each field that is wrong
    """
    business = _lock(business)
    if business.webhook_endpoints.count() >= ENDPOINTS_EACH:
        raise TooManyEndpoints(
            f"{business.name} has {ENDPOINTS_EACH} endpoints, which is as many as it "
            "may. Delete one that nobody needs."
        )
    endpoint = WebhookEndpoint(business=business, secret=_new_secret())
    _set(endpoint, fields)
    endpoint.save()
    _record("webhook_endpoint.created", endpoint, actor, now)
    return endpoint


@transaction.atomic
def update_endpoint(
    *, endpoint: WebhookEndpoint, actor: User, now: datetime, fields: Mapping[str, Any]
) -> WebhookEndpoint:
    """
    As `create_endpoint`. What is on its way to an endpoint that is turned off ends there;
    one that is turned on begins anew, whatever failed before.
    """
    endpoint = _fresh(endpoint)
    was_on = endpoint.enabled
    _set(endpoint, fields)
    if endpoint.enabled and not was_on:
        endpoint.failing_since, endpoint.is_prompt = None, True
    endpoint.save(
        update_fields=[*sorted(FIELDS), "failing_since", "is_prompt", "updated_at"]
    )
    if not endpoint.enabled:
        give_up_pending(endpoint)
    _record("webhook_endpoint.updated", endpoint, actor, now, fields=sorted(fields))
    return endpoint


@transaction.atomic
def roll_secret(
    *, endpoint: WebhookEndpoint, actor: User, now: datetime
) -> WebhookEndpoint:
    """Give it another secret; for a day, the one before signs as well."""
    endpoint = _fresh(endpoint)
    endpoint.previous_secret = endpoint.secret
    endpoint.previous_secret_until = now + OVERLAP
    endpoint.secret = _new_secret()
    endpoint.save(
        update_fields=[
            "secret",
            "previous_secret",
            "previous_secret_until",
            "updated_at",
        ]
    )
    _record("webhook_endpoint.secret_rolled", endpoint, actor, now)
    return endpoint


@transaction.atomic
def ping(*, endpoint: WebhookEndpoint, actor: User, now: datetime) -> WebhookDelivery:
    """
    Send it an event of no consequence, whatever it listens for.

    :raises EndpointOff: if it is turned off
    """
    endpoint = _fresh(endpoint)
    if not endpoint.enabled:
        raise EndpointOff("This endpoint is off. Turn it on first.")
    event = Event.of(
        type="webhook_endpoint.pinged",
        subject=endpoint,
        business=endpoint.business,
        actor=actor,
        now=now,
        data={"host": endpoint.host},
    )
    event.save()
    [delivery] = deliveries.write_down(event, [endpoint], now)
    deliveries.deliver_now.enqueue(delivery_id=str(delivery.public_id))
    return delivery


@transaction.atomic
def delete_endpoint(*, endpoint: WebhookEndpoint, actor: User, now: datetime) -> None:
    """What is on its way there ends. Deleting twice is deleting once."""
    _lock(endpoint.business)
    # Before what was sent there, which goes with it: as whoever writes down a try.
    for gone in WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk):
        gone.delete()
        _record("webhook_endpoint.deleted", endpoint, actor, now)


def _lock(business: Business) -> Business:
    # Before the endpoint, as everywhere: an event of the business holds it, too.
    return Business.objects.select_for_update().get(pk=business.pk)


def _fresh(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    _lock(endpoint.business)
    rows = WebhookEndpoint.objects.select_for_update().select_related("business")
    try:
        return rows.get(pk=endpoint.pk)
    except WebhookEndpoint.DoesNotExist:
        raise EndpointGone("This endpoint was deleted meanwhile.") from None


def _new_secret() -> str:
    # The prefix is Stripe's, so that its tools know what it is.
    return f"whsec_{secrets.token_urlsafe(32)}"


def _set(endpoint: WebhookEndpoint, fields: Mapping[str, Any]) -> None:
    set_fields(endpoint, fields, FIELDS)
    destinations.check_form(endpoint.url)
    endpoint.types = _checked_types(endpoint.types)
    endpoint.full_clean()


def _checked_types(types: Sequence[str]) -> list[str]:
    if not 1 <= len(types) <= TYPES_EACH:
        raise ValidationError(
            {"types": f"Name 1 to {TYPES_EACH} types; * stands for all there are."}
        )
    for pattern in types:
        if not is_known(pattern):
            raise UnknownEventType(
                f"Nothing that happens is called “{pattern}”. Write a type such as "
                "invoice.paid, all of a kind such as invoice.*, or * for everything."
            )
    return sorted(set(types))


def _record(
    type_: str, endpoint: WebhookEndpoint, actor: User, now: datetime, **data: Any
) -> None:
    record_event(
        type=type_,
        subject=endpoint,
        business=endpoint.business,
        actor=actor,
        now=now,
        data={"host": endpoint.host, **data},
    )
