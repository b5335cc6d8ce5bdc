from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Event, TaxRounding
from invoices import selectors
from invoices.exceptions import AmountOutOfRange, Deleted, InvalidTransition
from invoices.models import MAX_LINES, Invoice, InvoiceAdjustment, InvoiceLine
from invoices.services import drafting
from invoices.services.finalizing import finalize_invoice
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
    TaxRateFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def business():
    return BusinessFactory(currency="CHF", tax_rounding=TaxRounding.LINE)


@pytest.fixture
def customer(business):
    return CustomerFactory(business=business)


@pytest.fixture
def rate(business):
    return TaxRateFactory(business=business)


def line(rate, **fields):
    details = {"description": "Work", "unit_price": Decimal(100), "tax_rate": rate}
    return InvoiceLine(**details | fields)


def create(customer, lines=(), actor=None, adjustments=(), **fields):
    return drafting.create_draft(
        business=customer.business,
        customer=customer,
        lines=lines,
        adjustments=adjustments,
        fields=fields,
        actor=actor,
        now=NOW,
    )


def update(invoice, lines=None, adjustments=None, **fields):
    return drafting.update_draft(
        invoice=invoice,
        lines=lines,
        adjustments=adjustments,
        fields=fields,
        actor=None,
        now=NOW,
    )


def test_create_draft_takes_what_is_not_given_from_the_business(customer):
    actor = UserFactory()

    invoice = create(customer, actor=actor)

    invoice.refresh_from_db()
    assert (invoice.currency, invoice.tax_rounding) == ("CHF", TaxRounding.LINE)
    assert (invoice.number, invoice.total, invoice.created_by) == (None, None, actor)
    event = Event.objects.get()
    assert (event.type, event.subject_id) == ("invoice.created", str(invoice.public_id))


def test_create_draft_by_nobody_in_particular(customer):
    assert create(customer).created_by is None


def test_create_draft_keeps_the_order_of_lines(customer, rate):
    invoice = create(customer, [line(rate, description=name) for name in "cab"])

    lines = invoice.lines.order_by("position")
    assert [line.description for line in lines] == ["c", "a", "b"]


def test_create_draft_writes_the_fields_that_are_given(customer):
    invoice = create(
        customer,
        currency="JPY",
        tax_rounding=TaxRounding.TOTAL,
        issue_date=date(2026, 3, 2),
        due_date=date(2026, 3, 2),
        reference="PO-1",
        notes="Thanks",
        discount_percent=Decimal("2.5"),
    )

    invoice.refresh_from_db()
    assert (invoice.currency, invoice.reference) == ("JPY", "PO-1")
    assert (invoice.due_date, invoice.discount_percent) == (
        date(2026, 3, 2),
        Decimal("2.5"),
    )


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"currency": "XYZ"}, "currency"),
        ({"discount_percent": Decimal(101)}, "discount_percent"),
        ({"discount_amount": Decimal("NaN")}, "discount_amount"),
        ({"tax_rounding": "never"}, "tax_rounding"),
        ({"issue_date": date(1999, 1, 1)}, "issue_date"),
        (
            {"issue_date": date(2026, 3, 2), "due_date": date(2026, 3, 1)},
            "due_date",
        ),
    ],
)
def test_create_draft_refuses_wrong_fields(customer, fields, wrong):
    with pytest.raises(ValidationError) as refused:
        create(customer, **fields)

    assert [*refused.value.message_dict] == [wrong]
    assert (Invoice.objects.count(), Event.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"quantity": Decimal(0)}, "quantity"),
        ({"quantity": Decimal("NaN")}, "quantity"),
        ({"unit_price": Decimal("Infinity")}, "unit_price"),
        ({"unit_price": Decimal("1e100")}, "unit_price"),
        ({"unit_price": None}, "unit_price"),
        ({"description": ""}, "description"),
    ],
)
def test_create_draft_refuses_wrong_lines(customer, rate, fields, wrong):
    with pytest.raises(ValidationError) as refused:
        create(customer, [line(rate), line(rate, **fields)])

    assert [*refused.value.message_dict] == [f"lines.1.{wrong}"]
    assert Invoice.objects.count() == 0


def test_create_draft_refuses_rates_and_customers_of_others(customer, rate):
    with pytest.raises(ValidationError) as refused:
        create(customer, [line(TaxRateFactory())])
    assert refused.value.message_dict == {
        "lines.0.tax_rate": ["There is no such tax rate."]
    }

    with pytest.raises(ValidationError) as refused:
        update(create(customer), customer=CustomerFactory())
    assert refused.value.message_dict == {"customer": ["There is no such customer."]}


def test_create_draft_refuses_more_lines_than_anyone_reads(customer, rate):
    assert create(customer, [line(rate)] * MAX_LINES).lines.count() == MAX_LINES

    with pytest.raises(ValidationError, match="at most 500 lines"):
        create(customer, [line(rate)] * (MAX_LINES + 1))


def test_create_draft_refuses_what_fits_no_books(customer, rate):
    with pytest.raises(AmountOutOfRange):
        create(customer, [line(rate)], discount_amount=Decimal(101))

    assert Invoice.objects.count() == 0


def test_create_draft_knows_its_fields(customer):
    with pytest.raises(
        TypeError, match="not for a caller to set on invoice: number, status"
    ):
        create(customer, status="open", number="A-1")


def test_update_draft_keeps_lines_that_are_not_given(customer, rate):
    invoice = create(customer, [line(rate)])

    update(invoice, notes="Thanks")

    invoice.refresh_from_db()
    assert (invoice.notes, invoice.lines.count()) == ("Thanks", 1)
    assert Event.objects.latest("pk").type == "invoice.updated"


def test_update_draft_replaces_lines_that_are_given(customer, rate):
    invoice = create(customer, [line(rate), line(rate)])

    update(invoice, [line(rate, description="New")])

    assert [line.description for line in invoice.lines.all()] == ["New"]


def test_update_draft_refuses_a_discount_that_its_lines_do_not_carry(customer, rate):
    invoice = create(customer, [line(rate)])

    with pytest.raises(AmountOutOfRange):
        update(invoice, discount_amount=Decimal(101))

    invoice.refresh_from_db()
    assert invoice.discount_amount == 0


def test_update_and_delete_refuse_anything_but_a_draft():
    draft = InvoiceFactory()
    InvoiceLineFactory(invoice=draft)
    finalize_invoice(invoice=draft, actor=None, now=NOW)
    before = Event.objects.count()

    with pytest.raises(InvalidTransition, match="only a draft can be changed"):
        update(draft, notes="Thanks")
    with pytest.raises(InvalidTransition, match="only a draft can be changed"):
        drafting.delete_draft(invoice=draft, actor=None, now=NOW)

    draft.refresh_from_db()
    assert (draft.notes, Event.objects.count()) == ("", before)


def test_delete_draft_leaves_the_event(customer, rate):
    invoice = create(customer, [line(rate)])

    drafting.delete_draft(invoice=invoice, actor=None, now=NOW)

    assert (Invoice.objects.count(), InvoiceLine.objects.count()) == (0, 0)
    assert Event.objects.latest("pk").type == "invoice.deleted"


def test_draft_deleted_meanwhile_is_refused(customer):
    invoice = create(customer)
    Invoice.objects.all().delete()

    with pytest.raises(Deleted, match="deleted this draft meanwhile"):
        update(invoice, notes="Thanks")


def test_preview_draft_saves_nothing(customer, rate):
    estimate = drafting.preview_draft(
        business=customer.business,
        customer=customer,
        lines=[line(rate), line(rate)],
        fields={"currency": "JPY"},
    )

    totals = estimate.totals
    assert (estimate.currency, totals.line_nets) == ("JPY", (100, 100))
    assert (totals.net, totals.tax, totals.total) == (200, 38, 238)
    assert [tax.name for tax in estimate.taxes] == ["VAT 19 %"]
    assert (Invoice.objects.count(), Event.objects.count()) == (0, 0)


def test_preview_draft_refuses_what_create_draft_would(customer, rate):
    with pytest.raises(ValidationError):
        drafting.preview_draft(
            business=customer.business,
            customer=customer,
            lines=[line(rate, quantity=Decimal(0))],
        )


# Charges and allowances


def adjustment(rate, **fields):
    details = {"reason": "Freight", "amount": Decimal(10), "tax_rate": rate}
    return InvoiceAdjustment(**details | fields)


def test_create_draft_keeps_the_order_of_adjustments(customer, rate):
    invoice = create(
        customer,
        [line(rate)],
        adjustments=[adjustment(rate, reason=reason) for reason in "cab"],
    )

    rows = invoice.adjustments.order_by("position")
    assert [row.reason for row in rows] == ["c", "a", "b"]
    assert selectors.draft_totals(invoice, list(invoice.lines.all())).net == 13000


def test_update_draft_replaces_adjustments_only_where_they_are_given(customer, rate):
    invoice = create(customer, [line(rate)], adjustments=[adjustment(rate)])
    other = create(customer, [line(rate)], adjustments=[adjustment(rate)])

    update(invoice, [line(rate)], notes="Thanks")
    kept = list(invoice.adjustments.values_list("reason", flat=True))
    update(invoice, adjustments=[adjustment(rate, reason="Packing", percent=0)])
    replaced = list(invoice.adjustments.values_list("reason", flat=True))
    update(invoice, adjustments=[])

    assert (kept, replaced) == (["Freight"], ["Packing"])
    assert (invoice.adjustments.count(), other.adjustments.count()) == (0, 1)


@pytest.mark.parametrize(
    ("fields", "wrong", "sentence"),
    [
        ({"percent": Decimal(5)}, "amount", "Write an amount or a percentage."),
        ({"reason": ""}, "reason", "This field cannot be blank."),
        ({"percent": Decimal(101), "amount": 0}, "percent", "less than or equal to"),
        ({"amount": Decimal(-1)}, "amount", "greater than or equal to 0"),
    ],
)
def test_create_draft_refuses_adjustments_that_make_no_sense(
    customer, rate, fields, wrong, sentence
):
    with pytest.raises(ValidationError, match=sentence) as refused:
        create(
            customer,
            [line(rate)],
            adjustments=[adjustment(rate), adjustment(rate, **fields)],
        )

    assert list(refused.value.message_dict) == [f"adjustments.1.{wrong}"]
    assert not Invoice.objects.exists()


def test_create_draft_refuses_adjustments_under_the_tax_of_another_business(customer):
    with pytest.raises(ValidationError) as refused:
        create(customer, adjustments=[adjustment(TaxRateFactory())])

    assert refused.value.message_dict == {
        "adjustments.0.tax_rate": ["There is no such tax rate."]
    }


def test_create_draft_refuses_more_adjustments_than_anyone_reads(customer, rate):
    with pytest.raises(ValidationError, match="at most 50 charges and allowances"):
        create(customer, adjustments=[adjustment(rate) for _ in range(51)])


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"prepaid_amount": Decimal(-1)}, "prepaid_amount"),
        ({"cash_rounding": 101}, "cash_rounding"),
        ({"cash_rounding": -1}, "cash_rounding"),
        ({"language": "xx"}, "language"),
    ],
)
def test_create_draft_refuses_what_nobody_pays_like(customer, fields, wrong):
    with pytest.raises(ValidationError) as refused:
        create(customer, **fields)

    assert list(refused.value.message_dict) == [wrong]


def test_preview_draft_says_what_is_near_a_wanted_total(customer, rate):
    def near(**fields):
        estimate = drafting.preview_draft(
            business=customer.business,
            customer=customer,
            lines=[line(rate)],
            fields=fields,
            wanted_total=Decimal("99.99"),
        )
        return estimate.reachable

    assert near() == (9998, 10000)
    assert near(prices_include_tax=True) == (9999,)


@pytest.mark.parametrize(
    ("said", "currency"),
    [({}, "SEK"), ({"currency": ""}, "SEK"), ({"currency": "USD"}, "USD")],
)
def test_create_draft_takes_what_was_agreed_with_the_customer(business, said, currency):
    customer = CustomerFactory(
        business=business, currency="SEK", language="sv", payment_terms_days=3
    )

    draft = create(customer, [line(TaxRateFactory(business=business))], **said)
    finalized = finalize_invoice(invoice=draft, actor=None, now=NOW)

    assert finalized.currency == currency
    assert (finalized.due_date, finalized.language) == (date(2026, 3, 4), "sv")


def test_update_draft_keeps_its_currency_where_none_is_said(customer):
    draft = create(customer, currency="USD")

    assert update(draft, currency="").currency == "USD"
