from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from accounts.models import Event
from accounts.roles import Role
from invoices.models import Customer, Invoice
from tests.api import in_role
from tests.factories import BusinessFactory, MembershipFactory, TaxRateFactory
from tests.invoices.api.world import API, body_for, foreign_rows, own_rows, url

pytestmark = pytest.mark.django_db


def test_nobody_may_anything_without_signing_in(business):
    for row in own_rows(business):
        assert APIClient().get(url(row)).status_code == 401


def test_rows_of_another_business_are_not_there(api, business):
    for row in foreign_rows():
        listed = api.get(url(row).replace(f"{row.public_id}/", ""))
        answers = [
            getattr(api, method)(url(row)).status_code
            for method in ("get", "put", "patch", "delete")
        ]
        assert (listed.json()["results"], answers) == ([], [404] * 4)
        row.refresh_from_db()


def test_actions_on_an_invoice_of_another_business_find_nothing(api):
    invoice = foreign_rows()[0]

    for action in ("finalize", "send", "void"):
        assert api.post(url(invoice, action)).status_code == 404
    assert api.get(url(invoice, "document")).status_code == 404


def test_customers_and_rates_of_another_business_cannot_be_named(api, customer, rate):
    _, foreign_customer, foreign_rate = foreign_rows()

    for body, field in (
        (body_for(foreign_customer, rate), "customer"),
        (body_for(customer, foreign_rate), "lines"),
    ):
        for address in ("invoices", "invoices/preview"):
            response = api.post(f"{API}/{address}/", body)
            assert response.status_code == 400
            assert [*response.json()["errors"]] == [field]


def test_rates_of_another_own_business_cannot_be_named(api, owner, customer):
    other = TaxRateFactory(business=MembershipFactory(user=owner).business)

    response = api.post(f"{API}/invoices/", body_for(customer, other))

    assert response.status_code == 400
    assert response.json()["errors"] == {
        "lines": {"0": {"tax_rate": ["There is no such tax rate."]}}
    }


def test_business_that_is_not_ones_own_cannot_be_named(api, business):
    for id_ in (BusinessFactory().public_id, uuid4(), "x"):
        body = {"name": "A", "email": "a@example.com", "business": str(id_)}
        response = api.post(f"{API}/customers/", body)
        assert [*response.json()["errors"]] == ["business"]


def test_viewer_sees_and_writes_nothing(business):
    viewer = in_role(business, Role.VIEWER)
    rows = own_rows(business)
    events = Event.objects.count()

    for row in rows:
        assert viewer.get(url(row)).status_code == 200
        answers = [
            getattr(viewer, method)(url(row)).status_code
            for method in ("put", "patch", "delete")
        ]
        assert answers == [403] * 3
    for action in ("finalize", "send", "void"):
        assert viewer.post(url(rows[0], action)).status_code == 403
    assert Event.objects.count() == events


def test_viewer_creates_nothing(business, customer, rate):
    viewer = in_role(business, Role.VIEWER)
    named = {"name": "A", "email": "a@example.com", "percent": "19"}

    for address, body in (
        ("customers", named),
        ("customers", named | {"business": str(business.public_id)}),
        ("tax-rates", named),
        ("invoices", body_for(customer, rate)),
        ("invoices/preview", body_for(customer, rate)),
    ):
        response = viewer.post(f"{API}/{address}/", body)
        assert response.status_code == 403
        assert response.json()["code"] == "permission_denied"
    assert (Customer.objects.count(), Invoice.objects.count()) == (1, 0)


def test_accountant_writes(business, draft):
    accountant = in_role(business, Role.ACCOUNTANT)

    assert accountant.post(url(draft, "finalize")).json()["status"] == "open"


def test_author_sees_no_books(business):
    author = in_role(business, Role.AUTHOR)

    for row in own_rows(business):
        listed = author.get(url(row).replace(f"{row.public_id}/", ""))
        answers = [
            getattr(author, method)(url(row)).status_code
            for method in ("get", "patch", "delete")
        ]
        assert (listed.json()["results"], answers) == ([], [404] * 3)
