from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import StripeEvent
from tests.billing.world import deliver, standing, start
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
LIST = reverse("admin:billing_stripeevent_changelist")


@pytest.fixture
def office():
    client = Client()
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    return client


@pytest.fixture
def failed(stripe, invoice):
    event = stripe.pay(start(invoice).session_id)[-1]
    stripe.fault("GET", "/v1/checkout", "500_before")
    deliver(stripe, event)
    return StripeEvent.objects.get()


def page(event, view="change"):
    return reverse(f"admin:billing_stripeevent_{view}", args=[event.pk])


def said(answer):
    return [str(message) for message in answer.context["messages"]]


def test_an_operator_has_an_event_processed_again(office, failed, invoice, run_tasks):
    button = page(failed, "process_again")
    assert button in office.get(page(failed)).content.decode()

    asked = office.get(button).content.decode()
    assert f"Stripe is asked for {failed.object_id} as it is now" in asked
    assert standing(invoice)[0] == "open"

    answer = office.post(button, follow=True)

    run_tasks()
    assert said(answer) == ["The event is processed again."]
    assert standing(invoice)[0] == "paid"
    assert button not in office.get(page(failed)).content.decode()
    assert said(office.post(button, follow=True)) == [
        "This event was acted on: there is nothing left to do."
    ]


def test_the_list_is_narrowed_to_what_needs_a_look(office, failed):
    def shown(**query):
        return len(office.get(LIST, query).context["cl"].result_list)

    assert (shown(), shown(needs="look")) == (1, 1)
    StripeEvent.objects.update(status="received")
    assert (shown(), shown(needs="look")) == (1, 0)
    assert b"Cut off" not in office.get(page(failed)).content
    StripeEvent.objects.update(received_at=failed.received_at - timedelta(minutes=17))
    assert (shown(), shown(needs="look")) == (1, 1)
    assert b"Cut off" in office.get(page(failed)).content
    StripeEvent.objects.update(status="processed")
    assert (shown(), shown(needs="look")) == (1, 0)


def test_nobody_else_may(client, failed, invoice):
    client.force_login(MembershipFactory(business=invoice.business).user)
    button = page(failed, "process_again")

    answers = [client.get(page(failed)), client.get(button), client.post(button)]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert standing(invoice)[0] == "open"
