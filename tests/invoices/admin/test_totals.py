"""What an invoice comes to, while it is written and afterwards."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Event
from accounts.roles import Role
from invoices.models import Invoice, InvoiceAdjustment
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    MembershipFactory,
    TaxRateFactory,
)
from tests.invoices.admin.test_invoices import typed
from tests.rows import draft, frozen

pytestmark = pytest.mark.django_db

ADD = reverse("admin:invoices_invoice_add")
NEW = reverse("admin:invoices_invoice_add_totals")


def of(invoice: Invoice) -> str:
    return reverse("admin:invoices_invoice_totals", args=[invoice.pk])


def told(client: Client, url: str, form: dict[str, Any]) -> dict[str, str]:
    response = client.post(url, form)
    assert response.status_code == 200
    return {row.label: row.amount for row in response.context.get("totals", ())}


@pytest.fixture
def rate(business):
    return TaxRateFactory(business=business)


@pytest.fixture
def line(rate):
    return {"description": "Work", "unit_price": "100", "tax_rate": rate.pk}


def test_totals_are_worked_out_while_one_writes_and_nothing_is_saved(desk, line):
    rows = told(desk, NEW, typed(line | {"quantity": "2.5"}, discount_percent="10"))

    assert rows == {
        "Lines": "€250.00",
        "Discount": "-€25.00",
        "VAT 19 %": "€42.75",
        "Total": "€267.75",
    }
    assert not Invoice.objects.exists()
    assert not Event.objects.exists()


def test_what_is_typed_beside_the_lines_counts(desk, line, rate):
    form = typed(
        line | {"base_quantity": "10", "quantity": "25", "charge_amount": "5"},
        prices_include_tax="on",
        prepaid_amount="20",
        cash_rounding="5",
        **{
            "adjustments-TOTAL_FORMS": 1,
            "adjustments-0-reason": "Freight",
            "adjustments-0-is_charge": "on",
            "adjustments-0-percent": "0",
            "adjustments-0-amount": "10.03",
            "adjustments-0-tax_rate": rate.pk,
        },
    )

    rows = told(desk, NEW, form)

    assert rows["Lines"] == "€255.00"
    assert rows["Charges and allowances"] == "€10.03"
    assert rows["Total"] == "€265.03"
    assert rows["Paid before"] == "-€20.00"
    assert rows["Rounded for cash"] == "€0.02"
    assert rows["To pay"] == "€245.05"


def test_a_line_that_is_not_complete_is_named_and_not_counted(desk, line, rate):
    half = {"description": "", "unit_price": "7", "tax_rate": rate.pk}

    response = desk.post(NEW, typed(line, half))

    assert response.context["totals"][-1].amount == "€119.00"
    assert response.context["totals_notes"] == [
        "Not saved yet.",
        "Line 2 is not complete, and not counted yet.",
    ]


def test_the_page_says_whether_the_total_that_is_wanted_can_be_reached(desk, line):
    def said(wanted: str, *lines: dict[str, Any], **more: str) -> str:
        form = typed(*lines, wanted_total=wanted, **more)
        notes: list[str] = desk.post(NEW, form).context["totals_notes"]
        return notes[0]

    assert said("119", line) == "It comes to €119.00, as wanted."
    assert said("129.71", line) == "€129.71 can be reached: that is €10.71 more."
    assert said("100", line) == "€100.00 can be reached: that is €19.00 less."
    assert said("99.99", line) == (
        "No net amount and its tax come to €99.99: next to it are €99.98 and €100.00. "
        "Prices that include tax come to any total."
    )
    assert said("99.99", line, prices_include_tax="on").endswith("less.")
    assert said("1e", line) == "Enter a number."
    for nothing in (said("", line), said("99.99")):
        assert nothing == "Not saved yet."


def test_what_comes_to_no_amount_is_said(desk, line):
    response = desk.post(NEW, typed(line, discount_amount="101"))

    assert response.context["totals_notes"] == [
        "The discount is larger than what it is taken from."
    ]


def test_a_draft_is_worked_out_as_it_would_be_saved(desk, business, line):
    invoice = draft(business)
    form = typed(line | {"quantity": "3"}, customer=invoice.customer.pk)

    assert told(desk, of(invoice), form)["Total"] == "€357.00"

    assert invoice.lines.get().quantity == 1


def test_totals_are_for_who_may_write(client, business, line):
    client.force_login(MembershipFactory(business=business, role=Role.VIEWER).user)

    assert client.post(NEW, typed(line)).status_code == 403
    assert client.post(of(draft(business)), typed(line)).status_code == 403


def test_totals_of_a_frozen_invoice_are_worked_out_no_more(desk, business, line):
    assert desk.post(of(frozen(business)), typed(line)).status_code == 403


def test_drafts_and_rates_of_another_business_are_out_of_reach(desk, line):
    foreign = TaxRateFactory(business=BusinessFactory())

    assert desk.post(of(draft(BusinessFactory())), typed(line)).status_code == 404
    response = desk.post(NEW, typed(line | {"tax_rate": foreign.pk}))
    assert "Line 1 is not complete" in response.context["totals_notes"][1]


def test_charges_are_saved_with_the_draft(desk, business, line, rate):
    customer = CustomerFactory(business=business)
    form = typed(
        line,
        customer=customer.pk,
        language="de",
        **{
            "adjustments-TOTAL_FORMS": 1,
            "adjustments-0-reason": "Loyalty",
            "adjustments-0-percent": "5",
            "adjustments-0-amount": "0",
            "adjustments-0-tax_rate": rate.pk,
        },
    )

    desk.post(ADD, form)

    invoice = Invoice.objects.get()
    adjustment = InvoiceAdjustment.objects.get(invoice=invoice)
    assert invoice.language == "de"
    assert (adjustment.reason, adjustment.percent) == ("Loyalty", Decimal(5))
    assert not adjustment.is_charge


def test_what_is_refused_of_a_charge_is_said_at_the_charge(desk, business, line, rate):
    form = typed(
        line,
        customer=CustomerFactory(business=business).pk,
        **{
            "adjustments-TOTAL_FORMS": 1,
            "adjustments-0-reason": "Both",
            "adjustments-0-percent": "5",
            "adjustments-0-amount": "5",
            "adjustments-0-tax_rate": rate.pk,
        },
    )

    response = desk.post(ADD, form)

    rows = response.context["inline_admin_formsets"][1].formset
    assert "Write an amount or a percentage." in str(rows.errors)
    assert not Invoice.objects.exists()
