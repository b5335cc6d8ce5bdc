import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.fakes import ContractError, FakeStripe, NotPayable
from tests.stripe.contract import published
from tests.stripe.currencies import formatted
from tests.stripe.params import undeclared

VERSION = "2026-10-28.endive"
NOW = 1_790_000_000
HOUR = 3600
SECRET = "whsec_test"

Params = dict[str, Any]


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> FakeStripe:
    return FakeStripe(VERSION, clock=clock)


@pytest.fixture
def client(fake: FakeStripe) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_fake",
        stripe_version=VERSION,
        max_network_retries=1,
        http_client=fake,
    )


def session_params(amount: int = 12_000, currency: str = "eur", **more: Any) -> Params:
    price = {
        "currency": currency,
        "unit_amount": amount,
        "product_data": {"name": "Invoice 2026-0001", "description": "Due 31 March"},
    }
    return {
        "mode": "payment",
        "client_reference_id": "7f1c",
        "success_url": "https://shop.example/return?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/invoice",
        "expires_at": NOW + HOUR,
        "line_items": [{"price_data": price, "quantity": 1}],
        "metadata": {"checkout": "7f1c"},
        "payment_intent_data": {"metadata": {"checkout": "7f1c"}, "description": "I"},
        "customer_email": "payer@example.com",
        "adaptive_pricing": {"enabled": False},
        "locale": "auto",
    } | more


@pytest.fixture
def create(client: stripe.StripeClient) -> Callable[..., Any]:
    def create_session(key: str | None = None, **more: Any) -> Any:
        options = {"idempotency_key": key} if key else {}
        return client.v1.checkout.sessions.create(session_params(**more), options)

    return create_session


@pytest.fixture
def paid_intent(fake: FakeStripe, create: Callable[..., Any]) -> str:
    session = create()
    fake.pay(session.id)
    return str(fake.sessions[session.id]["payment_intent"])


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def assert_refused(refused: Any, *, code: str | None, param: str | None) -> None:
    error = refused.value
    assert (error.http_status, error.code, error.param) == (400, code, param)


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


def test_an_event_keeps_what_was_true_when_it_happened(fake, create):
    session = create()

    begun = fake.pay(session.id, "bank")
    fake.settle_bank(session.id, True)

    assert begun[-1]["data"]["object"]["payment_status"] == "unpaid"
    assert begun[-1]["api_version"] == VERSION


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


def test_refunds_have_a_ceiling(fake, client, paid_intent):
    first = client.v1.refunds.create({"payment_intent": paid_intent, "amount": 5_000})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid_intent, "amount": 7_001})
    rest = client.v1.refunds.create({"payment_intent": paid_intent})
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.v1.refunds.create({"payment_intent": paid_intent})

    assert (first.amount, rest.amount) == (5_000, 7_000)
    assert_refused(refused, code=None, param="amount")
    assert_refused(again, code="charge_already_refunded", param=None)
    (charge,) = fake.charges.values()
    assert (charge["amount_refunded"], charge["refunded"]) == (12_000, True)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_refund_of_nothing_is_refused(fake, client, paid_intent, amount):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid_intent, "amount": amount})

    assert_refused(refused, code="parameter_invalid_integer", param="amount")
    assert fake.refunds == {}


def test_what_was_never_paid_cannot_be_refunded(fake, client, create):
    session = create()
    fake.pay(session.id, "declined")
    intent = fake.sessions[session.id]["payment_intent"]

    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        client.v1.refunds.create({"payment_intent": intent})

    assert fake.refunds == {}


def test_a_refund_made_in_the_dashboard_is_listed(fake, client, paid_intent):
    events = fake.refund_in_dashboard(paid_intent, 2_500)

    (refund,) = client.v1.refunds.list({"payment_intent": paid_intent}).data
    assert (refund.amount, refund.status) == (2_500, "succeeded")
    assert types(events) == ["refund.created", "charge.refunded"]


def test_a_failed_refund_gives_the_money_back(fake, client, paid_intent):
    refund = client.v1.refunds.create({"payment_intent": paid_intent})

    events = fake.fail_refund(refund.id)

    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    (charge,) = fake.charges.values()
    assert (charge["amount_refunded"], charge["refunded"]) == (0, False)
    assert types(events) == ["refund.updated", "refund.failed"]


def test_the_same_key_replays_the_first_answer(fake, create):
    first = create("cs-1")
    replayed = create("cs-1")

    assert replayed.id == first.id
    assert list(fake.sessions) == [first.id]
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert replayed.last_response.headers["Idempotent-Replayed"] == "true"
    assert (
        replayed.last_response.headers["Original-Request"]
        == first.last_response.request_id
    )


def test_the_same_key_with_other_parameters_is_refused(fake, create):
    create("cs-1")

    with pytest.raises(stripe.IdempotencyError):
        create("cs-1", amount=12_001)

    assert len(fake.sessions) == 1


def test_the_same_key_at_another_endpoint_is_refused(fake, client, paid_intent, create):
    create("one")

    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create(
            {"payment_intent": paid_intent}, {"idempotency_key": "one"}
        )

    assert fake.refunds == {}


def test_a_key_is_forgotten_after_a_day(clock, fake, client, paid_intent):
    refund = {"payment_intent": paid_intent, "amount": 100}
    client.v1.refunds.create(refund, {"idempotency_key": "re-1"})

    clock.now += 24 * HOUR
    client.v1.refunds.create(refund, {"idempotency_key": "re-1"})

    assert len(fake.refunds) == 2


def test_a_refused_parameter_is_not_remembered(fake, clock, create):
    with pytest.raises(stripe.InvalidRequestError):
        create("cs-1", expires_at=NOW + 60)

    assert create("cs-1").status == "open"


def test_a_refusal_after_execution_is_remembered(fake, client, paid_intent):
    too_much = {"payment_intent": paid_intent, "amount": 99_999}

    for replayed in (None, "true"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create(too_much, {"idempotency_key": "re-1"})
        assert refused.value.headers.get("Idempotent-Replayed") == replayed


def test_an_answer_lost_once_is_replayed_to_the_retry(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "timeout_after")

    session = create("cs-1")

    assert list(fake.sessions) == [session.id]
    assert [request.key for request in fake.requests] == ["cs-1", "cs-1"]


def test_an_answer_lost_twice_is_an_error_and_replayed_later(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "timeout_after", 2)

    with pytest.raises(stripe.APIConnectionError):
        create("cs-1")

    assert [create("cs-1").id] == list(fake.sessions)


def test_a_request_that_never_arrives_does_nothing(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "timeout_before", 2)

    with pytest.raises(stripe.APIConnectionError):
        create("cs-1")

    assert fake.sessions == {}


def test_a_500_before_execution_is_gone_at_the_next_try(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "500_before", 2)

    with pytest.raises(stripe.APIError) as failed:
        create("cs-1")

    assert failed.value.http_status == 500
    assert fake.sessions == {}
    assert create("cs-1").status == "open"


def test_a_500_after_execution_stays_the_answer_of_its_key(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "500_after")

    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            create("cs-1")
        assert failed.value.http_status == 500
        assert failed.value.headers["Idempotent-Replayed"] == "true"

    assert len(fake.sessions) == 1


def test_too_many_requests_are_not_retried_nor_remembered(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "429")

    with pytest.raises(stripe.RateLimitError):
        create("cs-1")

    assert len(fake.requests) == 1
    assert create("cs-1").status == "open"


def test_a_fault_hits_only_what_it_names(fake, client, create):
    fake.fault("GET", "/v1/checkout/sessions", "500_before", 2)

    session = create()
    with pytest.raises(stripe.APIError):
        client.v1.checkout.sessions.retrieve(session.id)

    assert client.v1.checkout.sessions.retrieve(session.id).id == session.id


def test_lists_are_newest_first_and_paged(fake, client, create):
    sessions = [create() for _ in range(5)]

    page = client.v1.checkout.sessions.list({"limit": 2})

    newest_first = [session.id for session in reversed(sessions)]
    assert [session.id for session in page.data] == newest_first[:2]
    assert page.has_more is True
    assert [session.id for session in page.auto_paging_iter()] == newest_first


def test_lists_are_filtered_by_time(clock, client, create):
    create()
    clock.now += 60
    latest = create()

    page = client.v1.checkout.sessions.list({"created": {"gte": clock.now}})

    assert [session.id for session in page.data] == [latest.id]


def test_events_are_filtered_by_type_and_delivery(fake, client, create):
    completed = fake.pay(create().id)[-1]
    pending = fake.pay(create().id)[-1]
    fake.delivered(completed["id"])

    page = client.v1.events.list(
        {"types": ["checkout.session.completed"], "delivery_success": False}
    )

    assert [event.id for event in page.data] == [pending["id"]]
    assert client.v1.events.retrieve(completed["id"]).pending_webhooks == 0


def test_events_are_gone_after_thirty_days(clock, fake, client, create):
    fake.pay(create().id)

    clock.now += 30 * 24 * HOUR + 1

    assert client.v1.events.list({}).data == []


def test_a_signed_event_passes_the_sdk_and_an_altered_one_does_not(
    fake, client, create
):
    event = fake.pay(create(metadata={"who": "Łódź 株式会社 🧾"}).id)[-1]

    body, header = fake.sign(event, SECRET)

    received = client.construct_event(body, header, SECRET, tolerance=0)
    assert received.data.object.metadata["who"] == "Łódź 株式会社 🧾"
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(body.replace(b"12000", b"1"), header, SECRET)


def test_an_event_can_be_signed_long_ago(fake, client, create):
    event = fake.event("radar.early_fraud_warning.created", {"object": "charge"})

    body, header = fake.sign(event, SECRET, timestamp=NOW - HOUR)

    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        client.construct_event(body, header, SECRET)


@pytest.mark.scenario(63)
@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"payment_method_types": ["card"]}, "payment_method_types: unknown parameter"),
        ({"payment_intent_data": {"metdata": {}, "description": "x"}}, None),
        ({"payment_intent_data": {"metdata": {"a": "b"}}}, "metdata: unknown parameter"),
        ({"line_items": [{"price_data": {"unit_amount": 1}}]}, "price_data.currency"),
        ({"expires_at": NOW + 0.5}, "expires_at"),
        ({"locale": "klingon"}, "locale"),
        ({"metadata": {"note": "x" * 501}}, "metadata.note"),
        ({"client_reference_id": "x" * 201}, "client_reference_id"),
        ({"submit_type": "pay"}, "the fake lacks ['submit_type']"),
    ],
)  # fmt: skip
def test_a_request_stripe_does_not_document_is_our_bug(fake, create, more, named):
    if named is None:
        assert create(**more).status == "open"
        return

    with pytest.raises(ContractError) as refused:
        create(**more)

    assert named in str(refused.value)
    assert fake.requests == []


def test_endive_takes_allowed_payment_method_types():
    body = "mode=payment&allowed_payment_method_types[0]=card"

    call = published().check_request(
        "POST", "https://api.stripe.com/v1/checkout/sessions", body
    )

    assert call.params["allowed_payment_method_types"] == ["card"]


def test_the_sdks_own_types_are_a_second_opinion():
    params = {
        "payment_method_types": ["card"],
        "payment_intent_data": {"metdata": {}},
        "line_items": [{"price_data": {"currency": "eur"}}, {"price_data": {}}],
    }

    assert list(undeclared("POST", "/v1/checkout/sessions", params)) == [
        "payment_method_types: unknown to the SDK",
        "payment_intent_data.metdata: unknown to the SDK",
        "line_items[1].price_data.currency: required by the SDK",
    ]


def test_a_call_that_stripe_does_not_have_is_our_bug():
    with pytest.raises(ContractError, match="no such call"):
        published().check_request("POST", "https://api.stripe.com/v1/refund", "")


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda answer: answer.pop("expires_at"), "expires_at: missing"),
        (lambda answer: answer.update(livemode=None), "livemode: null"),
        (lambda answer: answer.update(amount_total="12"), "'12' is no integer"),
        (lambda answer: answer.update(status="done"), "'done' is none of"),
        (lambda answer: answer.update(paid=True), "paid: not a field of Stripe's"),
    ],
)
def test_an_answer_stripe_would_not_give_is_the_fakes_bug(
    fake, create, change, noticed
):
    answer = fake.sessions[create().id]
    path = f"/v1/checkout/sessions/{answer['id']}"
    published().check_response("GET", path, 200, answer)

    change(answer)

    with pytest.raises(ContractError, match=noticed):
        published().check_response("GET", path, 200, answer)


def test_every_object_the_fake_keeps_fits_its_schema(fake, create, client, paid_intent):
    fake.pay(create().id, "declined")
    fake.settle_bank(fake.pay(create().id, "bank")[-1]["data"]["object"]["id"], True)
    fake.fail_refund(client.v1.refunds.create({"payment_intent": paid_intent}).id)
    fake.dispute(paid_intent, 500)
    fake.turn_dispute(*fake.disputes, "won")
    fake.warn_of_fraud(paid_intent)

    kept = [
        *fake.sessions.values(),
        *fake.intents.values(),
        *fake.charges.values(),
        *fake.refunds.values(),
        *fake.disputes.values(),
        *fake.events,
    ]
    for kept_object in kept + [event["data"]["object"] for event in fake.events]:
        published().check_object(kept_object)


def test_a_dispute_withdraws_and_gives_back_what_stripe_then_lists(
    fake, client, paid_intent
):
    opened = fake.dispute(paid_intent, 500)
    (dispute_id,) = fake.disputes
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        client.v1.refunds.create({"payment_intent": paid_intent})

    won = fake.turn_dispute(dispute_id, "won")

    assert types(opened) == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]
    assert types(won) == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
    (listed,) = client.v1.disputes.list({"payment_intent": paid_intent}).data
    moved = [entry.amount for entry in listed.balance_transactions]
    assert (listed.id, moved) == (dispute_id, [-500, 500])
    assert client.v1.refunds.create({"payment_intent": paid_intent}).id


def test_an_inquiry_moves_nothing_until_it_is_escalated(fake, client, paid_intent):
    assert types(fake.dispute(paid_intent, is_inquiry=True)) == [
        "charge.dispute.created"
    ]
    (dispute_id,) = fake.disputes
    asked = client.v1.disputes.retrieve(dispute_id)
    assert (asked.status, asked.balance_transactions) == ("warning_needs_response", [])

    assert types(fake.turn_dispute(dispute_id, "needs_response")) == [
        "charge.dispute.updated"
    ]
    assert types(fake.withdraw(dispute_id)) == ["charge.dispute.funds_withdrawn"]


def test_another_api_version_is_our_bug(fake):
    client = stripe.StripeClient(
        "sk_test_fake", stripe_version="2026-05-27.dahlia", http_client=fake
    )

    with pytest.raises(ContractError, match=r"2026-05-27\.dahlia"):
        client.v1.events.list({})


def test_a_live_key_is_our_bug(fake):
    client = stripe.StripeClient("sk_live_no", stripe_version=VERSION, http_client=fake)

    with pytest.raises(ContractError, match="test mode"):
        client.v1.events.list({})


def test_sixteen_threads_with_one_key_make_one_session(fake, create):
    seen: list[str] = []
    threads = [
        threading.Thread(target=lambda: seen.append(create("cs-1").id))
        for _ in range(16)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == list(fake.sessions) * 16


def test_ids_are_never_used_again_by_another_fake(fake, create):
    other = FakeStripe(VERSION)
    event = other.event("charge.succeeded", {"object": "charge"})

    assert event["id"] not in json.dumps(fake.pay(create().id))
