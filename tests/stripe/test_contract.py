import pytest
import stripe

from tests.fakes import ContractError
from tests.stripe.contract import published
from tests.stripe.merchant import NOW, VERSION
from tests.stripe.params import undeclared


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
