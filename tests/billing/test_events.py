import pytest
from django.utils import timezone

from billing.gateway.client import API_VERSION
from billing.gateway.events import Event
from billing.models import StripeEvent
from billing.services import events
from tests.billing.world import deliver, standing, start

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
