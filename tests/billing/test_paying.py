from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Business, Event
from billing.exceptions import (
    AlreadyPaid,
    AmountNotPayable,
    NotPayable,
    PaymentPending,
    PaymentRejected,
    PaymentUnderWay,
)
from billing.models import Checkout
from billing.services import paying
from billing.states import CheckoutStatus
from invoices.models import Invoice
from invoices.services.correcting import give_up_invoice, void_invoice
from tests.billing.world import deliver, finalized, lose_slot, standing, start
from tests.factories import BusinessFactory, InvoiceFactory
from tests.unguarded import unguarded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]

SESSIONS = "/v1/checkout/sessions"
# Of a product, in characters; the description of its API allows more.
SHOWN_BY_STRIPE = 250


def statuses() -> list[str]:
    return list(Checkout.objects.order_by("pk").values_list("status", flat=True))


def test_stripe_is_asked_for_the_invoice_and_nothing_that_changes_its_price(
    stripe, invoice
):
    checkout = start(invoice)

    page = f"http://localhost:8000/i/{invoice.link_token}/"
    metadata = {"checkout": str(checkout.key), "invoice": str(invoice.public_id)}
    name = f"Invoice {invoice.number}"
    assert stripe.order(checkout.session_id) == {
        "mode": "payment",
        "client_reference_id": str(checkout.key),
        "success_url": f"{page}return/?session={{CHECKOUT_SESSION_ID}}",
        "cancel_url": page,
        "expires_at": int(checkout.expires_at.timestamp()),
        "locale": "auto",
        "adaptive_pricing": {"enabled": False},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": "eur",
                    "unit_amount": 10_000,
                    "product_data": {
                        "name": name,
                        "description": invoice.business.name,
                    },
                },
            }
        ],
        "metadata": metadata,
        "payment_intent_data": {"description": name, "metadata": metadata},
    }


@pytest.mark.scenario(55)
def test_the_longest_names_that_we_take_are_none_too_long_for_stripe(stripe):
    longest = Business._meta.get_field("name").max_length
    business = BusinessFactory(name="🧾請" * (longest // 2))
    invoice = finalized(business=business)
    with unguarded():
        Invoice.objects.filter(pk=invoice.pk).update(number="№" * 50)

    checkout = start(Invoice.objects.get(pk=invoice.pk))

    order = stripe.order(checkout.session_id)
    product = order["line_items"][0]["price_data"]["product_data"]
    assert max(map(len, product.values())) <= SHOWN_BY_STRIPE
    values = [*order["metadata"].values(), order["client_reference_id"]]
    assert max(map(len, values)) <= 200


def test_what_happens_to_an_attempt_is_recorded(stripe, invoice):
    deliver(stripe, *stripe.pay(start(invoice).session_id))

    types = Event.objects.about("invoice", invoice.public_id).order_by("pk")
    assert list(types.values_list("type", flat=True)) == [
        "invoice.finalized",
        "checkout.started",
        "checkout.open",
        "invoice.payment_booked",
        "invoice.paid",
        "checkout.paid",
    ]


def test_an_invoice_given_up_can_still_be_paid(stripe, invoice):
    give_up_invoice(invoice=invoice, actor=None, now=timezone.now())

    deliver(stripe, *stripe.pay(start(invoice).session_id))

    assert standing(invoice) == ("paid", 10_000, 0, 0)


def test_nothing_is_owed_on_a_void_invoice_or_a_draft(stripe, invoice):
    void_invoice(invoice=invoice, actor=None, now=timezone.now())

    for unpayable in (invoice, InvoiceFactory()):
        with pytest.raises(NotPayable):
            start(unpayable)

    assert stripe.requests == []


def test_a_paid_invoice_is_not_paid_again(stripe, invoice):
    deliver(stripe, *stripe.pay(start(invoice).session_id))

    with pytest.raises(AlreadyPaid):
        start(invoice)


def test_while_a_debit_is_on_its_way_nothing_else_is_started(stripe, invoice):
    deliver(stripe, *stripe.pay(start(invoice).session_id, "bank"))

    with pytest.raises(PaymentUnderWay):
        start(invoice)


@pytest.mark.parametrize("amount", [0, -1, 10_001, 49, 9_951, 9_999])
def test_an_amount_that_cannot_be_paid_is_refused_before_stripe_is_asked(
    stripe, invoice, amount
):
    with pytest.raises(AmountNotPayable):
        start(invoice, amount)

    assert stripe.requests == []
    assert Checkout.objects.count() == 0


@pytest.mark.parametrize("amount", [50, 9_950, 10_000])
def test_a_part_leaves_nothing_or_enough_to_pay_later(stripe, invoice, amount):
    assert start(invoice, amount).amount == amount


def test_an_amount_stripe_cannot_represent_is_refused(stripe):
    with pytest.raises(AmountNotPayable, match=r"steps of KWD.0\.010"):
        start(finalized("5.124", "KWD"))


@pytest.mark.scenario(35)
def test_what_is_below_stripes_minimum_is_refused_and_frees_the_slot(stripe):
    invoice = finalized("0.49")

    with pytest.raises(AmountNotPayable, match=r"€0\.49 is less than can be paid"):
        start(invoice)

    checkout = Checkout.objects.get()
    assert (checkout.status, checkout.open_slot) == (CheckoutStatus.REJECTED, None)


def test_what_stripe_refuses_otherwise_is_told_and_logged(stripe, invoice, caplog):
    with unguarded():
        type(invoice).objects.filter(pk=invoice.pk).update(currency="LYD")

    with pytest.raises(PaymentRejected, match="nothing was charged"):
        start(invoice)

    assert statuses() == [CheckoutStatus.REJECTED]
    assert caplog.records[-1].levelname == "ERROR"


@pytest.mark.scenario(37)
def test_another_amount_closes_the_session_before(stripe, invoice):
    before = start(invoice)

    after = start(invoice, 5_000)

    assert stripe.sessions[before.session_id]["status"] == "expired"
    assert after.amount == 5_000
    assert statuses() == [CheckoutStatus.SUPERSEDED, CheckoutStatus.OPEN]


@pytest.mark.scenario(38)
def test_another_amount_after_the_first_was_just_paid_is_settled_and_refused(
    stripe, invoice
):
    stripe.pay(start(invoice).session_id)

    with pytest.raises(AlreadyPaid):
        start(invoice, 5_000)

    assert standing(invoice) == ("paid", 10_000, 0, 0)


def test_another_amount_after_a_lost_answer_closes_what_was_made(stripe, invoice):
    stripe.fault("POST", SESSIONS, "timeout_after", 2)
    with pytest.raises(PaymentPending):
        start(invoice)

    after = start(invoice, 5_000)

    (first, second) = stripe.sessions.values()
    assert (first["status"], second["id"]) == ("expired", after.session_id)


def test_a_session_about_to_expire_is_replaced(stripe, invoice):
    before = start(invoice)
    soon = timezone.now() + timedelta(seconds=59)
    Checkout.objects.filter(pk=before.pk).update(expires_at=soon)

    after = start(invoice)

    assert after.pk != before.pk
    assert statuses() == [CheckoutStatus.SUPERSEDED, CheckoutStatus.OPEN]


def test_a_session_that_expired_unreported_is_replaced(stripe, invoice):
    before = start(invoice)
    stripe.expire(before.session_id)
    Checkout.objects.filter(pk=before.pk).update(expires_at=timezone.now())

    after = start(invoice)

    assert after.pk != before.pk
    assert statuses() == [CheckoutStatus.EXPIRED, CheckoutStatus.OPEN]


def test_an_attempt_never_made_is_given_up_before_stripe_would_refuse_it(
    stripe, invoice
):
    stripe.fault("POST", SESSIONS, "timeout_before", 2)
    with pytest.raises(PaymentPending):
        start(invoice)
    long_ago = timezone.now() - timedelta(minutes=30)
    Checkout.objects.update(started_at=long_ago)

    start(invoice)

    assert statuses() == [CheckoutStatus.SUPERSEDED, CheckoutStatus.OPEN]
    assert len(stripe.sessions) == 1


def test_what_another_tab_learnt_meanwhile_counts(stripe, invoice):
    stripe.fault("POST", SESSIONS, "timeout_after", 2)
    with pytest.raises(PaymentPending):
        start(invoice)
    stale = Checkout.objects.get()
    start(invoice)
    stripe.fault("POST", SESSIONS, "429", 1)

    found = paying.repeat_checkout(checkout=stale, now=timezone.now())

    assert (found.status, list(stripe.sessions)) == ("open", [found.session_id])


def test_a_race_that_never_ends_is_left_to_the_next_click(stripe, invoice):
    def taken_away(method, path):
        for checkout in Checkout.objects.filter(status=CheckoutStatus.CREATING):
            lose_slot(checkout)

    stripe.meanwhile = taken_away

    with pytest.raises(PaymentPending, match="Another payment"):
        start(invoice)

    assert len(stripe.sessions) == 3
