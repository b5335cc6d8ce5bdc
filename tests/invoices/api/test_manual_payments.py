from datetime import date
from uuid import uuid4

import pytest

from accounts.roles import Role
from invoices.models import ManualPayment
from invoices.services.finalizing import finalize_invoice
from invoices.services.receiving import record_payment
from tests.api import in_role
from tests.factories import InvoiceLineFactory
from tests.invoices.api.world import API, NOW

pytestmark = pytest.mark.django_db

PAYMENTS = f"{API}/manual-payments/"


@pytest.fixture
def invoice(draft):
    """Over 119.00."""
    return finalize_invoice(invoice=draft, actor=None, now=NOW)


def body(to, **more):
    return {
        "invoice": str(to.public_id),
        "method": "transfer",
        "amount": 11900,
        "received_on": "2026-02-27",
    } | more


def received(invoice, **more):
    fields = {"method": "cash", "amount": 100, "received_on": date(2026, 2, 27)}
    return record_payment(invoice=invoice, fields=fields | more, actor=None, now=NOW)


def test_a_transfer_pays(api, owner, invoice):
    response = api.post(PAYMENTS, body(invoice, reference="SEPA 4711"))

    payment = response.json()
    assert response.status_code == 201
    assert (payment["method"], payment["amount"], payment["currency"]) == (
        "transfer",
        11900,
        "EUR",
    )
    assert (payment["reference"], payment["reversed_at"]) == ("SEPA 4711", None)
    shown = api.get(f"{API}/invoices/{invoice.public_id}/").json()
    assert (shown["status"], shown["paid"], shown["due"]) == ("paid", 11900, 0)
    assert shown["manual_payments"] == [payment]
    assert ManualPayment.objects.get().recorded_by == owner


def test_what_is_beyond_is_the_customers(api, invoice):
    api.post(PAYMENTS, body(invoice, amount=12000))

    customer = api.get(f"{API}/customers/{invoice.customer.public_id}/").json()
    assert customer["balance"] == {"EUR": 100}


def test_with_an_id_it_is_recorded_once(api, invoice):
    wanted = body(invoice, id=str(uuid4()), amount=5000)

    first, again = (api.post(PAYMENTS, wanted).json() for _ in range(2))

    assert first == again
    assert first["id"] == wanted["id"]
    refused = api.post(PAYMENTS, wanted | {"amount": 4000})
    assert [*refused.json()["errors"]] == ["id"]
    assert ManualPayment.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": 10**30}, "amount"),
        ({"amount": "1.5"}, "amount"),
        ({"method": "card"}, "method"),
        ({"received_on": "2026-03-02"}, "received_on"),
        ({"received_on": "yesterday"}, "received_on"),
        ({"reference": "x" * 101}, "reference"),
        ({"id": "x"}, "id"),
        ({"invoice": "x"}, "invoice"),
    ],
)
def test_what_is_wrong_is_named(api, invoice, more, field):
    response = api.post(PAYMENTS, body(invoice, **more))

    assert response.status_code == 400
    assert [*response.json()["errors"]] == [field]
    assert not ManualPayment.objects.exists()


def test_a_draft_receives_nothing(api, draft):
    response = api.post(PAYMENTS, body(draft))

    assert (response.status_code, response.json()["code"]) == (
        409,
        "invalid_transition",
    )


def test_it_is_taken_back_once_with_a_reason(api, invoice):
    payment = received(invoice, amount=11900)
    path = f"{PAYMENTS}{payment.public_id}/reverse/"
    assert [*api.post(path, {"reason": " "}).json()["errors"]] == ["reason"]

    shown = api.post(path, {"reason": "Bounced"}).json()

    assert shown["reversal_reason"] == "Bounced"
    assert shown["reversed_at"] is not None
    of_invoice = api.get(f"{API}/invoices/{invoice.public_id}/").json()
    assert (of_invoice["status"], of_invoice["due"]) == ("open", 11900)
    again = api.post(path, {"reason": "Bounced"})
    assert (again.status_code, again.json()["code"]) == (409, "invalid_transition")


def test_a_list_is_filtered(api, invoice, business, customer, rate):
    line = InvoiceLineFactory(
        invoice__business=business,
        invoice__customer=customer,
        invoice__currency="USD",
        tax_rate=rate,
    )
    other = finalize_invoice(invoice=line.invoice, actor=None, now=NOW)
    first = received(invoice)
    second = received(other, method="transfer", received_on=date(2026, 2, 1))
    api.post(f"{PAYMENTS}{second.public_id}/reverse/", {"reason": "Bounced"})
    both = [str(second.public_id), str(first.public_id)]

    for query, ids in {
        "": both,
        f"?business={business.public_id}": both,
        f"?customer={customer.public_id}": both,
        f"?invoice={invoice.public_id}": both[1:],
        "?method=transfer": both[:1],
        "?currency=EUR": both[1:],
        "?received_after=2026-02-27": both[1:],
        "?received_before=2026-02-27": both[:1],
        "?reversed=true": both[:1],
        "?reversed=false": both[1:],
    }.items():
        results = api.get(f"{PAYMENTS}{query}").json()["results"]
        assert [row["id"] for row in results] == ids


def test_a_list_takes_as_many_queries_for_three_as_for_one(
    api, invoice, django_assert_num_queries
):
    received(invoice)
    with django_assert_num_queries(1):
        api.get(PAYMENTS)

    received(invoice)
    received(invoice)
    with django_assert_num_queries(1):
        assert len(api.get(PAYMENTS).json()["results"]) == 3


def test_of_another_business_there_is_nothing(api):
    line = InvoiceLineFactory()
    foreign = received(finalize_invoice(invoice=line.invoice, actor=None, now=NOW))
    one = f"{PAYMENTS}{foreign.public_id}/"

    assert api.get(PAYMENTS).json()["results"] == []
    assert api.get(one).status_code == 404
    assert api.post(f"{one}reverse/", {"reason": "Mine"}).status_code == 404
    response = api.post(PAYMENTS, body(foreign.invoice))
    assert [*response.json()["errors"]] == ["invoice"]
    foreign.refresh_from_db()
    assert (ManualPayment.objects.count(), foreign.reversed_at) == (1, None)


def test_a_viewer_reads_and_an_author_sees_nothing(business, invoice):
    payment = received(invoice)
    one = f"{PAYMENTS}{payment.public_id}/"
    viewer, author = in_role(business, Role.VIEWER), in_role(business, Role.AUTHOR)

    assert viewer.get(one).json()["amount"] == 100
    assert viewer.post(PAYMENTS, body(invoice)).status_code == 403
    assert viewer.post(f"{one}reverse/", {"reason": "Mine"}).status_code == 403
    assert author.get(PAYMENTS).json()["results"] == []
    assert author.get(one).status_code == 404
    assert author.post(f"{one}reverse/", {"reason": "Mine"}).status_code == 404
    assert author.post(PAYMENTS, body(invoice)).status_code == 400
    assert ManualPayment.objects.filter(reversed_at=None).count() == 1


def test_an_accountant_records(business, invoice):
    accountant = in_role(business, Role.ACCOUNTANT)

    assert accountant.post(PAYMENTS, body(invoice)).status_code == 201
