from datetime import timedelta
from functools import partial

import pytest
from django.core import mail
from django.db import connection, transaction
from django.db.models import TextChoices
from django.urls import reverse
from django.utils import timezone

from accounts.models import Event
from accounts.roles import Role
from billing.exceptions import PaymentDisputed
from billing.gateway import disputes
from billing.models import Dispute, DisputeMovement, Payment, Refund, StripeEvent
from billing.services import disputing, refunding
from invoices import selectors
from invoices.admin.records import spoken
from invoices.exceptions import Disputed
from invoices.services import reminding
from invoices.services.locking import lock_invoice
from tests.at_once import at_once
from tests.billing.world import deliver, finalized, standing, start
from tests.factories import MembershipFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]


@pytest.fixture
def payment(stripe, invoice) -> Payment:
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    return Payment.objects.get(invoice=invoice)


def disputed(invoice) -> int:
    return selectors.amounts(invoice).disputed


def refund(payment, amount=None) -> Refund:
    return refunding.request_refund(
        payment=payment, amount=amount, reason="", actor=None, now=timezone.now()
    )


def subjects() -> list[str]:
    return [message.subject for message in mail.outbox]


@pytest.mark.scenario(44)
def test_a_dispute_that_is_won_takes_the_money_and_gives_it_back(
    stripe, invoice, payment, run_tasks
):
    run_tasks()
    mail.outbox.clear()
    events = stripe.dispute(payment.payment_intent)

    deliver(stripe, *events * 2)

    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.amount) == ("needs_response", 10_000)
    assert standing(invoice) == ("paid", 10_000, 0, 0)
    assert (disputed(invoice), selectors.kept(invoice)) == (10_000, 0)
    with pytest.raises(PaymentDisputed, match="Answer the dispute at Stripe"):
        refund(payment)

    late = disputes.retrieve_dispute(dispute.stripe_id)
    answered = stripe.turn_dispute(dispute.stripe_id, "under_review")
    won = stripe.turn_dispute(dispute.stripe_id, "won")
    deliver(stripe, *reversed(won), *answered)
    disputing.apply_dispute(fact=late, now=timezone.now())

    dispute.refresh_from_db()
    assert (dispute.status, disputed(invoice)) == ("won", 0)
    assert [entry.amount for entry in DisputeMovement.objects.order_by("pk")] == [
        -10_000,
        10_000,
    ]
    run_tasks()
    assert subjects() == [
        f"A payment is disputed: invoice {invoice.number}",
        f"A dispute is won: invoice {invoice.number}",
    ]
    assert refund(payment).amount == 10_000


@pytest.mark.scenario(44)
def test_a_dispute_that_is_lost_keeps_the_money_and_opens_no_debt(
    stripe, invoice, payment, run_tasks
):
    (event, withdrawn) = stripe.dispute(payment.payment_intent)
    lost = stripe.turn_dispute(*stripe.disputes, "lost")

    deliver(stripe, *lost, withdrawn, event)

    run_tasks()
    assert Dispute.objects.get().status == "lost"
    assert standing(invoice) == ("paid", 10_000, 0, 0)
    assert (disputed(invoice), selectors.amounts(invoice).due) == (10_000, 0)
    assert subjects()[-1] == f"A dispute is lost: invoice {invoice.number}"
    with pytest.raises(PaymentDisputed, match="when the dispute was lost"):
        refund(payment)


@pytest.mark.scenario(45)
@pytest.mark.parametrize("is_inquiry", [False, True])
def test_a_dispute_told_of_before_its_payment_settles_that_first(
    stripe, invoice, is_inquiry
):
    stripe.pay(start(invoice).session_id)
    events = stripe.dispute(*stripe.intents, is_inquiry=is_inquiry)

    assert set(deliver(stripe, *reversed(events))) == {200}

    assert standing(invoice) == ("paid", 10_000, 0, 0)
    assert disputed(invoice) == (0 if is_inquiry else 10_000)


def test_a_dispute_of_no_payment_of_ours_is_left_alone(stripe, payment):
    events = stripe.dispute(payment.payment_intent)
    (dispute,) = stripe.disputes.values()
    dispute |= {"payment_intent": None, "charge": "ch_foreign"}

    assert deliver(stripe, *events) == [200, 200]

    assert Dispute.objects.count() == 0
    dispute |= {"payment_intent": payment.payment_intent, "charge": payment.charge}
    deliver(stripe, events[0] | {"id": "evt_again"})


def test_a_part_is_disputed_after_a_part_went_back(stripe, invoice, payment, run_tasks):
    refund(payment, 3_000)
    run_tasks()

    deliver(stripe, *stripe.dispute(payment.payment_intent, 2_000))

    assert (disputed(invoice), selectors.kept(invoice)) == (2_000, 5_000)
    with pytest.raises(PaymentDisputed):
        refund(payment, 1)


@pytest.mark.parametrize(
    ("disputed_in", "moved_in", "booked", "left"),
    [
        ((10_000, "eur"), (-11_234, "usd"), (-10_000, "EUR"), 0),
        ((11_234, "usd"), (-9_870, "eur"), (-9_870, "EUR"), 130),
        # What that is in the payer's nobody knows: none of it is given away.
        ((11_234, "usd"), (-11_234, "usd"), (-11_234, "USD"), 0),
        ((1_500, "jpy"), (-11_234, "usd"), (-1_500, "JPY"), 0),
    ],
)
def test_of_several_currencies_the_payers_is_booked_where_it_is_known(
    stripe, invoice, payment, client, disputed_in, moved_in, booked, left
):
    events = stripe.dispute(payment.payment_intent)
    (dispute,) = stripe.disputes.values()
    dispute |= dict(zip(("amount", "currency"), disputed_in, strict=True))
    (entry,) = dispute["balance_transactions"]
    entry |= dict(zip(("amount", "currency"), moved_in, strict=True))

    deliver(stripe, *events)

    movement = DisputeMovement.objects.get()
    assert (movement.amount, movement.currency) == booked
    assert disputed(invoice) == (-booked[0] if booked[1] == "EUR" else 0)
    row = Dispute.objects.with_withdrawn().get()
    assert (-row.withdrawn, row.withdrawn_currency) == booked
    assert row.currency == disputed_in[1].upper()
    assert Payment.objects.with_left().get().left == left
    owner = MembershipFactory(business=invoice.business, role=Role.OWNER)
    client.force_login(owner.user)
    page = client.get(reverse("admin:billing_dispute_change", args=[row.pk]))
    shown = [total.amount for total in page.context["totals"]]
    assert shown[:2] == ["€100.00", spoken(*booked)]
    assert shown[2:] == ([spoken(left, "EUR")] if booked[1] == "EUR" else [])


def test_an_inquiry_moves_nothing_and_is_ended_by_a_refund(
    stripe, invoice, payment, run_tasks
):
    deliver(stripe, *stripe.dispute(payment.payment_intent, is_inquiry=True))
    assert disputed(invoice) == 0

    refund(payment)
    deliver(stripe, *stripe.turn_dispute(*stripe.disputes, "warning_closed"))

    run_tasks()
    assert standing(invoice) == ("paid", 10_000, 10_000, 0)
    assert f"An inquiry is closed: invoice {invoice.number}" in subjects()


def test_an_inquiry_that_stripe_does_not_let_be_refunded_bars_it_here_too(
    stripe, payment
):
    deliver(stripe, *stripe.dispute(payment.payment_intent, is_inquiry=True))
    Dispute.objects.update(is_refundable=False)

    with pytest.raises(PaymentDisputed):
        refund(payment)


def test_an_inquiry_that_becomes_a_dispute_withdraws_the_money(
    stripe, invoice, payment
):
    deliver(stripe, *stripe.dispute(payment.payment_intent, is_inquiry=True))
    (dispute_id,) = stripe.disputes

    deliver(
        stripe,
        *stripe.turn_dispute(dispute_id, "needs_response"),
        *stripe.withdraw(dispute_id),
    )

    assert Dispute.objects.get().status == "needs_response"
    assert disputed(invoice) == 10_000


def test_held_money_that_is_disputed_is_no_longer_held(stripe, invoice, payment):
    other = finalized()
    checkout = start(other)
    event = stripe.pay(checkout.session_id)[-1]
    stripe.sessions[checkout.session_id]["amount_total"] = 9_000
    intent = event["data"]["object"]["payment_intent"]
    stripe.intents[intent]["amount_received"] = 9_000
    deliver(stripe, event)

    deliver(stripe, *stripe.dispute(intent, 9_000))

    assert standing(other) == ("open", 0, 0, 0)
    assert Payment.objects.undecided().count() == 0
    deliver(stripe, *stripe.turn_dispute(*stripe.disputes, "won"))
    assert standing(other) == ("open", 0, 0, 9_000)
    assert Payment.objects.undecided().get().left == 9_000


def test_nobody_is_reminded_of_the_rest_while_a_part_is_disputed(stripe, run_tasks):
    invoice = finalized()
    deliver(stripe, *stripe.pay(start(invoice, 4_000).session_id))
    deliver(stripe, *stripe.dispute(*stripe.intents))
    remind = partial(
        reminding.remind_now, invoice=invoice, actor=None, now=timezone.now()
    )

    with pytest.raises(Disputed, match="disputed at the customer's bank"):
        remind()

    deliver(stripe, *stripe.turn_dispute(*stripe.disputes, "lost"))
    assert remind().status == "queued"


def test_a_refund_of_the_invoice_leaves_a_disputed_payment_alone(stripe):
    invoice = finalized()
    for _ in range(2):
        deliver(stripe, *stripe.pay(start(invoice, 5_000).session_id))
    first, second = Payment.objects.order_by("pk")
    deliver(stripe, *stripe.dispute(second.payment_intent))

    (back,) = refunding.refund_invoice(
        invoice=invoice,
        amount=5_000,
        reason="",
        cause="test",
        actor=None,
        now=timezone.now(),
    )

    assert back.payment == first


def test_whoever_must_answer_again_is_told(stripe, payment, run_tasks):
    deliver(stripe, *stripe.dispute(payment.payment_intent))
    for status in ("lost", "appeal_needs_response", "appeal_under_review", "lost"):
        deliver(stripe, *stripe.turn_dispute(*stripe.disputes, status) * 2)

    run_tasks()

    told = [subject.partition(":")[0] for subject in subjects()]
    assert told[-4:] == [
        "A payment is disputed",
        "A dispute is lost",
        "A dispute is appealed",
        "A dispute is lost",
    ]
    # Or a mail program would take the last for one it has.
    assert len({sent.message()["Message-ID"] for sent in mail.outbox}) == len(told)


def test_each_turn_of_a_dispute_is_recorded_once(stripe, payment):
    deliver(stripe, *stripe.dispute(payment.payment_intent) * 2)
    deliver(stripe, *stripe.turn_dispute(*stripe.disputes, "lost") * 2)

    dispute = Dispute.objects.get()
    events = Event.objects.about("dispute", dispute.public_id).order_by("pk")
    assert [event.type for event in events] == ["dispute.opened", "dispute.lost"]
    assert dispute.due_by == dispute.opened_at + timedelta(days=10)
    assert events[0].data["due_by"] == dispute.due_by.isoformat()


@pytest.mark.parametrize("is_known", [True, False])
def test_a_warning_of_fraud_is_told_once_and_does_nothing_else(
    stripe, invoice, run_tasks, is_known
):
    paid = stripe.pay(start(invoice).session_id)
    if is_known:
        deliver(stripe, *paid)
    (event,) = stripe.warn_of_fraud(*stripe.intents)

    answers = deliver(stripe, event, event | {"id": "evt_again"})

    run_tasks()
    assert answers == [200, 200]
    assert subjects().count(f"A payment of invoice {invoice.number} may be fraud") == 1
    assert standing(invoice) == ("paid", 10_000, 0, 0)


def test_a_warning_about_no_payment_of_ours_is_left_alone(stripe, payment, run_tasks):
    (event,) = stripe.warn_of_fraud(payment.payment_intent)
    (warning,) = stripe._account.fraud_warnings.values()
    known = dict(warning)
    warning |= {"payment_intent": "pi_foreign", "charge": "ch_foreign"}

    assert deliver(stripe, event) == [200]

    run_tasks()
    assert "may be fraud" not in "".join(subjects())
    warning |= known


class Fewer(TextChoices):
    """The statuses of a release that does not know what else there is."""

    WON = "won"


def test_a_status_that_stripe_invents_is_told_in_a_sentence_and_books_nothing(
    stripe, invoice, payment, monkeypatch
):
    events = stripe.dispute(payment.payment_intent)
    with monkeypatch.context() as patch:
        patch.setattr(disputing, "DisputeStatus", Fewer)
        assert deliver(stripe, *events) == [500, 500]

    assert not Dispute.objects.exists()
    assert disputed(invoice) == 0
    (dispute_id,) = stripe.disputes
    notes = StripeEvent.objects.filter(status="failed").values_list("note", flat=True)
    (note,) = set(notes)
    assert note == (
        f"Stripe says that {dispute_id} is “needs_response”, which this release does not "
        "know. Nothing of it is booked. Once a release knows it, it is acted on by itself."
    )
    # Which it does from now on.
    assert deliver(stripe, *events) == [200, 200]
    assert disputed(invoice) == 10_000


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_all_that_is_told_of_a_dispute_at_once_is_booked_once(
    stripe, invoice, payment, run_tasks
):
    events = stripe.dispute(payment.payment_intent)
    events += stripe.turn_dispute(*stripe.disputes, "won")

    answers = at_once([partial(deliver, stripe, event) for event in events * 3])

    run_tasks()
    assert answers == [[200]] * 12
    assert disputed(invoice) == 0
    assert DisputeMovement.objects.count() == 2
    assert Event.objects.filter(type="dispute.opened").count() == 1
    assert len(mail.outbox) == 2


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_a_dispute_waits_for_whoever_moves_money_of_its_invoice(
    stripe, invoice, payment
):
    (event, *_) = stripe.dispute(payment.payment_intent, is_inquiry=True)

    def deliver_in_a_hurry():
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
        return deliver(stripe, event)

    with transaction.atomic():
        lock_invoice(invoice.pk)
        answers = at_once([deliver_in_a_hurry])

    assert answers == [[500]]
    assert deliver(stripe, event) == [200]
