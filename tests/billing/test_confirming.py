"""Refunds that are asked for twice: a second click, a second request."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from billing.models import Payment, Refund
from tests.api import in_role
from tests.at_once import at_once
from tests.billing.world import deliver, start
from tests.factories import MembershipFactory
from tests.rows import paid_in, payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def button(business):
    row = payment(business)
    paid_in(row.invoice, row.amount)
    return reverse("admin:billing_payment_refund", args=[row.pk])


def opened(desk, button):
    """The key of a page that somebody opened."""
    page = desk.get(button)
    key = page.context["key"]
    assert f'name="once" value="{key}"' in page.content.decode()
    return key


def click(desk, button, key, amount="2.50", **more):
    form = {"once": key, "amount": amount, "reason": ""}
    return desk.post(button, form, follow=True, **more)


def said(response):
    return [str(message) for message in response.context["messages"]]


def test_a_second_click_is_told_what_the_first_did(desk, button):
    key = opened(desk, button)

    first, second = (click(desk, button, key) for _ in range(2))

    assert Refund.objects.count() == 1
    assert said(first) == said(second) == ["€2.50 goes back to the payer."]
    assert first.redirect_chain == second.redirect_chain


def test_a_page_opened_anew_is_another_matter(desk, button):
    for _ in range(2):
        click(desk, button, opened(desk, button))

    assert Refund.objects.count() == 2


def test_a_page_gone_back_to_and_changed_asks_before_it_does_more(desk, button):
    key = opened(desk, button)
    click(desk, button, key)

    changed = click(desk, button, key, "3.00")

    assert Refund.objects.count() == 1
    assert "You sent this page before" in changed.content.decode()
    assert 'value="3.00"' in changed.content.decode()
    click(desk, button, changed.context["key"], "3.00")
    assert Refund.objects.count() == 2


def test_what_was_refused_is_corrected_on_the_same_page(desk, button):
    key = opened(desk, button)

    refused = click(desk, button, key, "10.01")
    assert refused.context["key"] == key
    click(desk, button, key, "10.00")

    assert Refund.objects.get().amount == 1000


def test_a_key_is_one_person_s_own(client, desk, business, button):
    key = opened(desk, button)
    click(desk, button, key)
    client.force_login(MembershipFactory(business=business, role="owner").user)

    assert said(click(client, button, key)) == ["€2.50 goes back to the payer."]
    assert Refund.objects.count() == 2


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_eight_clicks_at_once_refund_once(owner, desk, button):
    key = opened(desk, button)

    def click_once():
        desk = Client()
        desk.force_login(owner)
        return said(click(desk, button, key))

    answers = at_once([click_once] * 8)

    assert Refund.objects.count() == 1
    assert {sentence for (sentence,) in answers} <= {
        "€2.50 goes back to the payer.",
        "This is being done already. Ask for it again in a moment.",
    }


def test_a_refund_asked_for_twice_under_one_key_leaves_once(stripe, invoice, run_tasks):
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    api = in_role(invoice.business, Role.OWNER)
    body = {"payment": str(Payment.objects.get().public_id), "amount": 2_500}

    first, again = (
        api.post("/api/v1/refunds/", body, headers={"Idempotency-Key": "a key"})
        for _ in range(2)
    )

    run_tasks()
    assert (first.status_code, again.content) == (201, first.content)
    assert [refund["amount"] for refund in stripe.refunds.values()] == [2_500]
    assert Refund.objects.get().status == "succeeded"
