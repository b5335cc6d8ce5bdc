"""What is sent to an endpoint, signed, and tried again."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from django.core import mail

from accounts.api.serializers import EventSerializer
from accounts.models import Event, WebhookDelivery, WebhookEndpoint
from accounts.roles import Role
from accounts.services import attempts, deliveries, endpoints
from tests.accounts.webhooks import deliver, record, tried
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db

Status = WebhookDelivery.Status


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


def test_no_delay_is_as_long_as_a_lease():
    """Or what failed would look as if it were being sent."""
    assert attempts.LEASE not in attempts.DELAYS
