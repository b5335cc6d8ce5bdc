import re

import pytest
from django.urls import reverse

from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.roles import Role
from tests.factories import MembershipFactory, WebhookEndpointFactory
from tests.listener import listening
from tests.rows import webhook_delivery

pytestmark = pytest.mark.django_db


def page(view, *args):
    return reverse(f"admin:accounts_{view}", args=args)


def said(response):
    return [str(message) for message in response.context["messages"]]


def of(business, **changes):
    return {
        "business": business.pk,
        "url": "https://127.0.0.1/hooks",
        "description": "The shop",
        "types": "invoice.*\n payment.succeeded, payment.held",
        "enabled": "on",
    } | changes


def test_an_endpoint_is_made_and_its_secret_shown_once(desk, business):
    answer = desk.post(page("webhookendpoint_add"), of(business))

    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.types == ["invoice.*", "payment.held", "payment.succeeded"]
    assert endpoint.secret in answer.content.decode()
    assert "messages" not in answer.cookies
    row = desk.get(page("webhookendpoint_change", endpoint.pk)).content.decode()
    assert endpoint.url in row
    assert endpoint.secret not in row


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": "https://10.0.0.1/"}, "10.0.0.1 is not on the public internet."),
        ({"url": "http://hooks.example.com/"}, "hooks.example.com"),
        ({"types": "invoice.lost"}, "Nothing that happens is called “invoice.lost”."),
        ({"types": ", "}, "This field cannot be blank."),
    ],
)
def test_what_is_wrong_with_an_endpoint_is_said_on_the_form(
    desk, business, changes, sentence
):
    answer = desk.post(page("webhookendpoint_add"), of(business, **changes))

    assert sentence in str(answer.context["errors"])
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_is_changed_turned_off_and_deleted(desk, business):
    endpoint = webhook_delivery(business).endpoint

    desk.post(
        page("webhookendpoint_change", endpoint.pk),
        of(business, types="*", enabled=""),
    )

    endpoint.refresh_from_db()
    assert (endpoint.types, endpoint.enabled) == (["*"], False)
    assert endpoint.deliveries.get(error="The endpoint was turned off.")
    assert "Off" in desk.get(page("webhookendpoint_changelist")).content.decode()
    desk.post(page("webhookendpoint_delete", endpoint.pk), {"post": "yes"})
    assert not WebhookEndpoint.objects.exists()


def test_another_secret_is_shown_once(desk, business):
    endpoint = WebhookEndpointFactory(business=business)

    # Of two clicks, the browser shows the answer to the second.
    for _ in range(2):
        answer = desk.post(
            page("webhookendpoint_new_secret", endpoint.pk), {"once": "a page's key"}
        )

    endpoint.refresh_from_db()
    assert endpoint.previous_secret == "whsec_of_the_tests"
    shown = re.search(r"whsec_[\w-]{43}", answer.content.decode())
    assert shown
    assert shown.group() == endpoint.secret
    assert endpoint.secret not in str(answer.cookies)
    row = desk.get(page("webhookendpoint_change", endpoint.pk)).content.decode()
    assert endpoint.secret not in row


def test_a_test_is_sent_and_what_failed_sent_again(desk, business, run_tasks):
    delivery = webhook_delivery(business)
    endpoint = delivery.endpoint
    with listening() as listener:
        WebhookEndpoint.objects.update(url=listener.url)

        desk.post(page("webhookendpoint_send_test", endpoint.pk))
        run_tasks()
        desk.post(page("webhookdelivery_send_again", delivery.pk))
        run_tasks()

    assert [path for path, *_ in listener.heard] == ["/hooks/?shop=1"] * 2
    # Its page shows what was sent, and the endpoint's how it went.
    row = desk.get(page("webhookdelivery_change", delivery.pk)).content.decode()
    assert str(delivery.event.public_id) in row
    newest = desk.get(page("webhookendpoint_change", endpoint.pk)).content.decode()
    assert "Succeeded: 200" in newest
    WebhookDelivery.objects.update(status="failed")
    answer = desk.post(page("webhookendpoint_send_failed", endpoint.pk), follow=True)
    assert said(answer) == [
        "Queued again: 2. They go out at the next run of the schedule."
    ]


def test_the_log_of_an_endpoint_is_its_own(desk, business):
    own, _ = webhook_delivery(business), webhook_delivery(business)

    answer = desk.get(page("webhookendpoint_see_log", own.endpoint.pk), follow=True)

    assert list(answer.context["cl"].queryset) == [own]


def test_webhooks_are_for_owners(client, business):
    delivery = webhook_delivery(business)
    client.force_login(MembershipFactory(business=business, role=Role.ACCOUNTANT).user)

    for name, key in (
        ("webhookendpoint", delivery.endpoint.pk),
        ("webhookdelivery", delivery.pk),
    ):
        assert client.get(page(f"{name}_changelist")).status_code == 403
        assert client.get(page(f"{name}_change", key)).status_code == 403
    assert (
        client.post(page("webhookdelivery_send_again", delivery.pk)).status_code == 403
    )


def test_another_business_s_endpoint_is_not_found(desk):
    delivery = webhook_delivery(WebhookEndpointFactory().business)

    for view, key in (
        ("webhookendpoint_change", delivery.endpoint.pk),
        ("webhookendpoint_new_secret", delivery.endpoint.pk),
        ("webhookdelivery_change", delivery.pk),
        ("webhookdelivery_send_again", delivery.pk),
    ):
        assert desk.post(page(view, key)).status_code == 404
