import threading
import time

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.exceptions import (
    DestinationRefused,
    EndpointGone,
    TooManyEndpoints,
    UnknownEventType,
)
from accounts.models import Event, WebhookDelivery, WebhookEndpoint
from accounts.services import attempts, endpoints
from tests.accounts.webhooks import record
from tests.at_once import at_once
from tests.factories import WebhookEndpointFactory

pytestmark = pytest.mark.django_db

FIELDS = {
    "url": "https://hooks.example.com:8443/a-key-of-theirs?and=another",
    "types": ["invoice.*", "*", "*"],
    "description": "The shop.",
}


def test_create_endpoint(business, owner, now):
    made = endpoints.create_endpoint(
        business=business, actor=owner, now=now, fields=FIELDS
    )

    made.refresh_from_db()
    assert (made.url, made.description) == (FIELDS["url"], "The shop.")
    assert (made.types, made.enabled) == (["*", "invoice.*"], True)
    assert len(made.secret) > 40
    event = Event.objects.get(type="webhook_endpoint.created")
    assert event.data == {"host": "hooks.example.com:8443"}


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"url": "http:///x"}, DestinationRefused),
        ({"url": "https://hooks.example.com/ x"}, ValidationError),
        ({"types": []}, ValidationError),
        ({"types": ["*"] * 51}, ValidationError),
        ({"types": ["invoice.lost"]}, UnknownEventType),
        ({"types": ["post.*"]}, UnknownEventType),
        ({"types": ["invoice*"]}, UnknownEventType),
    ],
)
def test_create_endpoint_refuses(wrong, refusal, business, owner, now):
    with pytest.raises(refusal):
        endpoints.create_endpoint(
            business=business, actor=owner, now=now, fields=FIELDS | wrong
        )

    assert not WebhookEndpoint.objects.exists()


def test_a_business_has_ten_endpoints_at_most(business, owner, now):
    WebhookEndpointFactory.create_batch(10, business=business)

    with pytest.raises(TooManyEndpoints, match="Delete one that nobody needs"):
        endpoints.create_endpoint(
            business=business, actor=owner, now=now, fields=FIELDS
        )


def test_update_endpoint_off_ends_what_is_on_its_way_and_on_begins_anew(
    endpoint, business, owner, now
):
    record(business, now)
    WebhookEndpoint.objects.update(failing_since=now, is_prompt=False)

    def change(**fields):
        return endpoints.update_endpoint(
            endpoint=endpoint, actor=owner, now=now, fields=fields
        )

    change(enabled=False)
    assert endpoint.deliveries.get().status == WebhookDelivery.Status.FAILED
    changed = change(enabled=True, types=["invoice.paid"])
    changed.refresh_from_db()
    assert (changed.failing_since, changed.is_prompt) == (None, True)
    assert changed.types == ["invoice.paid"]
    event = Event.objects.latest("pk")
    assert event.data == {"host": endpoint.host, "fields": ["enabled", "types"]}


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_delete_endpoint_waits_for_a_try_that_is_written_down(
    endpoint, business, owner, now
):
    record(business, now)
    is_locked = threading.Event()

    def write_down():
        with transaction.atomic():
            WebhookEndpoint.objects.select_for_update().get()
            is_locked.set()
            # Until whoever deletes has taken what it takes.
            time.sleep(0.3)
            return WebhookDelivery.objects.update(tries=1)

    def delete():
        is_locked.wait()
        endpoints.delete_endpoint(endpoint=endpoint, actor=owner, now=now)

    assert at_once([write_down, delete]) == [1, None]
    assert not WebhookDelivery.objects.exists()


def test_delete_endpoint_twice_is_deleting_it_once(endpoint, business, owner, now):
    record(business, now)

    for _ in range(2):
        endpoints.delete_endpoint(endpoint=endpoint, actor=owner, now=now)

    assert not WebhookDelivery.objects.exists()
    assert Event.objects.filter(type="webhook_endpoint.deleted").count() == 1
    # A mail about it has nothing to say any more.
    attempts._mail_turned_off.call(endpoint_id=endpoint.pk, to=owner.email)
    assert mail.outbox == []
    with pytest.raises(EndpointGone):
        endpoints.roll_secret(endpoint=endpoint, actor=owner, now=now)
