from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from billing.exceptions import PaymentUnderWay
from billing.models import Checkout
from billing.services import closing
from billing.services.paying import _find_or_make
from billing.states import CheckoutStatus
from invoices.services.balances import apply_balance
from invoices.services.correcting import revise_invoice, void_invoice
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.receiving import record_payment
from tests.billing.world import deliver, finalized, standing, start
from tests.fakes import NotPayable

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def credit_half(invoice):
    line = invoice.lines.get()
    issue_credit_note(
        invoice=invoice,
        quantities={line.pk: line.quantity / 2},
        reason="Returned",
        split=Split(),
        actor=None,
        now=timezone.now(),
    )


def transfer(invoice, amount=5_000):
    record_payment(
        invoice=invoice,
        fields={"method": "transfer", "amount": amount, "received_on": NOW.date()},
        actor=None,
        now=timezone.now(),
    )


def apply(invoice):
    earlier = finalized(
        "50", business=invoice.business, customer=invoice.customer, currency="EUR"
    )
    transfer(earlier, 10_000)
    apply_balance(invoice=invoice, amount=None, actor=None, now=timezone.now())


def void(invoice):
    void_invoice(invoice=invoice, actor=None, now=timezone.now())


def revise(invoice):
    revise_invoice(invoice=invoice, actor=None, now=timezone.now())


@pytest.mark.scenario(52)
@pytest.mark.parametrize("lessen", [credit_half, transfer, apply, void, revise])
def test_a_session_for_more_than_is_due_is_closed(stripe, invoice, run_tasks, lessen):
    checkout = start(invoice)

    lessen(invoice)
    run_tasks()

    checkout.refresh_from_db()
    assert checkout.status == CheckoutStatus.SUPERSEDED
    assert stripe.sessions[checkout.session_id]["status"] == "expired"


def test_a_session_for_what_is_still_due_stays_open(stripe, invoice, run_tasks):
    checkout = start(invoice, 5_000)

    credit_half(invoice)
    run_tasks()

    checkout.refresh_from_db()
    assert checkout.status == CheckoutStatus.OPEN
    deliver(stripe, *stripe.pay(checkout.session_id))
    assert standing(invoice) == ("paid", 5_000, 0, 0)


@pytest.mark.scenario(53)
@pytest.mark.parametrize("lessen", [credit_half, transfer])
def test_the_tab_that_was_open_meanwhile_says_what_is_left(
    client, stripe, invoice, run_tasks, lessen
):
    checkout = start(invoice)
    lessen(invoice)
    run_tasks()
    here = reverse("billing:return", args=[invoice.link_token])

    with pytest.raises(NotPayable, match="expired"):
        stripe.pay(checkout.session_id)
    page = client.get(here, {"session": checkout.session_id})

    assert page.context["state"] == "open"
    assert "Still due" in page.content.decode()
    assert "€50.00" in page.content.decode()
    assert start(invoice).amount == 5_000


@pytest.mark.scenario(52)
def test_what_was_paid_just_before_is_settled_and_goes_back(stripe, invoice, run_tasks):
    checkout = start(invoice)
    stripe.pay(checkout.session_id)

    credit_half(invoice)
    run_tasks()

    checkout.refresh_from_db()
    assert checkout.status == CheckoutStatus.PAID
    assert standing(invoice) == ("open", 0, 0, 0)
    assert [row["amount"] for row in stripe.refunds.values()] == [10_000]


@pytest.mark.scenario(52)
def test_nothing_is_voided_while_a_payment_is_on_its_way(stripe, invoice):
    checkout = start(invoice)
    deliver(stripe, *stripe.pay(checkout.session_id, "bank"))

    with pytest.raises(PaymentUnderWay, match="cannot be voided"):
        void(invoice)

    assert standing(invoice)[0] == "open"


def test_a_debit_on_its_way_is_left_to_arrive(stripe, invoice, run_tasks):
    checkout = start(invoice)
    deliver(stripe, *stripe.pay(checkout.session_id, "bank"))

    credit_half(invoice)
    run_tasks()

    checkout.refresh_from_db()
    assert checkout.status == CheckoutStatus.PROCESSING


def waits(now):
    """Minutes until the tasks that wait."""
    tasks = DBTaskResult.objects.filter(
        run_after__gt=now, run_after__lt=now + timedelta(days=1)
    )
    return [(task.run_after - now) / timedelta(minutes=1) for task in tasks]


def test_a_session_that_is_being_made_is_closed_later(stripe, invoice):
    _find_or_make(invoice, None, NOW)
    checkout = Checkout.objects.get()
    credit_half(invoice)
    DBTaskResult.objects.all().delete()

    closing.close_checkout(checkout=checkout, now=NOW + timedelta(hours=2))
    assert not DBTaskResult.objects.exists()

    closing.close_checkout(checkout=checkout, now=NOW)
    assert waits(NOW) == [1]
    assert stripe.posts == []


def test_while_stripe_is_down_the_task_comes_back(stripe, invoice, run_tasks):
    checkout = start(invoice)
    credit_half(invoice)
    path = f"/v1/checkout/sessions/{checkout.session_id}/expire"
    stripe.fault("POST", path, "timeout_before", 2)
    now = timezone.now()

    closing.close_checkout(checkout=checkout, now=now)

    checkout.refresh_from_db()
    assert checkout.status == CheckoutStatus.OPEN
    assert waits(now) == [1]
    DBTaskResult.objects.update(run_after=now)
    run_tasks()
    checkout.refresh_from_db()
    assert checkout.status == CheckoutStatus.SUPERSEDED
