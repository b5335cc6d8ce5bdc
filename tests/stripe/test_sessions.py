import pytest
import stripe

from tests.fakes import NotPayable
from tests.stripe.currencies import formatted
from tests.stripe.merchant import HOUR, NOW, assert_refused, session_params, types


def test_a_new_session_is_open_and_has_no_payment_intent(fake, create):
    session = create()

    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_total, session.currency) == (12_000, "eur")
    assert session.payment_intent is None
    assert session.url == f"https://checkout.stripe.com/c/pay/{session.id}"
    assert fake.order(session.id)["line_items"][0]["quantity"] == 1


def test_a_card_pays_the_session(fake, client, create):
    session = create()

    events = fake.pay(session.id)

    seen = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge"]}
    )
    assert (seen.status, seen.payment_status, seen.url) == ("complete", "paid", None)
    assert seen.payment_intent.amount_received == 12_000
    assert seen.payment_intent.metadata["checkout"] == "7f1c"
    assert seen.payment_intent.latest_charge.paid is True
    assert types(events) == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_a_declined_card_is_declined_and_may_try_again(fake, client, create):
    session = create()

    events = fake.pay(session.id, "declined")

    seen = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge"]}
    )
    assert (seen.status, seen.payment_status) == ("open", "unpaid")
    assert seen.payment_intent.amount_received == 0
    assert seen.payment_intent.last_payment_error.code == "card_declined"
    assert seen.payment_intent.latest_charge.paid is False
    assert types(events) == ["charge.failed", "payment_intent.payment_failed"]
    assert types(fake.pay(session.id))[-1] == "checkout.session.completed"


@pytest.mark.parametrize(
    ("succeeds", "payment_status", "last"),
    [
        (True, "paid", "checkout.session.async_payment_succeeded"),
        (False, "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_a_bank_debit_is_settled_later(fake, create, succeeds, payment_status, last):
    session = create()

    begun = fake.pay(session.id, "bank")
    row = fake.sessions[session.id]
    assert (row["status"], row["payment_status"]) == ("complete", "unpaid")
    settled = fake.settle_bank(session.id, succeeds)

    assert types(begun)[-1] == "checkout.session.completed"
    assert types(settled)[-1] == last
    assert fake.sessions[session.id]["payment_status"] == payment_status
    with pytest.raises(NotPayable):
        fake.settle_bank(session.id, succeeds)


def test_an_expired_session_cannot_be_paid(fake, client, create):
    session = create()

    client.v1.checkout.sessions.expire(session.id)

    with pytest.raises(NotPayable):
        fake.pay(session.id)
    with pytest.raises(NotPayable):
        fake.expire(session.id)
    assert types(fake.events) == ["checkout.session.expired"]


def test_a_session_expires_when_its_time_is_up(fake, clock, create):
    session = create()

    clock.now += HOUR

    with pytest.raises(NotPayable):
        fake.pay(session.id)
    assert fake.sessions[session.id]["status"] == "expired"


def test_a_paid_session_cannot_be_expired(fake, client, create):
    session = create()
    fake.pay(session.id)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.expire(session.id)

    assert_refused(refused, code=None, param=None)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 49, "currency": "jpy"}, "amount_too_small"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"amount": -1}, "parameter_invalid_integer"),
        ({"currency": "zzz"}, None),
        ({"amount": 5_124, "currency": "kwd"}, "invalid_charge_amount_no_decimal_compatible"),
        ({"amount": 550, "currency": "ugx"}, "invalid_charge_amount_no_decimal_compatible"),
        ({"success_url": ""}, "parameter_missing"),
        ({"success_url": "/return"}, "url_invalid"),
        ({"customer_email": "nobody"}, "email_invalid"),
        ({"expires_at": NOW + 29 * 60}, None),
        ({"expires_at": NOW + 25 * HOUR}, None),
    ],
)  # fmt: skip
def test_a_session_that_stripe_would_refuse_is_refused(fake, create, params, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        create(**params)

    assert (refused.value.http_status, refused.value.code) == (400, code)
    assert fake.sessions == {}


@pytest.mark.parametrize("missing", ["mode", "line_items", "success_url"])
def test_a_session_without_what_it_needs_is_refused(fake, client, missing):
    params = session_params()
    del params[missing]

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(params)

    assert_refused(refused, code="parameter_missing", param=missing)


def test_an_unknown_session_is_not_found(client):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.retrieve("cs_test_none")

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123_450, "eur", "EUR 1,234.50"),
        (500, "jpy", "JPY 500"),
        (5_120, "kwd", "KWD 5.120"),
    ],
)
def test_amounts_are_written_with_the_decimals_of_their_currency(
    amount, currency, text
):
    assert formatted(amount, currency) == text
