from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Business
from accounts.roles import Role
from billing.models import Payment, Refund
from billing.states import RefundStatus
from invoices.models import LedgerEntry
from tests.factories import BusinessFactory, MembershipFactory
from tests.rows import AT, ROWS, payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(business: Business) -> Payment:
    row = payment(business)
    LedgerEntry.objects.create(
        invoice=row.invoice,
        kind=LedgerEntry.Kind.PAYMENT,
        source=row.payment_intent,
        amount=row.amount,
        currency=row.currency,
        occurred_at=AT,
    )
    return row


def button(row: Payment) -> str:
    return reverse("admin:billing_payment_refund", args=[row.pk])


def page(row: Payment) -> str:
    return reverse("admin:billing_payment_change", args=[row.pk])


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_refund_asks_first_and_a_get_changes_nothing(desk, paid):
    response = desk.get(button(paid))

    assert "€10.00 was paid, of which €0.00 went back" in response.content.decode()
    assert not Refund.objects.exists()


def test_a_refund_of_what_was_typed_is_requested(desk, owner, paid):
    form = {"amount": "2.50", "reason": "Too late"}

    response = desk.post(button(paid), form, follow=True)

    refund = Refund.objects.get()
    assert (refund.payment, refund.amount, refund.reason) == (paid, 250, "Too late")
    assert response.redirect_chain == [(page(paid), 302)]
    assert said(response) == ["€2.50 goes back to the payer."]


def test_left_empty_all_that_is_left_goes_back(desk, paid):
    Refund.objects.create(
        payment=paid,
        amount=400,
        currency="EUR",
        status=RefundStatus.SUCCEEDED,
        stripe_id="re_1",
        requested_at=AT,
    )

    desk.post(button(paid), {"amount": "", "reason": ""})

    assert Refund.objects.order_by("pk").last().amount == 600


def test_more_than_was_paid_is_refused_and_nothing_typed_is_lost(desk, paid):
    response = desk.post(button(paid), {"amount": "10.01", "reason": "Mistake"})

    html = response.content.decode()
    assert "€10.00 is left of this payment to refund." in html
    assert 'value="10.01"' in html
    assert 'value="Mistake"' in html
    assert not Refund.objects.exists()


@pytest.mark.parametrize("amount", ["-1", "1.234", "all", "9" * 100])
def test_an_amount_that_makes_no_sense_is_refused(desk, paid, amount):
    response = desk.post(button(paid), {"amount": amount, "reason": ""})

    assert response.context["form"].errors["amount"]
    assert not Refund.objects.exists()


def test_the_button_is_offered_while_something_is_left(desk, paid):
    assert desk.get(page(paid)).context["actions_detail"]
    Refund.objects.create(
        payment=paid,
        amount=1000,
        currency="EUR",
        status=RefundStatus.SUCCEEDED,
        stripe_id="re_1",
        requested_at=AT,
    )

    assert not desk.get(page(paid)).context["actions_detail"]


def test_viewers_refund_nothing(client, business, paid):
    client.force_login(MembershipFactory(business=business, role=Role.VIEWER).user)

    assert not client.get(page(paid)).context["actions_detail"]
    assert client.get(button(paid)).status_code == 403
    assert client.post(button(paid), {"amount": "1", "reason": ""}).status_code == 403
    assert not Refund.objects.exists()


def test_payments_of_another_business_are_not_found(desk):
    foreign = payment(BusinessFactory())

    assert desk.post(button(foreign), {"amount": "1", "reason": ""}).status_code == 404
    assert not Refund.objects.exists()


def test_held_money_is_shown_with_the_reason(desk, business):
    payment(business, status=Payment.Status.HELD, problem=Payment.Problem.OVERPAID)

    html = desk.get(reverse("admin:billing_payment_changelist")).content.decode()

    assert "More than is due" in html


def test_what_was_asked_of_stripe_is_shown_to_nobody(desk, business):
    checkout = ROWS["billing.checkout"](business)
    checkout.params = {"customer_email": "secret@example.com"}
    checkout.save()
    url = reverse("admin:billing_checkout_change", args=[checkout.pk])

    assert "secret@example.com" not in desk.get(url).content.decode()


def test_stripes_events_are_for_operators(desk, business):
    ROWS["billing.stripeevent"](business)

    assert desk.get(reverse("admin:billing_stripeevent_changelist")).status_code == 403
