from decimal import Decimal

import pytest

from accounts.models import Event
from invoices.models import Invoice, TaxRate
from tests.invoices.api.world import API, body_for, url

pytestmark = pytest.mark.django_db


def as_written(invoice, rate):
    """Everything that is said of the draft."""
    return {
        "id": str(invoice.public_id),
        "number": None,
        "status": "draft",
        "is_overdue": False,
        "business": str(invoice.business.public_id),
        "customer": str(invoice.customer.public_id),
        "customer_name": "Anna Schmidt",
        "currency": "EUR",
        "issue_date": None,
        "due_date": None,
        "reference": "PO-1",
        "notes": "",
        "discount_percent": "10",
        "discount_amount": "0",
        "tax_rounding": "total",
        "prices_include_tax": False,
        "prepaid_amount": "0",
        "cash_rounding": 0,
        "language": "",
        "subtotal": 8000,
        "discount": 800,
        "net": 7200,
        "tax": 1368,
        "total": 8568,
        "prepaid": 0,
        "rounding": 0,
        "payable": 8568,
        "paid": 0,
        "credited": 0,
        "refunded": 0,
        "disputed": 0,
        "held": 0,
        "due": 0,
        "link": None,
        "link_expires_at": None,
        "seller": None,
        "buyer": None,
        "lines": [
            {
                "position": 0,
                "description": "Design",
                "quantity": "1",
                "unit": "",
                "unit_price": "80",
                "base_quantity": "1",
                "discount_percent": "0",
                "discount_amount": "0",
                "charge_amount": "0",
                "tax_rate": str(rate.public_id),
                "tax_name": "",
                "net": 8000,
                "gross": None,
            }
        ],
        "adjustments": [],
        "manual_payments": [],
        "revises": None,
        "revision": None,
        "taxes": [
            {
                "name": "VAT 19 %",
                "category": "S",
                "percent": "19",
                "note": "",
                "net": 7200,
                "amount": 1368,
            }
        ],
        "finalized_at": None,
        "sent_at": None,
        "first_opened_at": None,
        "last_opened_at": None,
        "paid_at": None,
        "voided_at": None,
        "created_at": "2026-03-01T09:30:00Z",
        "updated_at": "2026-03-01T09:30:00Z",
    }


def test_draft_is_written_with_its_lines(api, owner, customer, rate):
    body = body_for(customer, rate, reference="PO-1", discount_percent="10")

    response = api.post(f"{API}/invoices/", body)

    invoice = Invoice.objects.get()
    assert response.status_code == 201
    assert response.json() == as_written(invoice, rate)
    assert invoice.created_by == owner
    assert Event.objects.get().type == "invoice.created"


def test_draft_lines_are_replaced_only_where_given(api, draft, rate):
    kept = api.patch(url(draft), {"notes": "Hello"}).json()
    line = {"description": "New", "unit_price": "1", "tax_rate": str(rate.public_id)}
    replaced = api.patch(url(draft), {"lines": [line, line]}).json()

    assert [line["description"] for line in kept["lines"]] == ["Work"]
    assert [line["description"] for line in replaced["lines"]] == ["New", "New"]
    assert (replaced["notes"], replaced["total"]) == ("Hello", 238)


def test_draft_written_anew_keeps_nothing_that_was_left_out(api, draft, customer, rate):
    api.patch(url(draft), {"notes": "Hello", "due_date": "2026-04-01"})

    shown = api.put(url(draft), body_for(customer, rate)).json()

    assert (shown["notes"], shown["due_date"], shown["total"]) == ("", None, 9520)


def test_draft_is_deleted(api, draft):
    response = api.delete(url(draft))

    assert (response.status_code, Invoice.objects.count()) == (204, 0)


def test_draft_whose_rate_outgrew_the_books_is_shown_without_amounts(api, draft):
    line = draft.lines.get()
    line.unit_price, line.quantity = Decimal(900_000_000_000), 11
    line.save()
    TaxRate.objects.update(percent=100)

    (shown,) = api.get(f"{API}/invoices/").json()["results"]
    detail = api.get(url(draft)).json()

    assert shown["total"] is detail["total"] is None
    assert detail["lines"][0]["net"] is None


def test_preview_works_out_and_saves_nothing(api, customer, rate):
    body = body_for(customer, rate, currency="JPY", discount_amount="5")

    response = api.post(f"{API}/invoices/preview/", body)

    assert response.status_code == 200
    assert response.json() == {
        "currency": "JPY",
        "line_amounts": [80],
        "line_nets": [80],
        "adjustment_amounts": [],
        "subtotal": 80,
        "discount": 5,
        "net": 75,
        "taxes": [
            {
                "name": "VAT 19 %",
                "category": "S",
                "percent": "19",
                "note": "",
                "net": 75,
                "amount": 14,
            }
        ],
        "tax": 14,
        "total": 89,
        "prepaid": 0,
        "rounding": 0,
        "payable": 89,
        "reachable": None,
    }
    assert (Invoice.objects.count(), Event.objects.count()) == (0, 0)


def test_lines_ask_for_all_their_rates_at_once(
    api, customer, rate, django_assert_max_num_queries
):
    body = body_for(customer, rate)
    body["lines"] *= 50

    with django_assert_max_num_queries(6):
        response = api.post(f"{API}/invoices/preview/", body)

    assert response.json()["total"] == 50 * 9520
