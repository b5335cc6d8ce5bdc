import pytest
from django.test import Client
from django.urls import reverse

from billing.models import StripeEvent
from tests.billing.world import SECRET, deliver, start

pytestmark = pytest.mark.django_db

URL = reverse("billing:stripe_webhook")


def post(stripe, event, **more):
    body, header = stripe.sign(event, SECRET)
    headers = {"Stripe-Signature": header, **more}
    return Client(enforce_csrf_checks=True).post(
        URL, body, content_type="application/json", headers=headers
    )


def test_stripe_posts_without_a_cookie_and_is_answered_in_a_word(stripe, invoice):
    response = post(stripe, stripe.pay(start(invoice).session_id)[-1])

    assert (response.status_code, response.content) == (200, b"ok")


def test_a_get_is_refused():
    assert Client().get(URL).status_code == 405


def test_the_address_is_exact_because_stripe_follows_no_redirect():
    assert URL == "/stripe/webhook/"


def test_what_is_refused_is_told_why_in_a_line(stripe):
    response = Client().post(URL, b"{}", content_type="application/json")

    assert response.status_code == 400
    assert response.content == b"The signature is not Stripe's, or too old."


def test_what_is_signed_is_the_bytes_whatever_they_say(stripe, invoice):
    event = stripe.pay(start(invoice).session_id)[-1]
    event["data"]["object"]["metadata"]["note"] = "Zażółć 請求書 🧾"

    assert post(stripe, event).status_code == 200


def test_at_a_live_stage_a_test_event_is_refused(stripe, invoice, settings):
    event = stripe.pay(start(invoice).session_id)[-1]
    settings.STAGE = "prod"

    assert deliver(stripe, event) == [400]

    assert StripeEvent.objects.count() == 0


def test_at_a_live_stage_a_live_event_is_taken(stripe, settings):
    settings.STAGE = "prod"
    event = stripe.event("customer.created", {"id": "cus_1"}) | {"livemode": True}

    assert deliver(stripe, event) == [200]
