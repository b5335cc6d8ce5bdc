import pytest
from django.db import OperationalError, connection

from tests.billing.page import address, come_back, see
from tests.billing.world import finalized, standing, start

pytestmark = pytest.mark.django_db

SESSIONS = "/v1/checkout/sessions"


@pytest.mark.scenario(50)
@pytest.mark.parametrize("session_id", [None, "", "cs_test_random", "x" * 5000])
def test_a_return_with_a_session_of_nobody_asks_stripe_nothing(
    stripe, invoice, session_id
):
    start(invoice)
    asked = len(stripe.requests)

    assert come_back(invoice, session_id).status_code == 404

    assert len(stripe.requests) == asked


@pytest.mark.scenario(50)
def test_a_return_with_a_session_of_another_invoice_shows_nothing(stripe, invoice):
    other = start(finalized())
    asked = len(stripe.requests)

    assert come_back(invoice, other.session_id).status_code == 404

    assert len(stripe.requests) == asked


def test_a_return_after_paying_says_thank_you(stripe, invoice):
    checkout = start(invoice)
    stripe.pay(checkout.session_id)

    response = come_back(invoice, checkout.session_id)

    assert response.status_code == 200
    assert (response.context["state"], response.context["refresh_url"]) == ("paid", "")
    assert response.context["invoice"].status == "paid"
    assert response.context["amounts"].paid == 10_000
    asked = len(stripe.requests)
    assert come_back(invoice, checkout.session_id).context["state"] == "paid"
    assert len(stripe.requests) == asked


@pytest.mark.scenario(51)
def test_a_stranger_who_returns_learns_how_it_stands_and_nothing_personal(stripe):
    invoice = finalized()
    checkout = start(invoice)
    stripe.pay(checkout.session_id)

    page = come_back(invoice, checkout.session_id).content.decode()

    assert "Thank you" in page
    buyer = {invoice.buyer["name"], invoice.customer.email}
    assert "" not in buyer
    assert not any(secret in page for secret in buyer)
    assert invoice.buyer["name"] in see(invoice).content.decode()


def test_a_return_without_paying_says_so(stripe, invoice):
    checkout = start(invoice)

    response = come_back(invoice, checkout.session_id)

    assert (response.context["state"], response.context["refresh_url"]) == ("open", "")


def test_a_return_from_a_bank_debit_does_not_wait_for_days(stripe, invoice):
    checkout = start(invoice)
    stripe.pay(checkout.session_id, "bank")

    context = come_back(invoice, checkout.session_id).context

    assert (context["state"], context["refresh_url"]) == ("processing", "")


@pytest.mark.parametrize("answer", ["500", "404", "no_payment_required"])
def test_a_return_while_stripe_does_not_answer_looks_again(stripe, invoice, answer):
    checkout = start(invoice)
    stripe.pay(checkout.session_id)
    if answer == "500":
        stripe.fault("GET", SESSIONS, "500_before", 1)
    elif answer == "404":
        stripe._account.sessions.pop(checkout.session_id)
    else:
        # Nothing that this release asked for, or knows what to make of.
        stripe.sessions[checkout.session_id]["payment_status"] = answer

    context = come_back(invoice, checkout.session_id).context

    here = f"{address('return', invoice)}?session={checkout.session_id}"
    assert (context["state"], context["refresh_url"]) == ("processing", here)


@pytest.mark.scenario(59)
@pytest.mark.parametrize(("deadlocks", "state"), [(1, "paid"), (2, "processing")])
def test_a_return_that_meets_a_deadlock_tries_once_more(
    stripe, invoice, deadlocks, state
):
    checkout = start(invoice)
    stripe.pay(checkout.session_id)
    left = [OperationalError(1213, "Deadlock found")] * deadlocks

    def deadlock(execute, sql, *more):
        if sql.startswith("INSERT INTO") and "ledgerentry" in sql and left:
            raise left.pop()
        return execute(sql, *more)

    with connection.execute_wrapper(deadlock):
        response = come_back(invoice, checkout.session_id)

    assert response.context["state"] == state
    assert standing(invoice)[0] == ("paid" if state == "paid" else "open")
