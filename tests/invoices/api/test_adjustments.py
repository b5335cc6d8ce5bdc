"""Charges and allowances, prices with tax, and what is payable, over the API."""

import pytest

from invoices.models import InvoiceAdjustment
from tests.factories import TaxRateFactory
from tests.invoices.api.world import API, body_for, url

pytestmark = pytest.mark.django_db


def adjustment(rate, **fields):
    return {
        "reason": "Freight",
        "amount": "10.5",
        "tax_rate": str(rate.public_id),
    } | fields


def write(api, customer, rate, *adjustments, **fields):
    body = body_for(customer, rate, adjustments=list(adjustments), **fields)
    return api.post(f"{API}/invoices/", body)


def test_draft_shows_its_adjustments_in_order(api, customer, rate):
    shown = write(
        api,
        customer,
        rate,
        adjustment(rate),
        adjustment(
            rate, reason="Regular", is_charge=False, amount="0", percent="12.50"
        ),
        prepaid_amount="5",
    ).json()

    assert shown["adjustments"] == [
        {
            "is_charge": True,
            "reason": "Freight",
            "percent": "0",
            "amount": "10.5",
            "tax_rate": str(rate.public_id),
            "tax_name": "",
            "net": 1050,
            "gross": None,
        },
        {
            "is_charge": False,
            "reason": "Regular",
            "percent": "12.5",
            "amount": "0",
            "tax_rate": str(rate.public_id),
            "tax_name": "",
            "net": -1000,
            "gross": None,
        },
    ]
    assert (shown["subtotal"], shown["net"], shown["tax"]) == (8000, 8050, 1530)
    assert (shown["total"], shown["prepaid"], shown["payable"]) == (9580, 500, 9080)
    (listed,) = api.get(f"{API}/invoices/").json()["results"]
    assert (listed["total"], listed["payable"]) == (9580, 9080)
    assert "adjustments" not in listed


def test_draft_with_prices_with_tax_shows_both(api, customer, rate):
    shown = write(api, customer, rate, adjustment(rate), prices_include_tax=True).json()

    (line,), (charge,) = shown["lines"], shown["adjustments"]
    assert (line["net"], line["gross"]) == (6723, 8000)
    assert (charge["net"], charge["gross"]) == (882, 1050)
    assert (shown["net"], shown["tax"], shown["total"]) == (7605, 1445, 9050)


def test_what_is_not_named_stays_and_what_is_written_anew_is_put_back(
    api, customer, rate
):
    fields = {"cash_rounding": 5, "language": "de", "prices_include_tax": True}
    draft = write(api, customer, rate, adjustment(rate), **fields).json()
    address = f"{API}/invoices/{draft['id']}/"

    kept = api.patch(address, {"notes": "Hello"}).json()
    emptied = api.patch(address, {"adjustments": []}).json()
    anew = api.put(address, body_for(customer, rate)).json()

    assert [row["reason"] for row in kept["adjustments"]] == ["Freight"]
    assert emptied["adjustments"] == anew["adjustments"] == []
    assert {name: emptied[name] for name in fields} == fields
    assert {name: anew[name] for name in fields} == {
        "cash_rounding": 0,
        "language": "",
        "prices_include_tax": False,
    }


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"percent": "5"}, "Write an amount or a percentage."),
        ({"percent": "101", "amount": "0"}, "less than or equal to 100"),
        ({"amount": "-1"}, "greater than or equal to 0"),
        ({"reason": ""}, "may not be blank"),
        ({"tax_rate": None}, "may not be null"),
    ],
)
@pytest.mark.parametrize("path", ["", "preview/"])
def test_adjustments_that_make_no_sense_are_explained(
    api, customer, rate, path, fields, sentence
):
    body = body_for(customer, rate, adjustments=[adjustment(rate, **fields)])

    response = api.post(f"{API}/invoices/{path}", body)

    assert response.status_code == 400
    assert sentence in str(response.json()["errors"])
    assert not InvoiceAdjustment.objects.exists()


def test_the_tax_of_another_business_is_none(api, customer, rate):
    response = write(api, customer, rate, adjustment(TaxRateFactory()))

    assert response.status_code == 400
    assert response.json()["errors"] == {
        "adjustments": {"0": {"tax_rate": ["There is no such tax rate."]}}
    }


def test_adjustments_of_a_finalized_invoice_stay(api, draft, customer, rate):
    api.patch(url(draft), {"adjustments": [adjustment(rate)]})
    api.post(url(draft, "finalize"))

    response = api.patch(url(draft), {"adjustments": []})

    assert (response.status_code, response.json()["code"]) == (
        409,
        "invalid_transition",
    )
    assert api.get(url(draft)).json()["adjustments"][0]["tax_name"] == "VAT 19 %"
