import hmac
import json
from datetime import datetime, timedelta

import pytest
import stripe as sdk
from django.utils import timezone

from billing.exceptions import InvalidSignature
from billing.gateway.client import API_VERSION
from billing.gateway.events import Event
from billing.gateway.webhooks import parse_event
from tests.billing.world import SECRET


def signed(body: object, secret: str = SECRET, at: datetime | None = None):
    text = body if isinstance(body, str) else json.dumps(body)
    timestamp = int((at or timezone.now()).timestamp())
    header = sdk.WebhookSignature.generate_signature_header(text, secret, timestamp)
    return text.encode(), header


def event(**more):
    return {
        "object": "event",
        "id": "evt_1",
        "type": "checkout.session.completed",
        "livemode": False,
        "api_version": API_VERSION,
        "data": {"object": {"id": "cs_test_1", "object": "checkout.session"}},
    } | more


@pytest.fixture
def parse(settings):
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    return lambda body, header: parse_event(body, header, now=timezone.now())


def test_a_signed_event_is_parsed(parse):
    assert parse(*signed(event())) == Event(
        id="evt_1",
        type="checkout.session.completed",
        object_id="cs_test_1",
        livemode=False,
        api_version="2026-10-28.endive",
    )


def test_an_event_about_an_object_without_an_id_is_parsed(parse):
    balance = event(type="balance.available", data={"object": {}}, api_version=None)

    parsed = parse(*signed(balance))

    assert (parsed.object_id, parsed.api_version) == ("", "")


def thin(**more):
    return {
        "object": "v2.core.event",
        "id": "evt_1",
        "type": "v1.refund.created",
        "livemode": False,
        "context": None,
        "related_object": {"id": "re_1", "type": "refund", "url": "/v1/refunds/re_1"},
    } | more


@pytest.mark.parametrize(
    ("more", "type_", "object_id"),
    [
        ({}, "refund.created", "re_1"),
        ({"related_object": None}, "refund.created", ""),
        ({"related_object": {"type": "balance"}}, "refund.created", ""),
        (
            {"type": "v2.core.event_destination.ping"},
            "v2.core.event_destination.ping",
            "re_1",
        ),
    ],
)
def test_a_thin_event_is_read_as_a_snapshot(parse, more, type_, object_id):
    assert parse(*signed(thin(**more))) == Event("evt_1", type_, object_id, False, "")


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[" * 20_000,
        [1, 2],
        "null",
        {"object": "v2.core.event", "id": "evt_1"},
        {"object": "charge", "id": "ch_1"},
        thin(context="acct_1"),
        thin(related_object="re_1"),
        {"object": "event"},
        event(data=None),
        event(data={"object": "cs_test_1"}),
        event(account="acct_1"),
        event(context="acct_1"),
    ],
    ids=str,
)
@pytest.mark.scenario(49)
def test_what_is_signed_but_no_event_for_us_is_refused(parse, body):
    with pytest.raises(InvalidSignature, match=r"^The body is no event\.$"):
        parse(*signed(body))


@pytest.mark.parametrize("body", [b"\xff\xfe{}", b"", b"\x00"], ids=repr)
def test_bytes_that_are_no_text_are_refused(parse, body):
    at = int(timezone.now().timestamp())
    signature = hmac.new(SECRET.encode(), b"%d.%s" % (at, body), "sha256").hexdigest()

    with pytest.raises(InvalidSignature):
        parse(body, f"t={at},v1={signature}")


@pytest.mark.scenario(56)
def test_a_signature_of_the_future_is_refused(parse):
    now = timezone.now()

    assert parse(*signed(event(), at=now + timedelta(minutes=9)))
    with pytest.raises(InvalidSignature, match="future"):
        parse(*signed(event(), at=now + timedelta(minutes=11)))


@pytest.mark.scenario(57)
def test_a_body_larger_than_any_event_is_refused_before_it_is_checked(parse):
    with pytest.raises(InvalidSignature, match="larger than any event"):
        parse(*signed(event(padding="x" * 65_536)))


def test_without_a_secret_nothing_is_believed(parse, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []

    with pytest.raises(InvalidSignature):
        parse(*signed(event(), secret=""))
