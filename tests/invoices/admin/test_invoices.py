from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Business, Event
from accounts.roles import Role
from invoices.models import Customer, Invoice, InvoiceLine, TaxRate
from invoices.services.sending import send_invoice
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
    MembershipFactory,
    TaxRateFactory,
    UserFactory,
)
from tests.invoices.admin.pressing import address, said
from tests.rows import draft, frozen, paid_in

pytestmark = pytest.mark.django_db

ADD = reverse("admin:invoices_invoice_add")


@pytest.fixture
def customer(business: Business) -> Customer:
    return CustomerFactory(business=business, name="Acme", email="acme@example.com")


@pytest.fixture
def rate(business: Business) -> TaxRate:
    return TaxRateFactory(business=business)


def typed(*lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    form = {
        "currency": "EUR",
        "tax_rounding": "total",
        "discount_percent": "0",
        "discount_amount": "0",
        "prepaid_amount": "0",
        "cash_rounding": "0",
        "adjustments-TOTAL_FORMS": 0,
        "adjustments-INITIAL_FORMS": 0,
        "lines-TOTAL_FORMS": len(lines),
        "lines-INITIAL_FORMS": sum("id" in line for line in lines),
    } | fields
    for index, line in enumerate(lines):
        values = {
            "quantity": "1",
            "base_quantity": "1",
            "discount_percent": "0",
            "discount_amount": "0",
            "charge_amount": "0",
        } | line
        form |= {f"lines-{index}-{name}": value for name, value in values.items()}
    return form


# Writing


def test_a_draft_is_written_with_its_lines(desk, owner, customer, rate):
    form = typed(
        {
            "description": "Design",
            "quantity": "2.5",
            "unit_price": "80",
            "tax_rate": rate.pk,
        },
        {"description": "Hosting", "unit_price": "9.99", "tax_rate": rate.pk},
        customer=customer.pk,
        reference="PO-7",
    )

    response = desk.post(ADD, form | {"_continue": ""}, follow=True)

    draft = Invoice.objects.get()
    assert response.redirect_chain == [(address(draft, "change"), 302)]
    assert str(draft) in said(response)[0]
    written = (draft.customer, draft.reference, draft.created_by)
    assert written == (customer, "PO-7", owner)
    assert list(draft.lines.order_by("position").values_list("description")) == [
        ("Design",),
        ("Hosting",),
    ]
    assert Event.objects.get().type == "invoice.created"


def test_rows_left_empty_are_no_lines(desk, customer):
    desk.post(ADD, typed({"quantity": "1"}, customer=customer.pk))

    assert Invoice.objects.get().lines.count() == 0


def test_a_draft_is_changed_and_its_lines_replaced(desk, customer, rate):
    invoice = InvoiceFactory(business=customer.business, customer=customer)
    kept, dropped = (
        InvoiceLineFactory(invoice=invoice, description=name, tax_rate=rate)
        for name in ("Kept", "Dropped")
    )
    form = typed(
        {
            "id": kept.pk,
            "invoice": invoice.pk,
            "description": "Kept",
            "unit_price": "5",
            "tax_rate": rate.pk,
        },
        {
            "id": dropped.pk,
            "invoice": invoice.pk,
            "description": "Dropped",
            "unit_price": "5",
            "tax_rate": rate.pk,
            "DELETE": "on",
        },
        {"description": "New", "unit_price": "7", "tax_rate": rate.pk},
        customer=customer.pk,
        notes="Thank you.",
    )

    desk.post(address(invoice, "change"), form)

    invoice.refresh_from_db()
    assert invoice.notes == "Thank you."
    assert list(
        invoice.lines.order_by("position").values_list("description", "unit_price")
    ) == [("Kept", Decimal(5)), ("New", Decimal(7))]
    assert Event.objects.get().type == "invoice.updated"


def test_the_page_behind_the_back_button_can_be_saved_again(desk, customer, rate):
    line = InvoiceLineFactory(
        invoice__business=customer.business, invoice__customer=customer, tax_rate=rate
    )
    form = typed(
        {
            "id": line.pk,
            "invoice": line.invoice.pk,
            "description": "Work",
            "unit_price": "5",
            "tax_rate": rate.pk,
        },
        customer=customer.pk,
    )
    desk.post(address(line.invoice, "change"), form)
    assert not InvoiceLine.objects.filter(pk=line.pk).exists()

    response = desk.post(address(line.invoice, "change"), form | {"reference": "PO-8"})

    assert response.status_code == 302
    assert line.invoice.lines.get().unit_price == 5
    assert Invoice.objects.get().reference == "PO-8"


def test_what_a_service_refuses_comes_back_with_all_that_was_typed(
    desk, customer, rate
):
    form = typed(
        {"description": "Work", "unit_price": "5", "tax_rate": rate.pk},
        customer=customer.pk,
        discount_amount="6",
        reference="PO-9",
    )

    response = desk.post(ADD, form)

    assert response.context["adminform"].form.non_field_errors() == [
        "The discount is larger than what it is taken from."
    ]
    assert 'value="PO-9"' in response.content.decode()
    assert 'value="Work"' in response.content.decode()
    assert not Invoice.objects.exists()
    assert not Event.objects.exists()


def test_what_a_service_refuses_of_a_field_is_said_at_the_field(desk, owner, customer):
    second = BusinessFactory()
    MembershipFactory(user=owner, business=second)

    response = desk.post(ADD, typed(customer=customer.pk, business=second.pk))

    errors = response.context["adminform"].form.errors
    assert errors == {"customer": ["There is no such customer."]}
    assert not Invoice.objects.exists()


def test_what_a_service_refuses_of_a_line_is_said_at_the_line(
    desk, owner, customer, rate
):
    elsewhere = BusinessFactory()
    MembershipFactory(user=owner, business=elsewhere)
    foreign = TaxRateFactory(business=elsewhere)
    form = typed(
        {"description": "Fine", "unit_price": "5", "tax_rate": rate.pk},
        {"description": "Wrong", "unit_price": "5", "tax_rate": foreign.pk},
        customer=customer.pk,
        business=customer.business.pk,
    )

    response = desk.post(ADD, form)

    lines = response.context["inline_admin_formsets"][0].formset
    assert lines.errors == [{}, {"tax_rate": ["There is no such tax rate."]}]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"quantity": "0"}, "A quantity is above zero, or below for what is returned."),
        (
            {"unit_price": "9" * 100},
            "Ensure that there are no more than 18 digits in total.",
        ),
        (
            {"discount_percent": "101"},
            "Ensure this value is less than or equal to 100.",
        ),
        ({"description": ""}, "This field is required."),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(desk, customer, rate, wrong, sentence):
    line = {"description": "Work", "unit_price": "5", "tax_rate": rate.pk} | wrong

    response = desk.post(ADD, typed(line, customer=customer.pk))

    assert sentence in response.context["errors"][-1]
    assert not Invoice.objects.exists()


def test_neither_customer_nor_tax_rate_of_another_business_can_be_chosen(
    desk, customer
):
    form = typed(
        {"description": "Work", "unit_price": "5", "tax_rate": TaxRateFactory().pk},
        customer=CustomerFactory().pk,
    )

    response = desk.post(ADD, form)

    lines = response.context["inline_admin_formsets"][0].formset
    assert "customer" in response.context["adminform"].form.errors
    assert "tax_rate" in lines.errors[0]


def test_tax_rates_no_longer_used_are_offered_to_drafts_that_have_them(
    desk, customer, rate
):
    old = TaxRateFactory(business=customer.business, name="Old", is_active=False)
    line = InvoiceLineFactory(
        invoice__business=customer.business, invoice__customer=customer, tax_rate=old
    )

    def choices(url: str) -> list[str]:
        formset = desk.get(url).context["inline_admin_formsets"][0].formset
        field = formset.empty_form.fields["tax_rate"]
        return [str(name) for key, name in field.choices if key]

    assert choices(ADD) == [rate.name]
    assert choices(address(line.invoice, "change")) == ["Old", rate.name]


def test_owners_of_several_businesses_say_for_which_they_write(desk, owner, customer):
    second = BusinessFactory()
    MembershipFactory(user=owner, business=second)
    other = CustomerFactory(business=second)

    desk.post(ADD, typed(customer=other.pk, business=second.pk))

    assert Invoice.objects.get().business == second


def test_operators_write_for_any_business(client, customer):
    client.force_login(UserFactory(is_superuser=True))

    initial = client.get(ADD).context["adminform"].form.initial

    assert initial["business"] == customer.business


def test_without_any_business_there_is_nothing_to_begin_with(client):
    client.force_login(UserFactory(is_superuser=True))

    assert client.get(ADD).context["adminform"].form.initial == {}


def test_a_draft_is_deleted_by_its_service(desk, business):
    invoice = draft(business)
    url = address(invoice, "delete")
    desk.get(url)
    assert Invoice.objects.count() == 1

    desk.post(url, {"post": "yes"})

    assert not Invoice.objects.exists()
    assert Event.objects.get().type == "invoice.deleted"


# Reading


def test_a_draft_shows_what_it_comes_to(desk, business):
    invoice = draft(business, quantity=2, invoice__discount_percent=10)

    totals = desk.get(address(invoice, "change")).context["totals"]

    assert [(row.label, row.amount) for row in totals] == [
        ("Lines", "€200.00"),
        ("Discount", "-€20.00"),
        ("VAT 19 %", "€34.20"),
        ("Total", "€214.20"),
    ]


def test_a_frozen_invoice_shows_what_was_paid_and_what_is_due(desk, business):
    invoice = frozen(business)
    paid_in(invoice, 1900)

    response = desk.get(address(invoice, "change"))

    assert [(row.label, row.amount) for row in response.context["totals"]] == [
        ("Lines", "€100.00"),
        ("VAT 19 %", "€19.00"),
        ("Total", "€119.00"),
        ("Paid", "-€19.00"),
        ("Due", "€100.00"),
    ]
    assert f"/i/{invoice.link_token}/" in response.content.decode()


def test_prices_of_lines_are_written_like_all_amounts(desk, business):
    changes = {"discount_percent": Decimal("2.5"), "discount_amount": 3}
    invoice = frozen(business, charge_amount=Decimal("0.125"), **changes)

    html = desk.get(address(invoice, "change")).text

    assert "-2.5 % -€3.00 +€0.125" in html
    assert ">€100.00<" in html
    assert "100 EUR" not in html


def test_a_draft_has_no_link_for_the_customer(desk, business):
    assert "customer_link" not in desk.get(address(draft(business), "change")).context


def test_what_happened_is_told_newest_first(desk, owner, business):
    invoice = frozen(business)
    send_invoice(invoice=invoice, actor=owner, now=timezone.now())

    told = desk.get(address(invoice, "change")).context["timeline"]

    assert [each.what for each in told] == ["Invoice sent", "Invoice finalized"]
    assert (told[0].who, told[0].detail) == (owner.full_name, invoice.customer.email)
    assert (told[1].who, told[1].detail) == ("", f"{invoice.number} · €119.00")


def test_a_frozen_invoice_shows_its_notes(desk, business):
    invoice = frozen(business, invoice__notes="Thank you for your order.")

    assert (
        "Thank you for your order."
        in desk.get(address(invoice, "change")).content.decode()
    )


def test_a_frozen_invoice_is_not_changed_even_by_a_forged_form(desk, business, rate):
    invoice = frozen(business)
    form = typed(
        {"description": "More", "unit_price": "5", "tax_rate": rate.pk},
        customer=invoice.customer.pk,
        reference="forged",
    )
    delete = address(invoice, "delete")

    assert desk.post(address(invoice, "change"), form).status_code == 403
    assert desk.post(delete, {"post": "yes"}).status_code == 403

    invoice.refresh_from_db()
    assert invoice.reference == ""
    assert invoice.lines.count() == 1


def test_a_frozen_invoice_has_nothing_to_fill_in(desk, business):
    html = desk.get(address(frozen(business), "change")).content.decode()

    assert 'name="customer"' not in html
    assert 'name="lines-0-description"' not in html
    assert 'name="_save"' not in html


def test_viewers_see_a_draft_and_cannot_change_it(client, business, rate):
    client.force_login(MembershipFactory(business=business, role=Role.VIEWER).user)
    invoice = draft(business)

    html = client.get(address(invoice, "change")).content.decode()

    assert "€119.00" in html
    assert 'name="lines-0-description"' not in html
    assert client.post(address(invoice, "change"), typed()).status_code == 403
