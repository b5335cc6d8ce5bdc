import pytest
from rest_framework.test import APIClient

from accounts.roles import Role
from billing.models import Payment, Refund
from tests.api import in_role
from tests.billing.world import deliver, finalized, standing, start
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db

PAYMENTS, REFUNDS = "/api/v1/payments/", "/api/v1/refunds/"


def paid(stripe, invoice) -> Payment:
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    return Payment.objects.get(invoice=invoice)


@pytest.fixture
def payment(stripe, invoice) -> Payment:
    return paid(stripe, invoice)


@pytest.fixture
def owner_api(invoice) -> APIClient:
    return in_role(invoice.business, Role.OWNER)


def test_a_payment_is_shown_with_what_went_back(owner_api, invoice, payment, run_tasks):
    owner_api.post(REFUNDS, {"payment": str(payment.public_id), "amount": 2_500})
    run_tasks()

    response = owner_api.get(f"{PAYMENTS}{payment.public_id}/")

    assert response.status_code == 200
    body = response.json()
    assert body.pop("received_at").endswith("Z")
    assert body == {
        "id": str(payment.public_id),
        "invoice": str(invoice.public_id),
        "amount": 10_000,
        "refunded": 2_500,
        "currency": "EUR",
        "status": "succeeded",
        "problem": "",
        "payment_intent": payment.payment_intent,
        "balance_transactions": [],
    }


def test_payments_are_listed_newest_first_and_filtered(owner_api, stripe, payment):
    other = paid(stripe, finalized(business=payment.invoice.business))
    ids = [str(other.public_id), str(payment.public_id)]

    assert [row["id"] for row in owner_api.get(PAYMENTS).json()["results"]] == ids
    filters = {"invoice": payment.invoice.public_id, "status": "succeeded"}
    filtered = owner_api.get(PAYMENTS, filters).json()["results"]
    assert [row["id"] for row in filtered] == ids[1:]
    assert owner_api.get(PAYMENTS, {"status": "held"}).json()["results"] == []


def test_listing_takes_the_same_queries_for_one_and_for_three(
    owner_api, stripe, payment, django_assert_max_num_queries
):
    refund = {"payment": str(payment.public_id), "amount": 100}
    owner_api.post(REFUNDS, refund)
    # The rows, what they moved at Stripe, and whose invoices may be asked for.
    with django_assert_max_num_queries(3):
        owner_api.get(PAYMENTS)
    with django_assert_max_num_queries(3):
        owner_api.get(REFUNDS)
    for _ in range(2):
        paid(stripe, finalized(business=payment.invoice.business))
        owner_api.post(REFUNDS, refund)

    # The rows, what they moved at Stripe, and whose invoices may be asked for.
    with django_assert_max_num_queries(3):
        assert len(owner_api.get(PAYMENTS).json()["results"]) == 3
    with django_assert_max_num_queries(3):
        assert len(owner_api.get(REFUNDS).json()["results"]) == 3


def test_money_is_sent_back(owner_api, stripe, invoice, payment, run_tasks):
    response = owner_api.post(
        REFUNDS,
        {"payment": str(payment.public_id), "amount": 2_500, "reason": "Broken"},
    )

    assert response.status_code == 201
    body = response.json()
    assert body.pop("requested_at")
    refund = Refund.objects.get()
    assert body == {
        "id": str(refund.public_id),
        "payment": str(payment.public_id),
        "amount": 2_500,
        "currency": "EUR",
        "status": "requested",
        "reason": "Broken",
        "stripe_id": None,
    }
    assert stripe.refunds == {}
    run_tasks()
    shown = owner_api.get(f"{REFUNDS}{refund.public_id}/").json()
    assert shown["status"] == "succeeded"
    assert shown["stripe_id"] in stripe.refunds
    assert standing(invoice) == ("paid", 10_000, 2_500, 0)


def test_without_an_amount_all_that_is_left_goes_back(owner_api, payment):
    owner_api.post(REFUNDS, {"payment": str(payment.public_id), "amount": 2_500})

    response = owner_api.post(REFUNDS, {"payment": str(payment.public_id)})

    assert response.json()["amount"] == 7_500


def test_more_than_is_left_is_a_conflict(owner_api, payment):
    response = owner_api.post(
        REFUNDS, {"payment": str(payment.public_id), "amount": 10_001}
    )

    assert response.status_code == 409
    assert response.json()["code"] == "refund_too_large"
    assert response.json()["detail"] == "€100.00 is left of this payment to refund."
    assert Refund.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "payment"),
        ({"payment": "pi_1"}, "payment"),
        ({"amount": 0}, "amount"),
        ({"amount": "12.50"}, "amount"),
        ({"amount": -5}, "amount"),
        ({"reason": "x" * 251}, "reason"),
    ],
)
def test_wrong_input_is_named(owner_api, payment, body, field):
    whole = {} if field == "payment" else {"payment": str(payment.public_id)}

    response = owner_api.post(REFUNDS, whole | body)

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]
    assert Refund.objects.count() == 0


def test_somebody_elses_money_is_not_there(payment, owner_api):
    owner_api.post(REFUNDS, {"payment": str(payment.public_id), "amount": 2_500})
    stranger = in_role(MembershipFactory().business, Role.OWNER)
    refund = Refund.objects.get()

    assert stranger.get(PAYMENTS).json()["results"] == []
    assert stranger.get(REFUNDS).json()["results"] == []
    assert stranger.get(f"{PAYMENTS}{payment.public_id}/").status_code == 404
    assert stranger.get(f"{REFUNDS}{refund.public_id}/").status_code == 404
    response = stranger.post(REFUNDS, {"payment": str(payment.public_id)})
    assert response.status_code == 404
    assert Refund.objects.count() == 1


@pytest.mark.parametrize(
    ("role", "seen", "refunded"),
    [
        (Role.ACCOUNTANT, 200, 201),
        (Role.VIEWER, 200, 403),
        (Role.AUTHOR, 404, 404),
    ],
)
def test_roles_decide_who_sees_and_who_refunds(payment, role, seen, refunded):
    api = in_role(payment.invoice.business, role)

    assert api.get(f"{PAYMENTS}{payment.public_id}/").status_code == seen
    response = api.post(REFUNDS, {"payment": str(payment.public_id)})
    assert response.status_code == refunded


def test_without_a_sign_in_there_is_nothing(payment):
    anonymous = APIClient()

    assert anonymous.get(PAYMENTS).status_code == 401
    assert anonymous.post(REFUNDS, {}).status_code == 401


@pytest.mark.parametrize("path", [PAYMENTS, REFUNDS])
def test_an_id_that_is_none_is_not_found(owner_api, path):
    assert owner_api.get(f"{path}pi_1/").status_code == 404
