from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from accounts.roles import Role
from billing.models import (
    Checkout,
    Dispute,
    DisputeMovement,
    Payment,
    Refund,
    StripeEvent,
)
from tests.billing.world import finalized
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def checkout(invoice, **more):
    values = {
        "amount": 100,
        "currency": "EUR",
        "started_at": NOW,
        "expires_at": NOW,
        "open_slot": invoice.pk,
    }
    return Checkout.objects.create(invoice=invoice, **values | more)


def payment(invoice, **more):
    values = {
        "payment_intent": "pi_1",
        "amount": 100,
        "currency": "EUR",
        "status": "succeeded",
        "received_at": NOW,
    }
    return Payment.objects.create(invoice=invoice, **values | more)


def refund(of, **more):
    values = {"amount": 40, "currency": "EUR", "requested_at": NOW}
    return Refund.objects.create(payment=of, **values | more)


def refused(make, *args, **more) -> str:
    """The name of the constraint that refuses, as far as the database tells it."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        make(*args, **more)
    return str(error.value)


def dispute(of, **more):
    values = {"amount": 40, "currency": "EUR", "opened_at": NOW, "status": "won"}
    flags = {"is_refundable": True, "livemode": True, "stripe_id": "dp_1"}
    return Dispute.objects.create(payment=of, **values | flags | more)


def movement(of, **more):
    values = {"stripe_id": "txn_1", "amount": -40, "currency": "EUR", "moved_at": NOW}
    return DisputeMovement.objects.create(dispute=of, **values | more)


@pytest.fixture
def invoice():
    return finalized()


def test_an_invoice_has_one_live_attempt(invoice):
    checkout(invoice)

    assert "open_slot" in refused(checkout, invoice)
    assert checkout(invoice, status="expired", open_slot=None).pk


def test_a_session_is_one_attempt(invoice):
    over = {"status": "expired", "open_slot": None, "session_id": "cs_1"}
    checkout(invoice, **over)

    assert "session_id" in refused(checkout, invoice, **over)


@pytest.mark.parametrize(
    "values",
    [
        {"open_slot": None},
        {"status": "expired"},
        {"open_slot": 0},
        {"status": "processing", "session_id": "cs_1", "open_slot": None},
    ],
)
def test_an_attempt_holds_its_invoices_slot_exactly_while_it_lives(invoice, values):
    assert "checkout_holds_slot_exactly_while_live" in refused(
        checkout, invoice, **values
    )


def test_an_open_attempt_knows_its_session(invoice):
    assert "checkout_session_known_once_open" in refused(
        checkout, invoice, status="open"
    )


def test_amounts_are_above_zero(invoice):
    paid = payment(invoice)

    assert "checkout_amount_above_zero" in refused(checkout, invoice, amount=0)
    assert "payment_amount_above_zero" in refused(
        payment, invoice, amount=0, payment_intent="pi_2"
    )
    assert "refund_amount_above_zero" in refused(refund, paid, amount=0)


@pytest.mark.parametrize(
    "values", [{"status": "held"}, {"status": "succeeded", "problem": "void"}]
)
def test_a_payment_has_a_problem_exactly_when_it_is_held(invoice, values):
    assert "payment_has_problem_exactly_when_held" in refused(
        payment, invoice, **values
    )


def test_a_payment_is_written_once(invoice):
    payment(invoice)

    assert "payment_intent" in refused(payment, invoice)


def test_a_refund_that_left_is_known_at_stripe(invoice):
    assert "refund_known_at_stripe_once_money_left" in refused(
        refund, payment(invoice), status="pending"
    )


def test_one_cause_sends_money_back_once(invoice):
    paid = payment(invoice)
    refund(paid, cause="void:pi_1")

    assert "cause" in refused(refund, paid, cause="void:pi_1")
    assert [refund(paid).cause, refund(paid).cause] == [None, None]


def test_what_went_back_is_the_sum_of_the_refunds_that_left(invoice):
    paid = payment(invoice)
    refund(paid, status="succeeded", stripe_id="re_1", amount=30)
    refund(paid, status="pending", stripe_id="re_2", amount=5)
    refund(paid, status="failed", stripe_id="re_3", amount=7)
    refund(paid)
    payment(invoice, payment_intent="pi_2")

    rows = Payment.objects.with_refunded().order_by("pk")

    assert [row.refunded for row in rows] == [35, 0]


def test_payments_and_refunds_are_seen_by_who_may_see_the_books(invoice):
    refund(payment(invoice))
    may = [
        (
            Payment.objects.for_user(user).count(),
            Refund.objects.for_user(user).count(),
        )
        for user in (
            MembershipFactory(business=invoice.business, role=Role.VIEWER).user,
            MembershipFactory(business=invoice.business, role=Role.AUTHOR).user,
            MembershipFactory().user,
        )
    ]

    assert may == [(1, 1), (0, 0), (0, 0)]


def test_rows_are_called_by_what_they_are_known_by(invoice):
    paid = payment(invoice)
    back = refund(paid)
    event = StripeEvent(event_id="evt_1", status="received")

    assert str(paid) == "pi_1"
    assert str(back) == str(back.public_id)
    assert str(event) == event.public_id == "evt_1"
    attempt = checkout(invoice)
    assert str(attempt) == str(attempt.key)


def test_a_dispute_and_what_it_moved_are_known_once(invoice):
    disputed = dispute(payment(invoice))
    movement(disputed)

    assert "stripe_id" in refused(dispute, disputed.payment)
    assert "dispute_amount_not_negative" in refused(
        dispute, disputed.payment, stripe_id="dp_2", amount=-1
    )
    assert "stripe_id" in refused(movement, disputed)
    assert "dispute_movement_not_zero" in refused(
        movement, disputed, stripe_id="txn_2", amount=0
    )
    assert disputed.stripe_url == "https://dashboard.stripe.com/disputes/dp_1"
    assert str(disputed) == "dp_1"


def test_what_is_left_of_a_payment_leaves_out_all_that_went_or_is_promised(invoice):
    held = payment(invoice, status="held", problem="amount")
    refund(held, amount=10)
    refund(held, amount=20, status="failed")
    movement(dispute(held), amount=-30)
    movement(held.disputes.get(), stripe_id="txn_2", amount=5)
    payment(invoice, payment_intent="pi_2")
    gone = payment(invoice, payment_intent="pi_3", status="held", problem="amount")
    refund(gone, amount=100)

    assert Payment.objects.with_left().get(pk=held.pk).left == 100 - 10 - 30 + 5
    assert [row.pk for row in Payment.objects.undecided()] == [held.pk]
