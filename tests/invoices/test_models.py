from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.roles import Permission, Role
from invoices.arithmetic import Line, Tax
from invoices.models import (
    Counter,
    Customer,
    Document,
    Invoice,
    InvoiceLine,
    LedgerEntry,
    Series,
    TaxRate,
    TaxTotal,
    check_date,
    link_lifetime,
)
from invoices.services.finalizing import finalize_invoice
from invoices.states import InvoiceStatus
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
    MembershipFactory,
    TaxRateFactory,
    UserFactory,
)
from tests.unguarded import unguarded

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def finalized(**fields):
    draft = InvoiceFactory(**fields)
    InvoiceLineFactory(invoice=draft)
    return finalize_invoice(invoice=draft, actor=None, now=NOW)


def entry(invoice, kind, amount, **fields):
    details = {
        "source": f"{kind}-{LedgerEntry.objects.count()}",
        "currency": invoice.currency,
        "occurred_at": NOW,
    }
    return LedgerEntry.objects.create(
        invoice=invoice, kind=kind, amount=amount, **details | fields
    )


def refuses(constraint, change):
    # The constraints hold where the guards of frozen rows are down.
    with (
        unguarded(),
        pytest.raises(IntegrityError, match=constraint),
        transaction.atomic(),
    ):
        change()


# Whose rows


@pytest.mark.parametrize("factory", [CustomerFactory, TaxRateFactory, InvoiceFactory])
def test_for_user_is_what_the_users_businesses_own(factory):
    user = UserFactory()
    viewed = factory(business=MembershipFactory(user=user, role=Role.VIEWER).business)
    written = factory(business=MembershipFactory(user=user).business)
    factory(business=MembershipFactory(user=user, role=Role.AUTHOR).business)
    factory()
    rows = type(viewed).objects

    assert set(rows.for_user(user)) == {viewed, written}
    assert set(rows.for_user(user, Permission.WRITE_BOOKS)) == {written}


def test_drafts_are_those_not_finalized():
    draft = InvoiceFactory()
    finalized()

    assert list(Invoice.objects.drafts()) == [draft]


def test_overdue_begins_the_day_after_the_due_date():
    invoice = finalized(due_date=date(2026, 3, 15))
    InvoiceFactory(due_date=date(2026, 3, 15))
    paid = finalized(due_date=date(2026, 3, 15))
    Invoice.objects.filter(pk=paid.pk).update(status="paid", paid_at=NOW)
    days = [date(2026, 3, 15), date(2026, 3, 16)]

    assert [list(Invoice.objects.overdue(day)) for day in days] == [[], [invoice]]
    assert [invoice.is_overdue(day) for day in days] == [False, True]


@pytest.mark.parametrize(
    ("status", "due_date"), [("paid", date(2026, 1, 1)), ("open", None)]
)
def test_is_overdue_only_while_open_and_due(status, due_date):
    assert not Invoice(status=status, due_date=due_date).is_overdue(date(2027, 1, 1))


# What the ledger sums to


def amounts(invoice):
    row = Invoice.objects.with_amounts().get(pk=invoice.pk)
    return (row.paid, row.refunded, row.held, row.due)


def test_with_amounts_of_a_draft_are_nothing():
    assert amounts(InvoiceFactory()) == (0, 0, 0, 0)


def test_with_amounts_sums_the_ledger():
    invoice = finalized()
    entry(invoice, "payment", 5000)
    entry(invoice, "payment", 4000)
    entry(invoice, "refund", -3000)
    entry(invoice, "refund_failed", 1000)
    entry(invoice, "held", 70)
    entry(invoice, "held_refund", -50)
    entry(invoice, "held_refund_failed", 20)
    entry(finalized(), "payment", 1)

    assert amounts(invoice) == (9000, 2000, 40, 2900)


def test_with_amounts_leaves_out_money_of_another_currency():
    invoice = finalized()
    entry(invoice, "held", 70, currency="USD")
    entry(invoice, "payment", 5000, currency="USD")

    assert amounts(invoice) == (0, 0, 0, 11900)


def test_with_amounts_is_not_multiplied_by_other_joins():
    invoice = finalized()
    with unguarded():
        InvoiceLineFactory(invoice=invoice)
    entry(invoice, "payment", 5000)

    rows = Invoice.objects.filter(lines__description="Work").with_amounts()

    assert [row.paid for row in rows] == [5000, 5000]


def test_with_amounts_owes_nothing_back_for_too_much():
    invoice = finalized()
    entry(invoice, "payment", 20000)

    assert amounts(invoice) == (20000, 0, 0, 0)


@pytest.mark.parametrize(
    ("status", "due"),
    [("open", 11900), ("uncollectible", 11900), ("void", 0), ("paid", 0)],
)
def test_due_is_only_what_can_be_paid(status, due):
    invoice = finalized()
    Invoice.objects.filter(pk=invoice.pk).update(
        status=status,
        paid_at=NOW if status == "paid" else None,
        voided_at=NOW if status == "void" else None,
    )

    assert amounts(invoice)[3] == due


# What a row cannot be


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("tax_rate_between_0_and_100", {"percent": Decimal("100.001")}),
        ("tax_rate_between_0_and_100", {"percent": -1}),
        ("tax_rate_only_standard_has_percent", {"category": "Z", "percent": 19}),
        ("tax_rate_exemption_has_note", {"category": "E", "percent": 0}),
        ("tax_rate_exemption_has_note", {"category": "AE", "percent": 0}),
    ],
)
def test_tax_rate_refuses(constraint, fields):
    refuses(constraint, lambda: TaxRateFactory(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"percent": 0},
        {"percent": 100},
        {"category": "Z", "percent": 0},
        {"category": "E", "percent": 0, "note": "Exempt."},
    ],
)
def test_tax_rate_takes(fields):
    assert TaxRateFactory(**fields).pk


def test_series_refuses_a_second_of_its_kind_and_numbers_below_one():
    series = Series.objects.create(
        business=BusinessFactory(), kind="invoice", prefix="A-"
    )

    refuses(
        "series_once_per_kind|series_business|UNIQUE",
        lambda: Series.objects.create(
            business=series.business, kind="invoice", prefix="B-"
        ),
    )
    counter = series.counters.create()
    refuses("counter_starts_at_one", lambda: series.counters.update(next_value=0))
    refuses(
        "counter_once_per_year|counter_series|UNIQUE",
        lambda: series.counters.create(year=counter.year),
    )


@pytest.mark.parametrize(
    ("constraint", "change"),
    [
        ("invoice_frozen_exactly_when_not_draft", {"status": "open"}),
        ("invoice_frozen_exactly_when_not_draft", {"number": "A-1"}),
        ("invoice_frozen_exactly_when_not_draft", {"finalized_at": NOW}),
        ("invoice_frozen_exactly_when_not_draft", {"net": 1, "tax": 0, "total": 1}),
        ("invoice_discounts_in_range", {"discount_percent": 101}),
        ("invoice_discounts_in_range", {"discount_percent": -1}),
        ("invoice_discounts_in_range", {"discount_amount": -1}),
        (
            "invoice_not_due_before_issued",
            {"issue_date": date(2026, 3, 2), "due_date": date(2026, 3, 1)},
        ),
        ("invoice_paid_at_set_exactly_when_paid", {"paid_at": NOW}),
        ("invoice_voided_at_set_exactly_when_void", {"voided_at": NOW}),
    ],
)
def test_draft_refuses(constraint, change):
    InvoiceFactory()

    refuses(constraint, lambda: Invoice.objects.update(**change))


@pytest.mark.parametrize(
    ("constraint", "change"),
    [
        ("invoice_frozen_exactly_when_not_draft", {"status": "draft"}),
        ("invoice_frozen_exactly_when_not_draft", {"number": None}),
        ("invoice_frozen_exactly_when_not_draft", {"finalized_at": None}),
        ("invoice_frozen_exactly_when_not_draft", {"issue_date": None}),
        ("invoice_frozen_exactly_when_not_draft", {"due_date": None}),
        ("invoice_frozen_exactly_when_not_draft", {"subtotal": None}),
        ("invoice_frozen_exactly_when_not_draft", {"discount": None}),
        ("invoice_frozen_exactly_when_not_draft", {"net": None}),
        ("invoice_frozen_exactly_when_not_draft", {"tax": None}),
        ("invoice_frozen_exactly_when_not_draft", {"total": None}),
        ("invoice_frozen_exactly_when_not_draft", {"link_token": None}),
        ("invoice_status_known", {"status": "lost"}),
        ("invoice_total_is_net_and_tax", {"total": 11901}),
        ("invoice_total_is_net_and_tax", {"net": -1, "tax": 0, "total": -1}),
        ("invoice_paid_at_set_exactly_when_paid", {"status": "paid"}),
        ("invoice_voided_at_set_exactly_when_void", {"status": "void"}),
    ],
)
def test_frozen_invoice_refuses(constraint, change):
    finalized()

    refuses(constraint, lambda: Invoice.objects.update(**change))


def test_invoice_number_is_one_of_its_kind_in_a_business():
    first = finalized()
    second = finalized(business=first.business)
    other = finalized()

    refuses(
        "invoice_number_unique|number",
        lambda: Invoice.objects.filter(pk=second.pk).update(number=first.number),
    )
    assert other.number == first.number


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("invoice_line_quantities_make_sense", {"quantity": 0}),
        ("invoice_line_discounts_in_range", {"discount_percent": 101}),
        ("invoice_line_discounts_in_range", {"discount_amount": -1}),
    ],
)
def test_line_refuses(constraint, fields):
    refuses(constraint, lambda: InvoiceLineFactory(**fields))


def test_tax_total_is_one_for_a_rate():
    total = finalized().taxes.get()

    total.pk = None
    refuses("tax_total_once_per_rate|percent", total.save)


@pytest.mark.parametrize(
    ("kind", "amount"),
    [
        ("payment", -1),
        ("payment", 0),
        ("held", -1),
        ("refund", 1),
        ("refund_failed", -1),
        ("held_refund", 1),
        ("held_refund_failed", -1),
    ],
)
def test_ledger_entry_refuses_the_wrong_sign(kind, amount):
    invoice = finalized()

    refuses("ledger_entry_sign_fits_kind", lambda: entry(invoice, kind, amount))


def test_ledger_entry_is_written_once():
    invoice = finalized()
    entry(invoice, "payment", 1, source="pi_1")
    entry(invoice, "held", 1, source="pi_1")

    refuses(
        "ledger_entry_written_once|source",
        lambda: entry(invoice, "payment", 1, source="pi_1"),
    )


@pytest.mark.mysql
def test_ledger_entries_whose_sources_differ_by_case_are_two():
    invoice = finalized()

    entry(invoice, "payment", 1, source="pi_3AbC")
    entry(invoice, "payment", 1, source="pi_3aBC")

    assert amounts(invoice)[0] == 2


@pytest.mark.mysql
def test_links_that_differ_by_case_are_two():
    one, other = finalized(), finalized()
    Invoice.objects.filter(pk=one.pk).update(link_token="abc")

    Invoice.objects.filter(pk=other.pk).update(link_token="ABC")

    assert Invoice.objects.get(link_token="abc") == one


def test_what_an_invoice_names_is_not_deleted():
    invoice = finalized()
    rate = invoice.lines.get().tax_rate

    for row in (rate, invoice.customer, invoice.business):
        with pytest.raises(ProtectedError):
            row.delete()


def test_lines_go_with_their_draft():
    line = InvoiceLineFactory()

    line.invoice.delete()

    assert not InvoiceLine.objects.exists()


# What a row says of itself


def test_names_of_rows():
    invoice = finalized()
    draft = InvoiceFactory()
    rows = [
        (Customer(name="Anna"), "Anna"),
        (TaxRate(name="VAT 19 %"), "VAT 19 %"),
        (Series(kind="invoice"), "Invoices"),
        (Counter(series=Series(prefix="R-"), next_value=7), "R-00007"),
        (invoice, "INV-00001"),
        (draft, f"Draft {str(draft.public_id)[:8]}"),
        (InvoiceLine(description="x" * 60), "x" * 50),
        (TaxTotal(name="VAT", amount=19), "VAT: 19"),
        (LedgerEntry(kind="payment", source="pi_1"), "payment pi_1"),
        (Document(sha256="0123456789abcdef"), "0123456789ab"),
    ]

    assert [str(row) for row, _ in rows] == [name for _, name in rows]


@pytest.mark.parametrize(
    ("number", "name"),
    [("INV-00001", "INV-00001.pdf"), ('2026/7 "ä"', "2026-7-ä-.pdf")],
)
def test_document_name_holds_nothing_a_file_system_minds(number, name):
    assert Invoice(number=number).document_name == name


def test_status_says_what_is_possible():
    assert Invoice().is_draft
    assert not Invoice(status="open").is_draft
    payable = {s for s in InvoiceStatus if Invoice(status=s).is_payable}
    assert payable == {InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}


def test_link_is_open_until_it_expires():
    invoice = Invoice(link_expires_at=NOW)

    assert invoice.link_is_open(NOW - timedelta(seconds=1))
    assert not invoice.link_is_open(NOW)
    assert not Invoice().link_is_open(NOW)


@pytest.mark.parametrize(("days", "lifetime"), [(14, 44), (0, 30), (-5, 30)])
def test_link_lives_thirty_days_past_the_due_date(days, lifetime):
    today = date(2026, 3, 1)

    assert link_lifetime(today + timedelta(days), today) == timedelta(lifetime)


def test_line_amounts_are_what_the_arithmetic_sees():
    line = InvoiceLineFactory(quantity=2, discount_percent=10)

    assert line.amounts == Line(
        quantity=2,
        unit_price=Decimal(100),
        tax=Tax("S", Decimal(19)),
        discount_percent=10,
    )


def test_check_date_refuses_days_nobody_means():
    for day in (date(2000, 1, 1), date(2099, 12, 31)):
        check_date(day)

    for day in (date(1999, 12, 31), date(2100, 1, 1)):
        with pytest.raises(ValidationError, match="between 2000-01-01 and 2099-12-31"):
            check_date(day)
