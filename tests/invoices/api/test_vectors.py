"""Published invoices, and what went wrong elsewhere, over the API and in the PDF."""

import io
import re
from operator import itemgetter

import pytest
from pypdf import PdfReader

from invoices import pdf
from invoices.models import Invoice
from invoices.money import format_money
from tests.factories import TaxRateFactory
from tests.invoices.api.world import API, body_for
from tests.invoices.vectors import (
    FIXTURES,
    VECTORS,
    body_of,
    can_be_finalized,
    expected_of,
    minor,
    nets_of,
    rate_of,
    shown_taxes,
    taxes_of,
)

pytestmark = pytest.mark.django_db

PUBLISHED = VECTORS["vectors"]
ISSUABLE = [vector for vector in PUBLISHED if can_be_finalized(vector)]
REFUSED = [vector for vector in PUBLISHED if not can_be_finalized(vector)]


def name_of(vector):
    return vector["id"]


def preview(api, body):
    response = api.post(f"{API}/invoices/preview/", body)
    assert response.status_code == 200, response.content
    return response.json()


def finalize(api, body):
    written = api.post(f"{API}/invoices/", body)
    assert written.status_code == 201, written.content
    address = f"{API}/invoices/{written.json()['id']}/"
    assert api.post(f"{address}finalize/").status_code == 200
    return api.get(address).json()


def printed(invoice):
    """The words of its PDF with single spaces."""
    reader = PdfReader(io.BytesIO(pdf.render_invoice(invoice)))
    return single_spaced(" ".join(page.extract_text() for page in reader.pages))


def single_spaced(text):
    return re.sub(r"\s+", " ", text)


def as_printed(amount, invoice):
    return single_spaced(format_money(amount, invoice.currency, invoice.language))


def part_of(expected, shown):
    return {name: shown[name] for name in expected}


@pytest.mark.parametrize("vector", PUBLISHED, ids=name_of)
def test_preview_agrees_with_published_invoices(api, customer, vector):
    shown = preview(api, body_of(vector, customer))

    expected = expected_of(vector)
    assert part_of(expected, shown) == expected
    assert shown["line_nets"] == nets_of(vector)
    assert shown_taxes(shown) == taxes_of(vector)


@pytest.mark.parametrize("vector", ISSUABLE, ids=name_of)
def test_finalized_invoice_agrees_with_published_ones(api, customer, vector):
    shown = finalize(api, body_of(vector, customer))

    expected = expected_of(vector)
    assert part_of(expected, shown) == expected
    assert shown["due"] == expected["payable"]
    assert [line["net"] for line in shown["lines"]] == nets_of(vector)
    assert shown_taxes(shown) == taxes_of(vector)


@pytest.mark.parametrize("vector", ISSUABLE, ids=name_of)
def test_pdf_prints_what_published_invoices_say(api, customer, vector):
    shown = finalize(api, body_of(vector, customer))
    invoice = Invoice.objects.get(public_id=shown["id"])

    words = printed(invoice)

    expected = expected_of(vector)
    for name in ("net", "tax", "total", "payable"):
        assert as_printed(expected[name], invoice) in words, name


@pytest.mark.parametrize("vector", REFUSED, ids=name_of)
def test_less_than_nothing_is_kept_as_a_draft(api, customer, vector):
    draft = api.post(f"{API}/invoices/", body_of(vector, customer)).json()

    response = api.post(f"{API}/invoices/{draft['id']}/finalize/")

    assert part_of(expected_of(vector), draft) == expected_of(vector)
    assert (response.status_code, response.json()["code"]) == (
        409,
        "nothing_to_invoice",
    )
    assert "write a credit note" in response.json()["detail"]


@pytest.mark.parametrize("vector", VECTORS["line_vectors"], ids=str)
def test_preview_agrees_with_published_lines(api, customer, rate, vector):
    line = {
        "description": "Line",
        "quantity": vector["quantity"],
        "unit_price": vector["unit_price"],
        "base_quantity": vector["price_base_quantity"],
        "charge_amount": vector["adjustment"],
        "tax_rate": str(rate.public_id),
    }

    shown = preview(
        api, body_for(customer, rate, currency=vector["currency"], lines=[line])
    )

    assert shown["line_nets"] == [
        minor(vector["expected_line_total"], vector["currency"])
    ]


@pytest.mark.parametrize("vector", VECTORS["tax_vectors"], ids=str)
def test_preview_agrees_with_published_taxes(api, business, customer, vector):
    line = {
        "description": "Line",
        "unit_price": vector["taxable"],
        "tax_rate": rate_of(business, vector | {"tax_category": "S"}),
    }
    currency = vector["currency"]

    shown = preview(
        api,
        {
            "customer": str(customer.public_id),
            "currency": currency,
            "tax_rounding": "total",
            "lines": [line],
        },
    )

    assert shown["net"] == minor(vector["taxable"], currency)
    assert shown["tax"] == minor(vector["expected_tax"], currency)


@pytest.mark.parametrize("fixture", FIXTURES, ids=itemgetter("name"))
def test_finalized_invoice_does_not_repeat_what_went_wrong_elsewhere(
    api, business, customer, fixture
):
    rate = TaxRateFactory(business=business, percent=fixture["percent"])
    expected = itemgetter("net", "tax", "total")(fixture)
    lines = [
        {
            "description": "Work",
            "unit_price": price,
            "quantity": quantity,
            "tax_rate": str(rate.public_id),
        }
        for price, quantity in fixture["lines"]
    ]
    body = body_for(customer, rate, tax_rounding="total", lines=lines)
    body |= fixture.get("fields", {})

    shown = preview(api, body)
    frozen = finalize(api, body)

    assert itemgetter("net", "tax", "total")(shown) == expected
    assert itemgetter("net", "tax", "total")(frozen) == expected
    invoice = Invoice.objects.get(public_id=frozen["id"])
    words = printed(invoice)
    for amount in expected:
        assert as_printed(amount, invoice) in words


@pytest.mark.parametrize("fields", [{}, {"prices_include_tax": True}])
def test_discount_of_a_hundred_percent_is_paid_at_once(api, customer, rate, fields):
    body = body_for(customer, rate, **fields)
    body["lines"][0] |= {
        "quantity": "2.25",
        "unit_price": "64.22",
        "discount_percent": "100",
    }

    shown = finalize(api, body)

    assert (shown["total"], shown["payable"], shown["status"]) == (0, 0, "paid")
    assert shown["paid_at"] == "2026-03-01T09:30:00Z"


@pytest.mark.parametrize(
    ("price", "wanted", "fields", "totals"),
    [
        ("84.03", "99.99", {}, [9998, 10000]),
        ("84.02", "100", {}, [10000]),
        ("99.99", "99.99", {"prices_include_tax": True}, [9999]),
        ("80", "99.99", {"currency": "JPY"}, [100]),
    ],
)
def test_preview_says_what_cannot_be_reached(
    api, customer, rate, price, wanted, fields, totals
):
    body = body_for(customer, rate, wanted_total=wanted, **fields)
    body["lines"][0]["unit_price"] = price

    assert preview(api, body)["reachable"] == totals


@pytest.mark.parametrize("wanted", ["much", "1e99", "1.23456"])
def test_preview_refuses_a_wanted_total_that_is_none(api, customer, rate, wanted):
    body = body_for(customer, rate, wanted_total=wanted)

    response = api.post(f"{API}/invoices/preview/", body)

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["wanted_total"]
