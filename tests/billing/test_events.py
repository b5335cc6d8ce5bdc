from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import Event as Happened
from billing.exceptions import NothingToProcess
from billing.gateway.client import API_VERSION
from billing.gateway.events import Event
from billing.models import Payment, StripeEvent
from billing.services import events
from tests.at_once import at_once
from tests.billing.world import deliver, standing, start
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]


def test_an_event_is_kept_without_what_it_says(stripe, invoice):
    event = stripe.pay(start(invoice).session_id)[-1]

    deliver(stripe, event)

    record = StripeEvent.objects.get()
    assert (record.type, record.object_id, record.api_version, record.livemode) == (
        "checkout.session.completed",
        event["data"]["object"]["id"],
        API_VERSION,
        False,
    )
    assert (record.status, record.note, record.tries) == ("processed", "paid", 1)


def test_an_event_done_already_asks_stripe_nothing(stripe, invoice):
    event = stripe.pay(start(invoice).session_id)[-1]
    deliver(stripe, event)
    asked = len(stripe.requests)

    deliver(stripe, event)

    assert len(stripe.requests) == asked
    assert StripeEvent.objects.get().tries == 1


@pytest.mark.scenario(60)
def test_work_done_by_a_process_that_died_before_it_said_so_is_not_done_twice(
    stripe, invoice
):
    event = stripe.pay(start(invoice).session_id)[-1]
    deliver(stripe, event)
    StripeEvent.objects.update(status="received")

    assert deliver(stripe, event) == [200]

    assert standing(invoice) == ("paid", 10_000, 0, 0)


def test_a_delivery_that_fails_does_not_undo_what_another_did(stripe, invoice):
    event = stripe.pay(start(invoice).session_id)[-1]

    def other_delivery(method, path):
        stripe.meanwhile = lambda method, path: None
        assert deliver(stripe, event) == [200]
        raise RuntimeError("The process dies.")

    stripe.meanwhile = other_delivery

    assert deliver(stripe, event) == [500]
    assert StripeEvent.objects.get().status == "processed"


def test_events_about_what_is_none_of_ours_are_acknowledged(stripe, invoice):
    checkout = start(invoice)
    event = stripe.expire(checkout.session_id)[0]
    stripe.sessions[checkout.session_id]["metadata"] = {}
    type(checkout).objects.filter(pk=checkout.pk).update(session_id="cs_other")

    assert deliver(stripe, event) == [200]

    assert StripeEvent.objects.get().note == "none of ours"


def test_a_refund_of_none_of_ours_is_noted(stripe, invoice):
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    intent = next(iter(stripe.intents))
    (event, _) = stripe.refund_in_dashboard(intent, 2_500)
    (refund,) = stripe.refunds.values()
    refund["payment_intent"] = None

    deliver(stripe, event)

    assert StripeEvent.objects.get(event_id=event["id"]).note == "none of ours"
    refund["payment_intent"] = intent
    StripeEvent.objects.filter(event_id=event["id"]).delete()


def test_receive_event_returns_the_record(stripe):
    event = Event("evt_1", "customer.created", "cus_1", False, "")

    record = events.receive_event(event=event, now=timezone.now())

    assert (record.event_id, record.status) == ("evt_1", "ignored")


@pytest.mark.scenario(48)
def test_an_event_of_another_version_says_the_same_and_is_noted(
    stripe, invoice, caplog
):
    event = stripe.pay(start(invoice).session_id)[-1] | {"api_version": "2020-08-27"}
    # Of a version in which a session looked otherwise.
    event["data"] = {"object": {"id": event["data"]["object"]["id"], "total": 1}}

    assert deliver(stripe, event, event) == [200, 200]

    assert standing(invoice) == ("paid", 10_000, 0, 0)
    said = [
        row.message for row in caplog.records if row.name == "billing.services.events"
    ]
    assert said == [f"Event {event['id']} is of API version 2020-08-27"]


@pytest.fixture
def again(run_tasks):
    def process_again(record, actor=None):
        events.process_again(record=record, actor=actor, now=timezone.now())
        run_tasks(may_fail=True)
        record.refresh_from_db()
        return record

    return process_again


@pytest.fixture
def failed(stripe, invoice):
    """Of a payment that was made while Stripe could not be asked."""
    event = stripe.pay(start(invoice).session_id)[-1]
    stripe.fault("GET", "/v1/checkout", "500_before")
    assert deliver(stripe, event) == [500]
    return StripeEvent.objects.get()


def test_an_event_that_failed_is_processed_again_by_an_operator(failed, invoice, again):
    operator = UserFactory()
    assert (failed.status, failed.note) == ("failed", "PaymentPending")

    record = again(failed, actor=operator)

    assert (record.status, record.note, record.tries) == ("processed", "paid", 2)
    assert standing(invoice) == ("paid", 10_000, 0, 0)
    event = Happened.objects.get(type="stripe_event.processed_again")
    assert (event.actor, event.subject_id) == (operator, record.event_id)
    assert event.data["was"] == "failed"


def test_an_event_that_stripe_forgot_is_processed_by_what_it_is_about(
    stripe, failed, invoice, again
):
    StripeEvent.objects.update(received_at=timezone.now() - timedelta(days=400))

    again(failed)

    assert standing(invoice) == ("paid", 10_000, 0, 0)
    asked = {request.path for request in stripe.requests}
    assert not any(path.startswith("/v1/events") for path in asked)


def test_an_event_that_an_older_release_ignored_is_acted_on(stripe, invoice, again):
    event = stripe.pay(start(invoice).session_id)[-1]
    deliver(stripe, event)
    StripeEvent.objects.update(status="ignored", note="")

    assert again(StripeEvent.objects.get()).status == "processed"


@pytest.mark.parametrize(
    ("index", "sentence"),
    [(-1, "there is nothing left to do"), (0, "of no concern here")],
    ids=["processed", "ignored"],
)
def test_an_event_that_is_done_is_not_processed_again(
    stripe, invoice, again, index, sentence
):
    event = stripe.pay(start(invoice).session_id)[index]
    deliver(stripe, event)
    asked = len(stripe.requests)

    with pytest.raises(NothingToProcess, match=sentence):
        again(StripeEvent.objects.get())

    assert (len(stripe.requests), StripeEvent.objects.get().tries) == (asked, 1)
    assert not Happened.objects.filter(type__startswith="stripe_event.").exists()


def test_what_fails_again_says_why(stripe, failed, again):
    stripe.fault("GET", "/v1/checkout", "429")
    assert again(failed).note == "PaymentPending"
    StripeEvent.objects.update(object_id="cs_test_gone")
    assert again(failed).note == "PaymentRejected: resource_missing"

    assert (failed.status, failed.tries) == ("failed", 3)
    StripeEvent.objects.all().delete()


def test_unfinished_is_what_failed_and_what_never_ended(failed):
    def unfinished(before):
        return StripeEvent.objects.unfinished(before).count()

    now = failed.received_at
    assert unfinished(now) == 1
    for status, before, count in [
        ("received", now, 0),
        ("received", now + timedelta(seconds=1), 1),
        ("processed", now + timedelta(days=1), 0),
        ("ignored", now + timedelta(days=1), 0),
    ]:
        StripeEvent.objects.update(status=status)
        assert unfinished(before) == count
    StripeEvent.objects.update(status="failed")


def test_what_stripe_delivered_meanwhile_is_left_alone(stripe, failed, run_tasks):
    events.process_again(record=failed, actor=None, now=timezone.now())
    deliver(stripe, stripe.events[-1])
    asked = len(stripe.requests)

    run_tasks()

    assert len(stripe.requests) == asked
    assert StripeEvent.objects.get().tries == 2


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_an_operator_and_stripe_at_once_settle_once(stripe, failed, invoice, settings):
    settings.TASKS = {"default": {"BACKEND": "config.tasks.TriedAtOnce"}}

    def press():
        with suppress(NothingToProcess):
            events.process_again(record=failed, actor=None, now=timezone.now())

    at_once([press] * 4 + [partial(deliver, stripe, stripe.events[-1])] * 4)

    assert standing(invoice) == ("paid", 10_000, 0, 0)
    assert StripeEvent.objects.get().status == "processed"
    assert Payment.objects.count() == 1


def test_whoever_makes_a_stage_reads_what_stripe_is_to_send(settings):
    runbook = Path(settings.BASE_DIR, "docs", "runbooks", "a-new-stage.md")

    lines = [line.strip() for line in runbook.read_text().splitlines()]

    first = lines.index(events.TYPES[0])
    assert tuple(lines[first : lines.index("```", first)]) == events.TYPES
    assert f"API version `{API_VERSION}`" in runbook.read_text()
