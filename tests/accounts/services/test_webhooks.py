"""Endpoints are told what happened: in turn, as soon as may be, and once."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command

from accounts.exceptions import BeingSent, EndpointOff
from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.services import attempts, deliveries, endpoints
from accounts.services.events import record_event
from tests.accounts.webhooks import deliver, record, tried
from tests.at_once import at_once
from tests.factories import WebhookEndpointFactory

pytestmark = pytest.mark.django_db

Status = WebhookDelivery.Status


# What is written down


def test_an_event_waits_for_each_endpoint_that_listens_for_it(business, now):
    every, _, one, kind = (
        WebhookEndpointFactory(business=business, types=types)
        for types in (
            ["*"],
            ["invoice.*"],
            ["customer.created"],
            ["tax_rate.deleted", "customer.*"],
        )
    )
    WebhookEndpointFactory(business=business, enabled=False)
    WebhookEndpointFactory()

    event = record(business, now)

    waiting = WebhookDelivery.objects.order_by("endpoint")
    assert [row.endpoint for row in waiting] == [every, one, kind]
    assert {(row.event, row.status, row.tries, row.next_try_at) for row in waiting} == {
        (event, Status.PENDING, 0, now)
    }


def test_an_event_costs_one_query_more_and_none_where_it_is_of_no_business(
    business, now, django_assert_num_queries
):
    WebhookEndpointFactory(business=business, types=["invoice.paid"])

    with django_assert_num_queries(2):
        record(business, now)
    with django_assert_num_queries(1):
        record_event(
            type="post.written", subject=business, business=None, actor=None, now=now
        )


# Who waits for whom


def test_an_endpoint_that_fails_keeps_no_other_waiting(
    endpoint, business, listener, now
):
    dead = WebhookEndpointFactory(business=business, url="http://127.0.0.1:9/")
    for _ in range(3):
        record(business, now)

    assert deliver(now) == (3, 1)

    assert len(listener.heard) == 3
    waiting = dead.deliveries.order_by("pk").values_list("tries", flat=True)
    assert list(waiting) == [1, 0, 0]
    # Nor anybody who waits for a page.
    assert not WebhookEndpoint.objects.get(pk=dead.pk).is_prompt


def test_deliver_due_begins_nothing_when_its_time_is_over(
    endpoint, business, listener, now
):
    record(business, now)

    assert deliver(now, minutes=0) == (0, 0)

    assert listener.heard == []


def test_an_event_is_tried_as_soon_as_it_is_committed(
    endpoint, business, listener, now, run_tasks
):
    record(business, now)

    run_tasks()

    assert endpoint.deliveries.get().status == Status.SUCCEEDED
    assert len(listener.heard) == 1


def test_nobody_waits_for_an_endpoint_that_was_slow(
    endpoint, business, listener, now, monkeypatch
):
    monkeypatch.setattr(attempts, "PROMPT_MS", 0)
    slow = WebhookEndpointFactory(business=business, url=listener.url)
    event = record(business, now)

    deliveries.deliver_at_once(event_id=event.pk, now=now)
    assert len(listener.heard) == 1
    deliveries.deliver_at_once(event_id=event.pk, now=now)
    assert (len(listener.heard), slow.deliveries.get().tries) == (2, 1)

    # Both were slow: the schedule asks them, and finds them prompt again.
    record(business, now)
    deliveries.deliver_at_once(event_id=event.pk + 1, now=now)
    assert len(listener.heard) == 2
    monkeypatch.setattr(attempts, "PROMPT_MS", 60_000)
    call_command("deliver_webhooks")
    assert len(listener.heard) == 4
    assert all(row.is_prompt for row in WebhookEndpoint.objects.all())


def test_nobody_waits_for_many_endpoints_that_are_just_prompt(
    endpoint, business, listener, now, monkeypatch
):
    WebhookEndpointFactory(business=business, url=listener.url)
    # As if the first had used up what all of them may take.
    monkeypatch.setattr(deliveries, "PROMPT_MS", 0)
    event = record(business, now)

    deliveries.deliver_at_once(event_id=event.pk, now=now)

    assert len(listener.heard) == 1
    assert all(row.is_prompt for row in WebhookEndpoint.objects.all())


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_of_two_that_try_at_once_one_goes_on(endpoint, business, listener, now):
    record(business, now)
    endpoint.deliveries.update(status=Status.PENDING, next_try_at=now, tries=0)

    found = at_once([lambda: deliver(now)] * 2)

    assert len(listener.heard) == 1
    assert (1, 0) in found
    assert endpoint.deliveries.get().tries == 1


def test_whoever_is_killed_on_the_way_is_followed_by_another(
    endpoint, business, listener, now
):
    """The same event comes again, under the same id."""
    event = record(business, now)
    [waiting] = deliveries._complete(WebhookDelivery.objects.all())
    assert attempts._claim(waiting, now)

    assert deliver(now) == (0, 0)
    assert deliver(now + attempts.LEASE) == (1, 0)

    [(*_, body)] = listener.heard
    assert json.loads(body)["id"] == str(event.public_id)


def test_what_was_written_while_an_endpoint_was_turned_off_ends(
    endpoint, business, listener, now
):
    record(business, now)
    WebhookEndpoint.objects.update(enabled=False)

    assert deliver(now) == (0, 1)

    assert (listener.heard, endpoint.deliveries.get().status) == ([], Status.FAILED)


# Sent again, tested, forgotten


def test_send_again_sends_what_succeeded_or_failed_the_same_way(
    endpoint, business, listener, now, run_tasks
):
    record(business, now)
    delivery, _ = tried(endpoint, now)

    deliveries.send_again(delivery=delivery, now=now)
    run_tasks()

    assert len(listener.heard) == 2
    assert listener.heard[0][2] == listener.heard[1][2]
    found = endpoint.deliveries.get()
    assert (found.status, found.tries) == (Status.SUCCEEDED, 1)


def test_what_is_being_sent_is_not_sent_again_beside_it(endpoint, business, now):
    record(business, now)
    [under_way] = deliveries._complete(WebhookDelivery.objects.all())
    attempts._claim(under_way, now)
    a_lease_later = now + attempts.LEASE

    with pytest.raises(BeingSent, match="See in two minutes how that went"):
        deliveries.send_again(
            delivery=under_way, now=a_lease_later - timedelta(microseconds=1)
        )
    # Killed, or so slow that nobody waits for it any more: what it says is its own.
    deliveries.send_again(delivery=under_way, now=a_lease_later)
    [again] = deliveries._complete(WebhookDelivery.objects.all())
    attempts._claim(again, a_lease_later)
    under_way.error = "It did not answer in time."
    attempts._settle(under_way, now)

    found = endpoint.deliveries.get()
    assert (found.error, found.tries) == ("", 1)
    assert attempts.is_under_way(found, a_lease_later)
    again.error = "It answered 500."
    attempts._settle(again, a_lease_later)
    deliveries.send_again(delivery=again, now=a_lease_later)
    WebhookDelivery.objects.all().delete()
    with pytest.raises(BeingSent):
        deliveries.send_again(delivery=again, now=a_lease_later)


def test_send_all_again_takes_what_failed(endpoint, business, listener, now):
    for status in (Status.FAILED, Status.FAILED, Status.SUCCEEDED):
        event = record(business, now)
        WebhookDelivery.objects.filter(event=event).update(
            status=status, next_try_at=None, tries=12
        )

    assert deliveries.send_all_again(endpoint=endpoint, now=now) == 2
    assert deliver(now) == (2, 0)


def test_nothing_is_sent_again_to_an_endpoint_that_is_off(
    endpoint, business, owner, now
):
    record(business, now)
    delivery = endpoint.deliveries.get()
    WebhookEndpoint.objects.update(enabled=False)

    with pytest.raises(EndpointOff):
        deliveries.send_again(delivery=delivery, now=now)
    with pytest.raises(EndpointOff):
        deliveries.send_all_again(endpoint=endpoint, now=now)
    with pytest.raises(EndpointOff):
        endpoints.ping(endpoint=endpoint, actor=owner, now=now)


def test_ping_reaches_one_endpoint_whatever_it_listens_for(
    endpoint, business, owner, listener, now, run_tasks
):
    WebhookEndpoint.objects.update(types=["invoice.paid"], is_prompt=False)
    WebhookEndpointFactory(business=business, url=listener.url)

    delivery = endpoints.ping(endpoint=endpoint, actor=owner, now=now)
    run_tasks()

    [(*_, body)] = listener.heard
    sent = json.loads(body)
    assert (sent["type"], sent["actor"]) == ("webhook_endpoint.pinged", owner.username)
    delivery.refresh_from_db()
    assert delivery.status == Status.SUCCEEDED


def test_forget_deliveries_keeps_a_month_and_all_that_is_on_its_way(
    endpoint, business, now
):
    old = now - deliveries.KEPT - timedelta(seconds=1)
    for created_at, status, next_try_at in (
        (old, Status.FAILED, None),
        (old, Status.SUCCEEDED, None),
        (old, Status.PENDING, old),
        (now - deliveries.KEPT, Status.FAILED, None),
    ):
        event = record(business, now)
        WebhookDelivery.objects.filter(event=event).update(
            created_at=created_at, status=status, next_try_at=next_try_at
        )

    assert deliveries.forget_deliveries(now=now) == 2

    kept = WebhookDelivery.objects.order_by("pk")
    assert [row.status for row in kept] == [Status.PENDING, Status.FAILED]
    call_command("forget_deliveries")
