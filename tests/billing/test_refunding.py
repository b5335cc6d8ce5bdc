from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import Event
from accounts.roles import Role
from billing.exceptions import AmountNotPayable, PaymentRejected, RefundTooLarge
from billing.gateway import refunds
from billing.gateway.refunds import retrieve_refund
from billing.models import Payment, Refund
from billing.services import refunding
from tests.billing.world import deliver, finalized, standing, start
from tests.factories import MembershipFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]

REFUNDS = "/v1/refunds"


@pytest.fixture
def payment(stripe, invoice) -> Payment:
    return paid(stripe, invoice)


def paid(stripe, invoice) -> Payment:
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    return Payment.objects.get(invoice=invoice)


def request(payment, amount=None, **more) -> Refund:
    values = {"reason": "", "actor": None, "now": timezone.now()}
    return refunding.request_refund(payment=payment, amount=amount, **values | more)


def send(refund, now=None) -> Refund:
    refund.refresh_from_db()
    refunding.send_refund(refund=refund, now=now or timezone.now())
    refund.refresh_from_db()
    return refund


@pytest.mark.scenario(27)
def test_a_part_goes_back_too_much_does_not_and_then_the_rest(
    stripe, invoice, payment, run_tasks
):
    request(payment, 3_000)
    run_tasks()
    assert standing(invoice) == ("paid", 10_000, 3_000, 0)

    with pytest.raises(RefundTooLarge, match=r"€70\.00 is left of this payment"):
        request(payment, 7_001)

    request(payment)
    run_tasks()
    assert standing(invoice) == ("paid", 10_000, 10_000, 0)
    with pytest.raises(RefundTooLarge):
        request(payment)


def test_of_an_invoice_goes_back_what_was_paid_by_card_or_nothing(invoice, payment):
    with pytest.raises(RefundTooLarge, match=r"€100\.00 of this invoice was paid by"):
        refunding.refund_invoice(
            invoice=invoice,
            amount=10_001,
            reason="",
            cause="test",
            actor=None,
            now=timezone.now(),
        )

    assert not Refund.objects.exists()


@pytest.mark.parametrize("amount", [0, -1])
def test_a_refund_is_above_nothing(payment, amount):
    with pytest.raises(RefundTooLarge):
        request(payment, amount)


def test_a_refund_stripe_cannot_represent_is_refused(stripe):
    payment = paid(stripe, finalized("5.120", "KWD"))

    with pytest.raises(AmountNotPayable):
        request(payment, 1_001)

    assert Refund.objects.count() == 0


def test_a_refund_is_recorded_with_who_asked(invoice, payment, run_tasks):
    accountant = MembershipFactory(business=invoice.business, role=Role.ACCOUNTANT).user

    refund = request(payment, 3_000, actor=accountant, reason="Broken")

    run_tasks()
    events = Event.objects.about("refund", refund.public_id).order_by("pk")
    assert [(event.type, event.actor) for event in events] == [
        ("refund.requested", accountant),
        ("refund.succeeded", None),
    ]
    assert events[0].data == {
        "invoice": invoice.number,
        "amount": 3_000,
        "currency": "EUR",
        "reason": "Broken",
    }


@pytest.mark.scenario(29)
def test_a_lost_answer_a_webhook_and_a_second_try_make_one_refund(
    stripe, invoice, payment
):
    refund = request(payment, 6_000)
    stripe.fault("POST", REFUNDS, "timeout_after", 2)
    assert send(refund).status == "requested"

    deliver(stripe, *stripe.events)
    sent = send(refund)

    assert (sent.status, sent.tries) == ("succeeded", 1)
    assert len(stripe.refunds) == Refund.objects.count() == 1
    assert standing(invoice) == ("paid", 10_000, 6_000, 0)


def test_a_lost_answer_and_a_second_try_make_one_refund(stripe, payment):
    refund = request(payment, 3_000)
    stripe.fault("POST", REFUNDS, "timeout_after", 2)
    assert send(refund).status == "requested"

    assert send(refund).status == "succeeded"

    assert [refund["amount"] for refund in stripe.refunds.values()] == [3_000]


def test_while_stripe_is_down_the_task_comes_back_less_and_less_often(stripe, payment):
    refund = request(payment, 6_000)
    DBTaskResult.objects.all().delete()
    stripe.fault("POST", REFUNDS, "timeout_before", 20)
    now = timezone.now()

    for _ in range(9):
        send(refund, now)

    waits = DBTaskResult.objects.order_by("enqueued_at").values_list(
        "run_after", flat=True
    )
    assert [(wait - now) / timedelta(minutes=1) for wait in waits] == [
        *(1, 2, 4, 8, 16, 32, 64, 64, 64)
    ]


@pytest.mark.scenario(43)
def test_a_day_later_stripe_is_asked_what_it_did_before_it_is_told_again(
    stripe, invoice, payment
):
    refund = request(payment, 6_000)
    stripe.fault("POST", REFUNDS, "timeout_after", 2)
    send(refund)
    stripe._remembered.clear()

    send(refund, timezone.now() + timedelta(hours=25))

    assert len(stripe.refunds) == 1
    assert standing(invoice) == ("paid", 10_000, 6_000, 0)


@pytest.mark.scenario(43)
def test_a_day_later_what_never_arrived_is_sent(stripe, payment):
    refund = request(payment, 6_000)
    stripe.fault("POST", REFUNDS, "timeout_before", 2)
    send(refund)

    sent = send(refund, timezone.now() + timedelta(hours=25))

    assert sent.status == "succeeded"
    assert len(stripe.refunds) == 1


@pytest.mark.parametrize(
    ("reason", "status"),
    [("more_permissions_required", "requested"), ("resource_missing", "succeeded")],
)
def test_a_day_later_nothing_is_sent_that_may_have_been_and_cannot_be_seen(
    stripe, payment, monkeypatch, reason, status
):
    refund = request(payment)
    stripe.fault("POST", REFUNDS, "timeout_after", 2)
    send(refund)

    def refuse(**_):
        raise PaymentRejected("No.", reason)

    with monkeypatch.context() as patch:
        patch.setattr(refunds, "find_refund", refuse)
        assert send(refund, timezone.now() + timedelta(hours=25)).status == status

    assert send(refund, timezone.now() + timedelta(hours=25)).status == "succeeded"
    assert len(stripe.refunds) == 1


def test_a_refund_stripe_refuses_has_failed_and_is_told(
    stripe, invoice, payment, run_tasks
):
    refund = request(payment)
    stripe.charges[payment.charge]["paid"] = False

    run_tasks()

    refund.refresh_from_db()
    assert (refund.status, refund.stripe_id) == ("failed", None)
    assert mail.outbox[-1].to == [invoice.business.email]
    assert mail.outbox[-1].subject == f"A refund of invoice {invoice.number} failed"
    assert standing(invoice) == ("paid", 10_000, 0, 0)


def test_what_stripe_refuses_to_do_again_was_done_and_stays_so(
    stripe, invoice, payment
):
    refund = request(payment)

    def told_meanwhile(method, path):
        # By a webhook of the first try, while the second is refused.
        stripe.meanwhile = lambda method, path: None
        (refund_id,) = stripe.refunds
        refunding.apply_refund(fact=retrieve_refund(refund_id), now=timezone.now())
        raise PaymentRejected("No.", "charge_already_refunded")

    stripe.meanwhile = told_meanwhile

    assert send(refund).status == "succeeded"
    assert standing(invoice) == ("paid", 10_000, 10_000, 0)


@pytest.mark.scenario(30)
def test_a_refund_made_in_the_dashboard_is_imported_once(stripe, invoice, payment):
    events = stripe.refund_in_dashboard(payment.payment_intent, 2_500)

    deliver(stripe, *events, *events)

    refund = Refund.objects.get()
    assert (refund.amount, refund.cause) == (2_500, f"external:{refund.stripe_id}")
    assert standing(invoice) == ("paid", 10_000, 2_500, 0)


def test_a_refund_told_of_before_its_payment_settles_that_first(stripe, invoice):
    stripe.pay(start(invoice).session_id)
    (intent,) = stripe.intents
    (event, _) = stripe.refund_in_dashboard(intent, 2_500)

    assert deliver(stripe, event) == [200]

    assert standing(invoice) == ("paid", 10_000, 2_500, 0)


@pytest.mark.scenario(31)
def test_a_refund_that_fails_days_later_is_booked_back_once(
    stripe, invoice, payment, run_tasks
):
    refund = request(payment, 4_000)
    run_tasks()
    refund.refresh_from_db()
    mail.outbox.clear()

    events = stripe.fail_refund(refund.stripe_id)
    deliver(stripe, *events, *events)

    run_tasks()
    assert standing(invoice) == ("paid", 10_000, 0, 0)
    assert len(mail.outbox) == 1
    assert request(payment).amount == 10_000


def test_a_refund_that_had_failed_when_we_first_heard_of_it_moves_no_money(
    stripe, invoice, payment
):
    stripe.refund_in_dashboard(payment.payment_intent, 2_500)
    (refund_id,) = stripe.refunds
    events = stripe.fail_refund(refund_id)

    deliver(stripe, *events)

    assert Refund.objects.get().status == "failed"
    assert standing(invoice) == ("paid", 10_000, 0, 0)
    assert invoice.ledger.filter(kind__startswith="refund").count() == 0


def test_news_that_is_late_changes_nothing(stripe, invoice, payment):
    stripe.refund_in_dashboard(payment.payment_intent, 2_500)
    (refund_id,) = stripe.refunds
    late = retrieve_refund(refund_id)
    deliver(stripe, *stripe.events, *stripe.fail_refund(refund_id))

    refunding.apply_refund(fact=late, now=timezone.now())

    assert Refund.objects.get().status == "failed"
    assert standing(invoice) == ("paid", 10_000, 0, 0)


def test_a_second_refund_under_our_key_is_money_too(stripe, invoice, payment):
    refund = request(payment, 3_000)
    send(refund)
    again = stripe.refund_in_dashboard(payment.payment_intent, 3_000)
    for twin in stripe.refunds.values():
        twin["metadata"] = {"refund": str(refund.key)}

    deliver(stripe, *again)

    assert standing(invoice) == ("paid", 10_000, 6_000, 0)


def test_a_refund_of_no_payment_of_ours_is_left_alone(stripe, payment):
    (event, _) = stripe.refund_in_dashboard(payment.payment_intent, 2_500)
    (refund,) = stripe.refunds.values()
    refund["payment_intent"], known = "pi_foreign", refund["payment_intent"]

    assert deliver(stripe, event) == [200]

    assert Refund.objects.count() == 0
    refund["payment_intent"] = known
    deliver(stripe, event | {"id": "evt_again"})


def test_held_money_that_goes_back_is_no_refund_of_what_was_paid(
    stripe, invoice, payment, run_tasks
):
    other = finalized()
    checkout = start(other)
    event = stripe.pay(checkout.session_id)[-1]
    stripe.sessions[checkout.session_id]["amount_total"] = 9_000
    stripe.intents[event["data"]["object"]["payment_intent"]]["amount_received"] = 9_000
    deliver(stripe, event)
    held = Payment.objects.get(invoice=other)
    assert standing(other) == ("open", 0, 0, 9_000)

    refund = request(held)
    run_tasks()
    assert standing(other) == ("open", 0, 0, 0)

    refund.refresh_from_db()
    deliver(stripe, *stripe.fail_refund(refund.stripe_id))
    assert standing(other) == ("open", 0, 0, 9_000)
