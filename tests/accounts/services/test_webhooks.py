"""Endpoints are told what happened: signed, again and again, and in turn."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from django.core import mail
from django.core.management import call_command

from accounts.api.serializers import EventSerializer
from accounts.exceptions import BeingSent, EndpointOff
from accounts.models import Event, WebhookDelivery, WebhookEndpoint
from accounts.roles import Role
from accounts.services import attempts, deliveries, endpoints
from accounts.services.events import record_event
from tests.at_once import at_once
from tests.factories import MembershipFactory, WebhookEndpointFactory
from tests.listener import listening

pytestmark = pytest.mark.django_db

Status = WebhookDelivery.Status


@pytest.fixture
def listener():
    with listening() as found:
        yield found


@pytest.fixture
def endpoint(business, listener):
    return WebhookEndpointFactory(business=business, url=listener.url)


def record(business, now, type_="customer.created", **data):
    return record_event(
        type=type_, subject=business, business=business, actor=None, now=now, data=data
    )


def deliver(now, minutes=5):
    return deliveries.deliver_due(
        clock=lambda: now, until=now + timedelta(minutes=minutes)
    )


def tried(endpoint, now, *, times=1):
    """The only delivery, and when it is tried next, after as many tries."""
    for _ in range(times):
        deliver(now)
        found = endpoint.deliveries.get()
        now = found.next_try_at or now
    return found, now


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


# What is sent


def test_a_delivery_is_the_event_as_the_api_shows_it(endpoint, business, listener, now):
    event = record(business, now - timedelta(microseconds=7), name="Müller", amount=5)

    assert deliver(now) == (1, 0)

    [(path, headers, body)] = listener.heard
    assert path == "/hooks/?shop=1"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == EventSerializer(event).data
    found = endpoint.deliveries.get()
    assert (found.status, found.tries, found.tried_at) == (Status.SUCCEEDED, 1, now)
    assert (found.response_status, found.response_body) == (200, "thanks")
    assert (found.next_try_at, found.error) == (None, "")
    assert found.duration_ms is not None


def test_stripe_s_library_verifies_the_signature(endpoint, business, listener, now):
    now = datetime.now(UTC)
    record(business, now)

    deliver(now)

    [(_, headers, body)] = listener.heard
    verify = stripe.WebhookSignature.verify_header
    header = headers["PayMyInvoice-Signature"]
    assert verify(body.decode(), header, endpoint.secret, tolerance=300)
    for text, secret in ((body.decode() + " ", endpoint.secret), (body.decode(), "x")):
        with pytest.raises(stripe.SignatureVerificationError):
            verify(text, header, secret, tolerance=300)


def test_a_secret_that_was_rolled_signs_for_a_day_more(endpoint, owner, now):
    old = endpoint.secret

    rolled = endpoints.roll_secret(endpoint=endpoint, actor=owner, now=now)

    day = timedelta(days=1)
    assert rolled.secret.startswith("whsec_")
    assert rolled.live_secrets(now + day - timedelta(seconds=1)) == [rolled.secret, old]
    assert rolled.live_secrets(now + day) == [rolled.secret]
    header = attempts.signature(b"{}", rolled.live_secrets(now), now)
    for secret in (old, rolled.secret):
        assert stripe.WebhookSignature.verify_header("{}", header, secret)


# Trying again


def test_every_try_has_a_time_stamp_of_its_own(endpoint, business, listener, now):
    listener.statuses = [500]
    record(business, now)

    tried(endpoint, now, times=2)

    stamps = [
        headers["PayMyInvoice-Signature"].partition(",")[0]
        for _, headers, _ in listener.heard
    ]
    later = int((now + timedelta(minutes=1)).timestamp())
    assert stamps == [f"t={int(now.timestamp())}", f"t={later}"]
    assert {body for *_, body in listener.heard} == {listener.heard[0][2]}


def test_a_delivery_is_tried_twelve_times_in_three_days(
    endpoint, business, listener, now
):
    listener.statuses = [500] * 12
    record(business, now)

    found, then = tried(endpoint, now, times=11)
    assert (found.status, found.tries) == (Status.PENDING, 11)
    assert then == now + timedelta(days=3)

    # Nothing is tried before its time.
    assert deliver(then - timedelta(seconds=1)) == (0, 0)
    found, _ = tried(endpoint, then)
    assert (found.status, found.tries, found.next_try_at) == (Status.FAILED, 12, None)
    assert (found.error, found.response_status) == ("It answered 500.", 500)
    assert deliver(then + timedelta(days=9)) == (0, 0)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (204, ""),
        (301, "It redirects. Give the address that it leads to."),
        (404, "It answered 404."),
    ],
)
def test_only_a_2xx_is_a_success(status, error, endpoint, business, listener, now):
    listener.statuses = [status]
    record(business, now)

    found, _ = tried(endpoint, now)

    assert (found.response_status, found.error) == (status, error)


def test_an_address_that_has_become_private_is_not_asked(
    endpoint, business, listener, now, settings
):
    settings.WEBHOOKS_TO_LOOPBACK = False
    WebhookEndpoint.objects.update(url=f"https://127.0.0.1:{listener.port}/")
    record(business, now)

    found, _ = tried(endpoint, now)

    assert (found.status, found.response_status) == (Status.PENDING, None)
    assert found.error.startswith("127.0.0.1 is not on the public internet.")
    assert listener.heard == []


def test_an_endpoint_that_fails_for_three_days_is_turned_off_and_its_owners_told(
    endpoint, business, owner, listener, now, run_tasks
):
    MembershipFactory(business=business, role=Role.ACCOUNTANT)
    listener.statuses = [500] * 20
    record(business, now)
    _, then = tried(endpoint, now, times=11)
    late = record(business, then)
    assert WebhookEndpoint.objects.get().failing_since == now

    deliver(then)
    run_tasks()

    assert not WebhookEndpoint.objects.get().enabled
    assert Event.objects.latest("pk").type == "webhook_endpoint.disabled"
    [message] = mail.outbox
    assert message.to == [owner.email]
    assert listener.url in message.body
    assert message.extra_headers["Message-ID"].startswith(
        f"<webhook-turned-off-{endpoint.public_id}-{now:%Y%m%d%H%M%S}@"
    )
    # What came too late to be tried ends as well; nothing waits for ever.
    ended = WebhookDelivery.objects.get(event=late)
    assert (ended.status, ended.error) == (
        Status.FAILED,
        "The endpoint was turned off.",
    )
    assert deliver(then + timedelta(days=1)) == (0, 0)
    # Two that find it failing turn it off once.
    attempts._turn_off(endpoint, then)
    assert Event.objects.filter(type="webhook_endpoint.disabled").count() == 1


def test_one_success_in_between_keeps_an_endpoint_on(endpoint, business, listener, now):
    listener.statuses = [500, 200, *[500] * 11]
    record(business, now)
    tried(endpoint, now, times=2)
    WebhookDelivery.objects.all().delete()
    assert WebhookEndpoint.objects.get().failing_since is None

    record(business, now + timedelta(days=2))
    tried(endpoint, now + timedelta(days=2), times=11)

    assert WebhookEndpoint.objects.get().enabled


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


def test_a_try_goes_where_the_endpoint_is_by_then(endpoint, business, listener, now):
    """Hundreds are read at once, and the last of them tried minutes later."""
    endpoint.url = "http://127.0.0.1:9/"
    endpoint.save()
    record(business, now)
    [read] = deliveries._complete(WebhookDelivery.objects.all())
    WebhookEndpoint.objects.update(url=listener.url, secret="whsec_another")

    attempts.attempt(delivery=read, now=now)

    [(_, headers, body)] = listener.heard
    expected = attempts.signature(body, ["whsec_another"], now)
    assert headers["PayMyInvoice-Signature"] == expected


def test_what_a_try_says_after_another_began_is_not_written(endpoint, business, now):
    record(business, now)
    [late] = deliveries._complete(WebhookDelivery.objects.all())
    attempts._claim(late, now)
    WebhookDelivery.objects.update(tries=2)
    late.error = "It did not answer in time."

    attempts._settle(late, now)
    WebhookEndpoint.objects.all().delete()
    attempts._settle(late, now)

    assert late.endpoint.failing_since is None


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


def test_no_delay_is_as_long_as_a_lease():
    """Or what failed would look as if it were being sent."""
    assert attempts.LEASE not in attempts.DELAYS


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
