"""What happens at once: believed on MariaDB or MySQL only, with real connections."""

import random
from functools import partial
from itertools import chain

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Event
from billing.exceptions import RefundTooLarge
from billing.models import Checkout, Payment
from billing.services import refunding
from billing.states import CheckoutStatus
from invoices.models import LedgerEntry
from tests.at_once import at_once
from tests.billing.world import (
    come_back,
    deliver,
    finalized,
    lose_slot,
    standing,
    start,
)

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("audited"),
]


def open_sessions(stripe) -> int:
    return [session["status"] for session in stripe.sessions.values()].count("open")


@pytest.mark.scenario(4)
def test_eighteen_deliveries_and_six_returns_at_once_settle_once(
    stripe, invoice, run_tasks
):
    checkout = start(invoice)
    events = stripe.pay(checkout.session_id)
    deliveries = [partial(deliver, stripe, event) for event in events * 6]

    answers = at_once([*deliveries, *[partial(come_back, checkout)] * 6])

    run_tasks()
    assert answers == [[200]] * 18 + ["paid"] * 6
    assert standing(invoice) == ("paid", 10_000, 0, 0)
    assert Payment.objects.count() == LedgerEntry.objects.count() == 1
    assert len(mail.outbox) == 1
    assert Event.objects.filter(type="invoice.paid").count() == 1


@pytest.mark.scenario(6)
def test_eight_tabs_at_once_share_one_session(stripe, invoice):
    checkouts = at_once([partial(start, invoice)] * 8)

    assert len({checkout.session_id for checkout in checkouts}) == 1
    assert len(stripe.sessions) == 1
    assert Checkout.objects.count() == 1


@pytest.mark.scenario(6)
def test_tabs_that_want_other_amounts_leave_one_session_open(stripe, invoice):
    amounts = [None, 4_000, None, 4_000]

    def try_to_start(amount):
        try:
            return start(invoice, amount).status
        except Exception as error:
            return type(error).__name__

    outcomes = at_once([partial(try_to_start, amount) for amount in amounts])

    assert set(outcomes) <= {CheckoutStatus.OPEN, "PaymentPending"}
    assert open_sessions(stripe) == 1
    assert Checkout.objects.exclude(open_slot=None).count() == 1


@pytest.mark.scenario(28)
def test_of_five_refunds_of_most_of_it_at_once_one_is_accepted(
    stripe, invoice, run_tasks
):
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    payment = Payment.objects.get()

    def refund():
        try:
            refunding.request_refund(
                payment=payment, amount=6_000, reason="", actor=None, now=timezone.now()
            )
        except RefundTooLarge:
            return False
        return True

    accepted = at_once([refund] * 5)

    run_tasks()
    assert sorted(accepted) == [False] * 4 + [True]
    assert standing(invoice) == ("paid", 10_000, 6_000, 0)


@pytest.mark.scenario(7)
def test_two_sessions_paid_at_once_settle_one_and_send_back_the_other(
    stripe, invoice, run_tasks
):
    first = start(invoice)
    lose_slot(first)
    second = start(invoice)
    events = stripe.pay(first.session_id) + stripe.pay(second.session_id)

    answers = at_once([partial(deliver, stripe, event) for event in events * 2])

    run_tasks()
    assert answers == [[200]] * 12
    assert standing(invoice) == ("paid", 10_000, 0, 0)
    assert [refund["amount"] for refund in stripe.refunds.values()] == [10_000]


@pytest.mark.scenario(41)
def test_five_part_payments_at_once_pay_exactly_the_whole(stripe, invoice):
    events = []
    for _ in range(5):
        checkout = start(invoice, 2_000)
        lose_slot(checkout)
        events += stripe.pay(checkout.session_id)

    answers = at_once([partial(deliver, stripe, event) for event in events])

    assert answers == [[200]] * 15
    assert standing(invoice) == ("paid", 10_000, 0, 0)


@pytest.mark.scenario(40)
def test_forty_invoices_paid_in_a_crowd_are_each_paid_once(stripe, run_tasks):
    invoices = [finalized() for _ in range(40)]
    events = [
        event
        for invoice in invoices
        for event in stripe.pay(start(invoice).session_id) * 3
    ]
    random.Random(7).shuffle(events)  # noqa: S311 - the same each time

    answers = at_once(
        [partial(deliver, stripe, *events[worker::8]) for worker in range(8)]
    )

    run_tasks()
    assert list(chain.from_iterable(answers)) == [200] * 360
    assert {standing(invoice) for invoice in invoices} == {("paid", 10_000, 0, 0)}
    assert len(mail.outbox) == 40


@pytest.mark.scenario(42)
def test_ids_that_differ_only_in_case_are_two_payments(stripe):
    first, second = finalized(), finalized()
    for invoice, intent in ((first, "pi_3AbC"), (second, "pi_3aBC")):
        session_id = start(invoice).session_id
        event = stripe.pay(session_id)[-1]
        session = stripe.sessions[session_id]
        renamed = stripe._account.intents.pop(session["payment_intent"])
        renamed["id"] = session["payment_intent"] = intent
        stripe._account.intents[intent] = renamed
        deliver(stripe, event)

    assert standing(first)[:2] == standing(second)[:2] == ("paid", 10_000)
    assert Payment.objects.filter(payment_intent="pi_3abc").count() == 0
