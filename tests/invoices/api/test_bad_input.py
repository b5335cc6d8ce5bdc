import json
from uuid import uuid4

import pytest

from accounts.models import Event
from invoices.models import MAX_LINES, Invoice, InvoiceLine
from tests.invoices.api.world import API, body_for

pytestmark = pytest.mark.django_db


LONG = "9" * 100


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"customer": None}, "customer"),
        ({"customer": "x"}, "customer"),
        ({"customer": 1}, "customer"),
        ({"customer": "00000000-0000-0000-0000-000000000000"}, "customer"),
        ({"currency": "XYZ"}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"issue_date": "2026-02-30"}, "issue_date"),
        ({"issue_date": "9999-12-31"}, "issue_date"),
        ({"issue_date": "1999-12-31"}, "issue_date"),
        ({"issue_date": "2026-03-02", "due_date": "2026-03-01"}, "due_date"),
        ({"discount_percent": "100.001"}, "discount_percent"),
        ({"discount_percent": "NaN"}, "discount_percent"),
        ({"discount_amount": "-1"}, "discount_amount"),
        ({"tax_rounding": "never"}, "tax_rounding"),
        ({"notes": "\x00"}, "notes"),
        ({"notes": "\ud800"}, "notes"),
        ({"notes": "x" * 2001}, "notes"),
        ({"lines": None}, "lines"),
        ({"lines": "x"}, "lines"),
        ({"lines": [1]}, "lines"),
    ],
)
def test_draft_that_cannot_be_is_refused(api, customer, rate, fields, field):
    body = json.dumps(body_for(customer, rate) | fields)

    response = api.post(f"{API}/invoices/", body, content_type="application/json")

    assert response.status_code == 400
    assert response.json()["code"] == "invalid"
    assert [*response.json()["errors"]] == [field]
    assert (Invoice.objects.count(), Event.objects.count()) == (0, 0)


def test_draft_with_more_lines_than_anyone_reads_is_refused(api, customer, rate):
    body = body_for(customer, rate)
    body["lines"] *= MAX_LINES + 1

    response = api.post(f"{API}/invoices/", body)

    assert response.json()["errors"] == {"lines": ["An invoice has at most 500 lines."]}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "Infinity"}, "quantity"),
        ({"quantity": "1e999999"}, "quantity"),
        ({"quantity": LONG}, "quantity"),
        ({"quantity": int(LONG)}, "quantity"),
        ({"quantity": "two"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": "0.00001"}, "quantity"),
        ({"unit_price": LONG}, "unit_price"),
        ({"unit_price": "-Infinity"}, "unit_price"),
        ({"unit_price": "sNaN"}, "unit_price"),
        ({"unit_price": None}, "unit_price"),
        ({"discount_percent": "101"}, "discount_percent"),
        ({"discount_amount": "-0.01"}, "discount_amount"),
        ({"description": ""}, "description"),
        ({"description": "x" * 501}, "description"),
        ({"description": "\x00"}, "description"),
        ({"tax_rate": "19"}, "tax_rate"),
        ({"tax_rate": None}, "tax_rate"),
        ({"tax_rate": "00000000-0000-0000-0000-000000000000"}, "tax_rate"),
    ],
)
def test_line_that_cannot_be_is_refused(api, customer, rate, fields, field):
    body = body_for(customer, rate)
    body["lines"].append(body["lines"][0] | fields)

    response = api.post(f"{API}/invoices/", body)

    assert response.status_code == 400
    (problem,) = response.json()["errors"]["lines"].items()
    assert (problem[0], [*problem[1]]) == ("1", [field])
    assert (Invoice.objects.count(), InvoiceLine.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"unit_price": "999999999999", "quantity": "9999999999"},
        {"discount_amount": "80.01"},
    ],
)
def test_amounts_that_fit_no_books_are_refused(api, customer, rate, fields):
    body = body_for(customer, rate)
    if "unit_price" in fields:
        body["lines"][0] |= fields
    else:
        body |= fields

    response = api.post(f"{API}/invoices/", body)

    assert response.status_code == 400
    assert response.json()["code"] == "amount_out_of_range"
    assert Invoice.objects.count() == 0


@pytest.mark.parametrize(
    "body", ["", "{", '{"a": NaN}', "[]", '"x"', "null", '{"lines": Infinity}', b"\xff"]
)
def test_body_that_is_no_json_object_is_refused(api, business, body):
    for address in ("customers", "tax-rates", "invoices", "invoices/preview"):
        response = api.post(f"{API}/{address}/", body, content_type="application/json")
        assert response.status_code == 400
        assert response.headers["Content-Type"] == "application/problem+json"


def test_addresses_that_hold_no_id_find_nothing(api, business):
    for kind in ("customers", "tax-rates", "invoices"):
        for id_ in ("1", "x", uuid4()):
            assert api.get(f"{API}/{kind}/{id_}/").status_code == 404
