import pytest
import stripe

from tests.stripe.merchant import assert_refused, types


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
