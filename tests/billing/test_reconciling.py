"""Holding the books against Stripe. The numbers are those of the table of scenarios."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from billing.exceptions import PaymentPending
from billing.models import (
    BalanceTransaction,
    Checkout,
    Payment,
    ReconciliationRun,
    Refund,
    StripeEvent,
)
from billing.services import refunding
from tests.billing.world import (
    deliver,
    finalized,
    lose_slot,
    reconcile,
    standing,
    start,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]

SESSIONS = "/v1/checkout/sessions"
REFUNDS = "/v1/refunds"


def mended() -> int:
    return ReconciliationRun.objects.latest("pk").mended


def age(rows, **ago: timedelta) -> None:
    """Let what these rows tell have happened so long ago."""
    rows.update(**{name: timezone.now() - each for name, each in ago.items()})


@pytest.mark.scenario(32)
def test_when_every_webhook_is_lost_it_settles_and_then_finds_nothing(stripe, invoice):
    stripe.pay(start(invoice).session_id)

    code, said = reconcile()

    assert (code, standing(invoice)) == (0, ("paid", 10_000, 0, 0))
    assert f"invoice {invoice.number}, €100.00" in said
    asked = len(stripe.posts)
    code, said = reconcile()
    assert (code, mended(), len(stripe.posts)) == (0, 0, asked)
    assert "The books agree with Stripe." in said


@pytest.mark.scenario(33)
@pytest.mark.thorough
def test_a_database_restored_from_a_copy_is_brought_up_to_date(stripe, run_tasks):
    paid, refunded, disputed, doubled = invoices = [finalized() for _ in range(4)]
    known = start(paid)
    copy = transaction.savepoint_create()
    deliver(stripe, *stripe.pay(known.session_id))
    for invoice in (refunded, disputed):
        deliver(stripe, *stripe.pay(start(invoice).session_id))
    first = start(doubled)
    lose_slot(first)
    second = start(doubled)
    deliver(stripe, *stripe.pay(first.session_id), *stripe.pay(second.session_id))
    deliver(stripe, *stripe.refund_in_dashboard(intent_of(refunded), 2_500))
    deliver(stripe, *stripe.dispute(intent_of(disputed)))
    run_tasks()
    before = [standing(invoice) for invoice in invoices]
    transaction.savepoint_rollback(copy)
    assert not Payment.objects.exists()

    code, said = reconcile("--since", f"{timezone.now() - timedelta(days=3):%Y-%m-%d}")

    run_tasks()
    assert code == 0, said
    assert [standing(invoice) for invoice in invoices] == before
    assert len(stripe.refunds) == 2
    assert (reconcile()[0], mended()) == (0, 0)


def intent_of(invoice) -> str:
    payment: Payment = invoice.payments.get()
    return payment.payment_intent


def test_after_a_restore_what_looks_paid_twice_waits_for_a_person(
    stripe, invoice, run_tasks
):
    copy = transaction.savepoint_create()
    first = start(invoice)
    lose_slot(first)
    stripe.pay(first.session_id)
    stripe.pay(start(invoice).session_id)
    transaction.savepoint_rollback(copy)

    reconcile()

    run_tasks()
    assert standing(invoice) == ("paid", 10_000, 0, 10_000)
    assert not Refund.objects.exists()


def test_after_a_restore_a_debit_on_its_way_keeps_others_from_paying(stripe, invoice):
    copy = transaction.savepoint_create()
    session_id = start(invoice).session_id
    stripe.pay(session_id, "bank")
    transaction.savepoint_rollback(copy)

    code, _ = reconcile()

    assert (code, Checkout.objects.get().status) == (0, "processing")
    deliver(stripe, *stripe.settle_bank(session_id, succeeds=True))
    assert standing(invoice) == ("paid", 10_000, 0, 0)


@pytest.mark.scenario(34)
@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after"])
def test_an_attempt_that_a_killed_process_left_half_made_is_made(
    stripe, invoice, fault
):
    stripe.fault("POST", SESSIONS, fault, times=2)
    with pytest.raises(PaymentPending):
        start(invoice)
    age(Checkout.objects, started_at=timedelta(minutes=5))

    code, _ = reconcile()

    checkout = Checkout.objects.get()
    assert (code, checkout.status, mended()) == (0, "open", 1)
    assert list(stripe.sessions) == [checkout.session_id]


@pytest.mark.parametrize(
    ("ago", "expires_at", "status", "asked"),
    [
        # Stripe refuses a page that would be open for a minute.
        (timedelta(hours=2), 60, "rejected", 3),
        # It may have forgotten the key.
        (timedelta(hours=24), None, "expired", 2),
    ],
)
def test_an_attempt_that_cannot_be_made_any_more_gives_its_slot_free(
    stripe, invoice, ago, expires_at, status, asked
):
    stripe.fault("POST", SESSIONS, "timeout_before", times=2)
    with pytest.raises(PaymentPending):
        start(invoice)
    checkout = Checkout.objects.get()
    if expires_at:
        checkout.params["expires_at"] = int(timezone.now().timestamp()) + expires_at
        checkout.save()
    age(Checkout.objects, started_at=ago)

    code, _ = reconcile()

    checkout.refresh_from_db()
    assert (code, checkout.status, checkout.open_slot) == (0, status, None)
    assert len(stripe.posts) == asked


def test_a_page_that_closed_unheard_long_ago_is_asked_for(stripe, invoice):
    checkout = start(invoice)
    stripe.expire(checkout.session_id)
    stripe.sessions[checkout.session_id]["created"] -= 9 * 24 * 3600
    stripe._account.events.clear()
    age(Checkout.objects, started_at=timedelta(days=9), expires_at=timedelta(days=9))

    code, _ = reconcile("--since", f"{timezone.now():%Y-%m-%d}")

    checkout.refresh_from_db()
    assert (code, checkout.status) == (0, "expired")


def test_a_page_that_stripe_has_still_open_is_left_open(stripe, invoice):
    checkout = start(invoice)
    age(Checkout.objects, expires_at=timedelta(hours=1))

    assert (reconcile()[0], mended()) == (0, 0)

    checkout.refresh_from_db()
    assert checkout.status == "open"


def test_a_page_of_an_invoice_that_is_not_here_is_no_matter_while_unpaid(
    stripe, invoice
):
    session = stripe.sessions[start(invoice).session_id]
    session["metadata"] |= {"invoice": str(uuid4())}
    Checkout.objects.all().delete()

    assert (reconcile()[0], mended()) == (0, 0)


def test_a_refund_that_was_never_sent_is_sent_once(stripe, invoice, run_tasks):
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    payment = Payment.objects.get()
    refund = refunding.request_refund(
        payment=payment, amount=2_500, reason="", actor=None, now=timezone.now()
    )
    age(Refund.objects, requested_at=timedelta(hours=1))

    assert reconcile()[0] == 0

    refund.refresh_from_db()
    assert (refund.status, standing(invoice)) == (
        "succeeded",
        ("paid", 10_000, 2_500, 0),
    )
    run_tasks()
    assert len(stripe.refunds) == 1


def test_a_refund_that_a_copy_of_the_database_does_not_know_was_sent_is_not_sent_again(
    stripe, invoice, run_tasks
):
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    payment = Payment.objects.get()
    refunding.request_refund(
        payment=payment, amount=2_500, reason="", actor=None, now=timezone.now()
    )
    age(Refund.objects, requested_at=timedelta(days=2))
    copy = transaction.savepoint_create()
    run_tasks()
    stripe._remembered.clear()
    transaction.savepoint_rollback(copy)

    # Before anybody reconciled: the task came back with the copy.
    run_tasks()

    assert len(stripe.refunds) == 1
    assert standing(invoice) == ("paid", 10_000, 2_500, 0)


def test_a_refund_that_failed_unheard_comes_back(stripe, invoice, run_tasks):
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    deliver(stripe, *stripe.refund_in_dashboard(intent_of(invoice), 2_500))
    reconcile()
    stripe.fail_refund(Refund.objects.get().stripe_id)

    assert reconcile()[0] == 0

    assert (Refund.objects.get().status, standing(invoice)) == (
        "failed",
        ("paid", 10_000, 0, 0),
    )


def test_what_is_pending_since_before_the_window_is_asked_for(stripe, invoice):
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    deliver(stripe, *stripe.refund_in_dashboard(intent_of(invoice), 2_500))
    deliver(stripe, *stripe.dispute(intent_of(invoice), 2_500, is_inquiry=True))
    (refund,) = stripe.refunds.values()
    (dispute,) = stripe.disputes.values()
    for fact in (refund, dispute):
        fact["created"] -= 9 * 24 * 3600
    stripe.turn_dispute(dispute["id"], "warning_closed")
    stripe._account.events.clear()
    Refund.objects.update(status="pending")
    age(Refund.objects, requested_at=timedelta(days=9))
    age(invoice.payments.get().disputes, opened_at=timedelta(days=9))

    assert reconcile("--since", f"{timezone.now():%Y-%m-%d}")[0] == 0

    assert Refund.objects.get().status == "succeeded"
    assert invoice.payments.get().disputes.get().status == "warning_closed"


@pytest.mark.parametrize("what", ["paid", "refunded", "disputed"])
def test_what_is_told_of_today_may_be_of_a_session_before_the_window(
    stripe, invoice, what
):
    session = stripe.sessions[start(invoice).session_id]
    stripe.pay(session["id"])
    (intent,) = stripe.intents.values()
    if what == "refunded":
        stripe.refund_in_dashboard(intent["id"], 2_500)
    elif what == "disputed":
        stripe.dispute(intent["id"])
    session["created"] -= 9 * 24 * 3600
    if what != "paid":
        intent["created"] = session["created"]
    stripe._account.events.clear()

    assert reconcile("--since", f"{timezone.now():%Y-%m-%d}")[0] == 0

    assert standing(invoice) == (
        ("paid", 10_000, 2_500, 0) if what == "refunded" else ("paid", 10_000, 0, 0)
    )


def test_events_of_the_other_mode_are_left_alone(stripe, invoice):
    (event,) = stripe.expire(start(invoice).session_id)
    event["livemode"] = True
    stripe._account.sessions.clear()
    Checkout.objects.update(status="expired", open_slot=None)

    assert reconcile()[0] == 0

    assert not StripeEvent.objects.exists()
    stripe._account.events.clear()


def test_an_event_that_failed_is_acted_on_again(stripe, invoice):
    event = stripe.pay(start(invoice).session_id)[-1]
    stripe.fault("GET", SESSIONS, "500_before")
    assert deliver(stripe, event) == [500]
    StripeEvent.objects.update(updated_at=timezone.now() - timedelta(hours=1))

    assert reconcile()[0] == 0

    assert StripeEvent.objects.get(event_id=event["id"]).status == "processed"


def test_what_stripe_kept_is_written_down_once(stripe, invoice, run_tasks):
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    deliver(stripe, *stripe.refund_in_dashboard(intent_of(invoice), 2_500))
    (charge,) = stripe.charges.values()
    stripe._account.move("adjustment", charge, 0, 30)

    for _ in range(2):
        code, said = reconcile()

    moved = BalanceTransaction.objects.order_by("-amount")
    payment = Payment.objects.get()
    assert [(row.type, row.amount, row.fee, row.payment) for row in moved] == [
        ("charge", 10_000, 175, payment),
        ("adjustment", 0, 30, payment),
        ("refund", -2_500, 0, payment),
    ]
    assert code == 0
    assert said.count("€75.00") == 2
    assert "€2.05" in said


def test_a_movement_finds_its_payment_when_that_is_known(stripe, invoice):
    stripe.pay(start(invoice).session_id)
    (moved,) = stripe.balance.values()
    BalanceTransaction.objects.create(
        stripe_id=moved["id"],
        type="charge",
        amount=10_000,
        fee=175,
        net=9_825,
        currency="EUR",
        created_at=timezone.now(),
        available_on=timezone.now(),
    )

    reconcile()

    assert BalanceTransaction.objects.get().payment == Payment.objects.get()


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(stripe, invoice):
    stripe.pay(start(invoice).session_id)

    code, said = reconcile("--dry-run")

    assert code == 0
    assert f"invoice {invoice.number}, €100.00" in said
    assert standing(invoice) == ("open", 0, 0, 0)
    assert not ReconciliationRun.objects.exists()
    assert not BalanceTransaction.objects.exists()
    assert not StripeEvent.objects.exists()


def test_a_session_that_takes_no_money_and_is_nobodys_here_is_left_alone(
    stripe, invoice
):
    session = stripe.sessions[start(invoice).session_id]
    Checkout.objects.all().delete()
    session |= {
        "mode": "setup",
        "status": "complete",
        "payment_status": "no_payment_required",
        "amount_subtotal": None,
        "amount_total": None,
        "currency": None,
        "metadata": {},
    }
    saved = stripe.event("checkout.session.completed", session)

    assert deliver(stripe, saved) == [200]
    assert reconcile()[0] == 0
    assert not Checkout.objects.exists()
