"""What can happen to a payment. The numbers are those of the table of scenarios."""

import copy
import time

import pytest
from django.core import mail
from django.db import OperationalError, connection
from django.utils import timezone

from billing.exceptions import PaymentPending
from billing.models import Checkout, Payment, Refund, StripeEvent
from billing.states import CheckoutStatus
from invoices.services.correcting import void_invoice
from tests.billing.world import (
    OLD_SECRET,
    SECRET,
    come_back,
    deliver,
    finalized,
    lose_slot,
    post_webhook,
    standing,
    start,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]

SESSIONS = "/v1/checkout/sessions"


def subjects() -> list[str]:
    return [message.subject for message in mail.outbox]


@pytest.mark.scenario(1)
def test_paid_and_reported_by_three_events_is_paid_once(stripe, invoice):
    checkout = start(invoice)

    answers = deliver(stripe, *stripe.pay(checkout.session_id))

    assert answers == [200, 200, 200]
    assert standing(invoice) == ("paid", 10_000, 0, 0)


@pytest.mark.scenario(2)
def test_the_same_events_three_times_more_change_nothing(stripe, invoice, run_tasks):
    events = stripe.pay(start(invoice).session_id)
    deliver(stripe, *events)

    answers = deliver(stripe, *events * 3)

    run_tasks()
    assert answers == [200] * 9
    assert Payment.objects.count() == 1
    assert subjects() == [f"Payment received for invoice {invoice.number}"]


@pytest.mark.scenario(3)
def test_the_payer_who_is_back_before_any_webhook_settles(stripe, invoice, run_tasks):
    checkout = start(invoice)
    events = stripe.pay(checkout.session_id)

    assert come_back(checkout) == "paid"

    assert standing(invoice) == ("paid", 10_000, 0, 0)
    assert deliver(stripe, *events) == [200, 200, 200]
    run_tasks()
    assert len(mail.outbox) == 1


@pytest.mark.scenario(5)
def test_a_second_tab_gets_the_same_session(stripe, invoice):
    assert start(invoice).session_id == start(invoice).session_id

    assert stripe.posts == [SESSIONS]


@pytest.mark.scenario(7)
def test_of_two_sessions_both_paid_the_second_goes_back(stripe, invoice, run_tasks):
    first = start(invoice)
    lose_slot(first)
    second = start(invoice)

    deliver(stripe, *stripe.pay(first.session_id), *stripe.pay(second.session_id))

    assert standing(invoice) == ("paid", 10_000, 0, 10_000)
    run_tasks()
    assert standing(invoice) == ("paid", 10_000, 0, 0)
    problems = Payment.objects.order_by("pk").values_list("problem", flat=True)
    assert list(problems) == ["", "overpaid"]
    assert [refund["amount"] for refund in stripe.refunds.values()] == [10_000]


@pytest.mark.scenario(8)
def test_another_amount_than_asked_for_is_held(stripe, invoice, run_tasks):
    checkout = start(invoice)
    event = stripe.pay(checkout.session_id)[-1]
    stripe.sessions[checkout.session_id]["amount_total"] = 9_999
    for intent in stripe.intents.values():
        intent["amount_received"] = 9_999

    deliver(stripe, event)

    run_tasks()
    assert Payment.objects.get().problem == "amount"
    assert standing(invoice) == ("open", 0, 0, 9_999)
    assert subjects() == [f"A payment does not fit invoice {invoice.number}"]
    assert stripe.refunds == {}


@pytest.mark.scenario(9)
def test_another_currency_is_held(stripe, invoice):
    checkout = start(invoice)
    event = stripe.pay(checkout.session_id)[-1]
    stripe.sessions[checkout.session_id]["currency"] = "usd"
    for intent in stripe.intents.values():
        intent["currency"] = "usd"

    deliver(stripe, event)

    payment = Payment.objects.get()
    assert (payment.problem, payment.currency) == ("currency", "USD")
    assert standing(invoice)[:2] == ("open", 0)


@pytest.mark.scenario(10)
def test_money_for_an_invoice_voided_meanwhile_goes_back(stripe, invoice, run_tasks):
    checkout = start(invoice)
    void_invoice(invoice=invoice, actor=None, now=timezone.now())

    deliver(stripe, *stripe.pay(checkout.session_id))

    run_tasks()
    assert Payment.objects.get().problem == "void"
    assert Refund.objects.get().status == "succeeded"
    assert standing(invoice) == ("void", 0, 0, 0)


@pytest.mark.scenario(11)
def test_a_part_and_then_the_rest(stripe, invoice):
    deliver(stripe, *stripe.pay(start(invoice, 4_000).session_id))
    assert standing(invoice) == ("open", 4_000, 0, 0)

    rest = start(invoice)
    deliver(stripe, *stripe.pay(rest.session_id))

    assert rest.amount == 6_000
    assert standing(invoice) == ("paid", 10_000, 0, 0)


@pytest.mark.scenario(12)
def test_after_a_session_expired_there_is_a_new_one(stripe, invoice):
    expired = start(invoice)

    assert deliver(stripe, *stripe.expire(expired.session_id)) == [200]

    assert start(invoice).session_id != expired.session_id
    expired.refresh_from_db()
    assert expired.status == CheckoutStatus.EXPIRED


@pytest.mark.scenario(13)
def test_a_bank_debit_is_on_its_way_and_then_paid(stripe, invoice):
    checkout = start(invoice)
    deliver(stripe, *stripe.pay(checkout.session_id, "bank"))
    checkout.refresh_from_db()
    assert checkout.status == CheckoutStatus.PROCESSING
    assert standing(invoice) == ("open", 0, 0, 0)

    deliver(stripe, *reversed(stripe.settle_bank(checkout.session_id, succeeds=True)))

    assert standing(invoice) == ("paid", 10_000, 0, 0)


@pytest.mark.scenario(14)
def test_a_failed_debit_reported_before_it_began_frees_the_slot(stripe, invoice):
    checkout = start(invoice)
    begun = stripe.pay(checkout.session_id, "bank")
    failed = stripe.settle_bank(checkout.session_id, succeeds=False)

    deliver(stripe, *failed, *begun)

    checkout.refresh_from_db()
    assert (checkout.status, checkout.open_slot) == (CheckoutStatus.FAILED, None)
    assert start(invoice).session_id != checkout.session_id


@pytest.mark.scenario(15)
def test_an_answer_lost_once_is_asked_for_again(stripe, invoice):
    stripe.fault("POST", SESSIONS, "timeout_after", 1)

    checkout = start(invoice)

    assert list(stripe.sessions) == [checkout.session_id]
    assert {request.key for request in stripe.requests} == {f"cs-{checkout.key}"}


@pytest.mark.scenario(16)
def test_an_answer_lost_twice_is_found_by_the_next_click(stripe, invoice):
    stripe.fault("POST", SESSIONS, "timeout_after", 2)
    with pytest.raises(PaymentPending):
        start(invoice)

    checkout = start(invoice)

    assert list(stripe.sessions) == [checkout.session_id]
    assert Checkout.objects.count() == 1


@pytest.mark.scenario(17)
def test_a_session_we_never_learnt_of_is_found_by_its_metadata(stripe, invoice):
    stripe.fault("POST", SESSIONS, "timeout_after", 2)
    with pytest.raises(PaymentPending):
        start(invoice)
    (session_id,) = stripe.sessions

    deliver(stripe, *stripe.pay(session_id))

    assert Checkout.objects.get().session_id == session_id
    assert standing(invoice) == ("paid", 10_000, 0, 0)


@pytest.mark.scenario(18)
def test_while_stripe_is_down_nothing_is_half_made(stripe, invoice):
    stripe.fault("POST", SESSIONS, "500_before", 2)

    with pytest.raises(PaymentPending):
        start(invoice)

    assert stripe.sessions == {}
    assert start(invoice).status == CheckoutStatus.OPEN
    assert Checkout.objects.count() == 1


@pytest.mark.scenario(19)
@pytest.mark.scenario(59)
def test_after_a_crash_while_booking_the_next_delivery_settles(stripe, invoice):
    event = stripe.pay(start(invoice).session_id)[-1]

    def deadlock(execute, sql, *more):
        if sql.startswith("INSERT INTO") and "ledgerentry" in sql:
            raise OperationalError(1213, "Deadlock found when trying to get lock")
        return execute(sql, *more)

    with connection.execute_wrapper(deadlock):
        assert deliver(stripe, event) == [500]

    assert Payment.objects.count() == 0
    record = StripeEvent.objects.get(event_id=event["id"])
    assert (record.status, record.note) == ("failed", "OperationalError")
    assert deliver(stripe, event) == [200]
    record.refresh_from_db()
    assert (record.status, record.tries) == ("processed", 2)
    assert standing(invoice) == ("paid", 10_000, 0, 0)


@pytest.mark.scenario(20)
def test_while_stripe_cannot_be_asked_a_webhook_is_not_taken(stripe, invoice):
    event = stripe.pay(start(invoice).session_id)[-1]
    stripe.fault("GET", SESSIONS, "500_before", 1)

    assert deliver(stripe, event, event) == [500, 200]

    assert standing(invoice) == ("paid", 10_000, 0, 0)


FORGERIES = {
    "signed by another": lambda body, header: (body, header[:-1] + "x"),
    "no header": lambda body, header: (body, None),
    "garbage": lambda body, header: (body, "garbage"),
    "no known scheme": lambda body, header: (body, header.replace("v1=", "v0=")),
    "not ASCII": lambda body, header: (body, "t=1,v1=é"),
    "altered": lambda body, header: (body.replace(b"10000", b"1"), header),
    "not UTF-8": lambda body, header: (b"\xff\xfe", header),
    "empty": lambda body, header: (b"", header),
}


@pytest.mark.scenario(21)
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_refused_unwritten_and_unasked(stripe, invoice, forge):
    event = stripe.pay(start(invoice).session_id)[-1]
    asked = len(stripe.requests)

    answer = post_webhook(*forge(*stripe.sign(event, SECRET)))

    assert answer == 400
    assert StripeEvent.objects.count() == 0
    assert len(stripe.requests) == asked


@pytest.mark.scenario(22)
def test_a_webhook_played_again_after_five_minutes_is_refused(stripe, invoice):
    event = stripe.pay(start(invoice).session_id)[-1]

    signed = stripe.sign(event, SECRET, int(time.time()) - 302)

    assert post_webhook(*signed) == 400
    assert StripeEvent.objects.count() == 0


@pytest.mark.scenario(23)
def test_while_the_secret_is_rolled_the_old_one_counts(stripe, invoice):
    event = stripe.pay(start(invoice).session_id)[-1]

    assert deliver(stripe, event, secret=OLD_SECRET) == [200]

    assert standing(invoice) == ("paid", 10_000, 0, 0)


@pytest.mark.scenario(24)
def test_a_live_event_at_a_test_stage_is_refused_loudly(stripe, invoice, caplog):
    event = copy.deepcopy(stripe.pay(start(invoice).session_id)[-1])
    event["livemode"] = True

    assert deliver(stripe, event) == [400]

    assert StripeEvent.objects.count() == 0
    assert [record.levelname for record in caplog.records][-2:] == [
        "CRITICAL",
        "WARNING",
    ]


@pytest.mark.scenario(25)
def test_an_event_of_no_concern_is_acknowledged(stripe):
    event = stripe.event("review.opened", {"id": "prv_1"})

    assert deliver(stripe, event) == [200]

    assert StripeEvent.objects.get().status == "ignored"
    assert stripe.requests == []


@pytest.mark.scenario(26)
def test_an_event_about_what_our_key_cannot_read_is_loud(stripe, invoice):
    event = copy.deepcopy(stripe.pay(start(invoice).session_id)[-1])
    event["id"], event["data"]["object"]["id"] = "evt_foreign", "cs_test_foreign"

    assert deliver(stripe, event) == [500]

    record = StripeEvent.objects.get(event_id="evt_foreign")
    assert record.status == "failed"
    assert record.note == "PaymentRejected: resource_missing"


@pytest.mark.scenario(36)
def test_declined_and_then_paid_in_the_same_session(stripe, invoice):
    checkout = start(invoice)

    deliver(stripe, *stripe.pay(checkout.session_id, "declined"))
    assert standing(invoice) == ("open", 0, 0, 0)

    deliver(stripe, *stripe.pay(checkout.session_id))
    assert standing(invoice) == ("paid", 10_000, 0, 0)


@pytest.mark.scenario(46)
def test_test_money_in_live_mode_or_the_reverse_is_held(stripe, invoice):
    checkout = start(invoice)
    event = stripe.pay(checkout.session_id)[-1]
    stripe.sessions[checkout.session_id]["livemode"] = True

    deliver(stripe, event)

    assert Payment.objects.get().problem == "livemode"
    assert standing(invoice) == ("open", 0, 0, 10_000)


@pytest.mark.scenario(54)
@pytest.mark.parametrize(
    ("total", "currency", "charged"),
    [
        ("500", "JPY", 500),
        ("7000", "UGX", 700_000),
        ("900", "ISK", 90_000),
        ("5.120", "KWD", 5_120),
        ("200", "HUF", 20_000),
        ("9000", "MGA", 9_000),
    ],
)
def test_every_kind_of_currency_is_exact_both_ways(stripe, total, currency, charged):
    invoice = finalized(total, currency)
    checkout = start(invoice)

    deliver(stripe, *stripe.pay(checkout.session_id))

    assert stripe.sessions[checkout.session_id]["amount_total"] == charged
    assert standing(invoice) == ("paid", invoice.total, 0, 0)
