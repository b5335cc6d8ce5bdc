import json

import pytest
import stripe

from tests.fakes import FakeStripe
from tests.stripe.merchant import HOUR, NOW, VERSION

SECRET = "whsec_test"


def test_an_event_keeps_what_was_true_when_it_happened(fake, create):
    session = create()

    begun = fake.pay(session.id, "bank")
    fake.settle_bank(session.id, True)

    assert begun[-1]["data"]["object"]["payment_status"] == "unpaid"
    assert begun[-1]["api_version"] == VERSION


def test_lists_are_newest_first_and_paged(fake, client, create):
    sessions = [create() for _ in range(5)]

    page = client.v1.checkout.sessions.list({"limit": 2})

    newest_first = [session.id for session in reversed(sessions)]
    assert [session.id for session in page.data] == newest_first[:2]
    assert page.has_more is True
    assert [session.id for session in page.auto_paging_iter()] == newest_first


def test_lists_are_filtered_by_time(clock, client, create):
    create()
    clock.now += 60
    latest = create()

    page = client.v1.checkout.sessions.list({"created": {"gte": clock.now}})

    assert [session.id for session in page.data] == [latest.id]


def test_events_are_filtered_by_type_and_delivery(fake, client, create):
    completed = fake.pay(create().id)[-1]
    pending = fake.pay(create().id)[-1]
    fake.delivered(completed["id"])

    page = client.v1.events.list(
        {"types": ["checkout.session.completed"], "delivery_success": False}
    )

    assert [event.id for event in page.data] == [pending["id"]]
    assert client.v1.events.retrieve(completed["id"]).pending_webhooks == 0


def test_events_are_gone_after_thirty_days(clock, fake, client, create):
    fake.pay(create().id)

    clock.now += 30 * 24 * HOUR + 1

    assert client.v1.events.list({}).data == []


def test_a_signed_event_passes_the_sdk_and_an_altered_one_does_not(
    fake, client, create
):
    event = fake.pay(create(metadata={"who": "Łódź 株式会社 🧾"}).id)[-1]

    body, header = fake.sign(event, SECRET)

    received = client.construct_event(body, header, SECRET, tolerance=0)
    assert received.data.object.metadata["who"] == "Łódź 株式会社 🧾"
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(body.replace(b"12000", b"1"), header, SECRET)


def test_an_event_can_be_signed_long_ago(fake, client, create):
    event = fake.event("radar.early_fraud_warning.created", {"object": "charge"})

    body, header = fake.sign(event, SECRET, timestamp=NOW - HOUR)

    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        client.construct_event(body, header, SECRET)


def test_ids_are_never_used_again_by_another_fake(fake, create):
    other = FakeStripe(VERSION)
    event = other.event("charge.succeeded", {"object": "charge"})

    assert event["id"] not in json.dumps(fake.pay(create().id))
