"""What a person and a program see of a dispute."""

from datetime import date

import pytest
from django.urls import reverse

from accounts.roles import Role
from billing.models import Dispute, Payment
from tests.api import in_role
from tests.billing.world import deliver, finalized, start
from tests.factories import BusinessFactory, MembershipFactory

pytestmark = pytest.mark.django_db

LIST = reverse("admin:billing_dispute_changelist")
DISPUTES = "/api/v1/disputes/"


@pytest.fixture
def dispute(stripe, invoice) -> Dispute:
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    deliver(stripe, *stripe.dispute(Payment.objects.get().payment_intent))
    return Dispute.objects.get()


@pytest.fixture
def owner(client, invoice):
    member = MembershipFactory(business=invoice.business, role=Role.OWNER)
    client.force_login(member.user)
    return client


def page(dispute) -> str:
    return reverse("admin:billing_dispute_change", args=[dispute.pk])


def test_the_page_says_what_to_do_until_when_and_what_moved(owner, dispute):
    html = owner.get(page(dispute)).content.decode()

    assert "hand it in at Stripe, which takes it once" in html
    assert f"{dispute.due_by.year}" in html
    assert "Nothing was delivered" in html
    # An id keeps its case.
    assert dispute.stripe_id in html
    assert f"D{dispute.stripe_id[1:]}" not in html
    rows = {row.label: row.amount for row in owner.get(page(dispute)).context["totals"]}
    assert rows == {
        "Paid": "€100.00",
        "Withdrawn": "-€100.00",
        "Left of it": "€0.00",
    }
    assert "Dispute opened" in html


def test_the_list_says_until_when_as_long_as_it_matters(owner, stripe, dispute):
    def day() -> str:
        return f"{owner.get(LIST).content.decode()}"

    assert "Needs your answer" in day()
    assert f"{dispute.due_by:%b %Y}" in day()
    deliver(stripe, *stripe.turn_dispute(dispute.stripe_id, "won"))

    assert "Won" in day()
    rows = owner.get(page(dispute)).context["totals"]
    assert [row.amount for row in rows] == ["€100.00", "-€100.00", "€100.00", "€100.00"]


def test_a_customer_is_not_pressed_for_the_rest_while_a_part_is_disputed(
    client, stripe
):
    invoice = finalized(issue_date=date(2026, 3, 2))
    page = reverse("billing:invoice", args=[invoice.link_token])
    deliver(stripe, *stripe.pay(start(invoice, 4_000).session_id))
    assert "Overdue" in client.get(page).text

    deliver(stripe, *stripe.dispute(*stripe.intents))

    shown = client.get(page).text
    assert "Overdue" not in shown
    assert "Your bank took €40.00 back." in shown
    deliver(stripe, *stripe.turn_dispute(*stripe.disputes, "lost"))
    assert "Overdue" in client.get(page).text


def test_it_is_answered_at_stripe(owner, dispute):
    button = reverse("admin:billing_dispute_at_stripe", args=[dispute.pk])

    assert owner.get(button).url == (
        f"https://dashboard.stripe.com/test/disputes/{dispute.stripe_id}"
    )


def test_of_a_dispute_without_an_answer_nothing_is_asked(owner, dispute):
    Dispute.objects.update(due_by=None, reason="noncompliant")

    html = owner.get(page(dispute)).content.decode()

    assert "The bank hears no answer to this one" in html
    assert "Noncompliant" in html


def test_strangers_find_no_dispute(client, dispute):
    client.force_login(
        MembershipFactory(business=BusinessFactory(), role=Role.OWNER).user
    )

    assert client.get(page(dispute)).status_code == 404
    stranger = in_role(BusinessFactory(), Role.OWNER)
    assert stranger.get(f"{DISPUTES}{dispute.public_id}/").status_code == 404


def test_disputes_are_read_and_filtered_over_the_api(
    invoice, stripe, dispute, django_assert_max_num_queries
):
    api = in_role(invoice.business, Role.VIEWER)

    with django_assert_max_num_queries(1):
        (row,) = api.get(DISPUTES).json()["results"]
    assert row == api.get(f"{DISPUTES}{row['id']}/").json()
    assert row.pop("opened_at").endswith("Z")
    assert row.pop("due_by").endswith("Z")
    assert row == {
        "id": str(dispute.public_id),
        "payment": str(dispute.payment.public_id),
        "invoice": str(invoice.public_id),
        "amount": 10_000,
        "withdrawn": 10_000,
        "withdrawn_currency": "EUR",
        "currency": "EUR",
        "status": "needs_response",
        "needs_answer": True,
        "reason": "product_not_received",
        "is_refundable": False,
        "stripe_id": dispute.stripe_id,
        "stripe_url": dispute.stripe_url,
    }
    for filters, count in (
        ({"needs_answer": "true", "invoice": invoice.public_id}, 1),
        ({"needs_answer": "false"}, 0),
        ({"payment": dispute.payment.public_id, "status": "needs_response"}, 1),
        ({"status": "won"}, 0),
    ):
        assert len(api.get(DISPUTES, filters).json()["results"]) == count
