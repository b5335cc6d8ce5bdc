"""Lists that are longer than anyone reads, and what finds a row in them."""

import re
from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.admin import paging
from billing.models import Payment
from invoices.admin import searching
from invoices.models import Counter, Customer, Invoice, LedgerEntry
from invoices.services.finalizing import finalize_invoice
from tests.factories import CustomerFactory, InvoiceFactory, InvoiceLineFactory
from tests.rows import ROWS

pytestmark = pytest.mark.django_db

LIST = "/admin/invoices/invoice/"
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def shown(desk, **asked):
    return list(desk.get(LIST, asked).context["cl"].result_list)


@pytest.fixture
def invoices(business):
    northwind = CustomerFactory(
        business=business, name="Northwind Traders", email="pay@northwind.example"
    )
    of_northwind = InvoiceFactory(business=business, customer=northwind)
    ordered = InvoiceFactory(business=business, reference="PO-77-A")
    numbered = InvoiceLineFactory(invoice__business=business).invoice
    finalize_invoice(invoice=numbered, actor=None, now=NOW)
    return of_northwind, ordered, numbered


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("INV-00001", [2]),
        ("INV", [2]),
        ("00001", [2]),
        (" 001 ", [2]),
        ("0002", []),
        ("0001²", []),
        ("9" * 20, []),
        ("1" * 5000, []),
        ("PO-77", [1]),
        ("traders NORTH", [0]),
        ("pay@northwind", [0]),
        ("traders south", []),
        ("77-A", []),
        ("   ", [2, 1, 0]),
    ],
)
def test_a_search_looks_at_number_reference_and_customer(desk, invoices, text, places):
    assert shown(desk, q=text) == [invoices[place] for place in places]


def test_a_search_keeps_to_the_filters_and_to_ones_own(desk, invoices):
    elsewhere = CustomerFactory(name="Northwind Traders")
    InvoiceFactory(business=elsewhere.business, customer=elsewhere)

    assert shown(desk, q="Northwind") == [invoices[0]]
    assert shown(desk, q="Northwind", status__exact="open") == []


def test_digits_find_one_s_own_number_and_read_no_more_than_its_counter(desk, business):
    own = InvoiceLineFactory.create_batch(11, invoice__business=business)
    strange = InvoiceLineFactory.create_batch(11)
    for line in (*own, *strange):
        finalize_invoice(invoice=line.invoice, actor=None, now=NOW)

    with CaptureQueriesContext(connection) as asked:
        assert shown(desk, q="0011") == [own[10].invoice]

    (by_digits,) = (
        each["sql"] for each in asked if re.search(r"sequence\W+= 11\b", each["sql"])
    )
    assert " LIKE " not in by_digits
    assert " ORDER BY " not in by_digits
    counter = Counter.objects.get(series__business=business)
    assert re.search(rf"counter_id\W+IN \({counter.pk}\)", by_digits)


def test_a_search_shows_the_newest_of_what_it_finds_and_says_so(
    desk, business, monkeypatch
):
    monkeypatch.setattr(searching, "NEWEST", 2)
    monkeypatch.setattr(searching, "CUSTOMERS", 1)
    orders = [InvoiceFactory(business=business, reference="PO-1") for _ in range(3)]
    for name in ("Ann North", "Ben North"):
        ordered = InvoiceFactory(
            business=business, customer__business=business, customer__name=name
        )

    assert shown(desk, q="PO-1") == [orders[2], orders[1]]
    assert shown(desk, q="north") == [ordered]
    for text, times in (("PO-1", 1), ("north", 1), ("ben north", 0)):
        assert (
            desk.get(LIST, {"q": text}).text.count("More fits than is shown") == times
        )


@pytest.mark.parametrize(
    "kind", ["invoices.manualpayment", "invoices.creditnote", "billing.dispute"]
)
def test_money_is_found_by_the_digits_of_its_invoice(desk, business, kind):
    first, second = ROWS[kind](business), ROWS[kind](business)
    place = reverse(f"admin:{kind.replace('.', '_')}_changelist")
    about = [getattr(row, "payment", row).invoice for row in (first, second)]

    found = [
        list(desk.get(place, {"q": f"000{each.sequence}"}).context["cl"].result_list)
        for each in about
    ]

    assert found == [[first], [second]]


@pytest.mark.parametrize(
    ("kind", "found", "missed"),
    [
        ("billing.payment", "pi_found", "pi_foun"),
        ("billing.payment", "ch_found", "h_found"),
        ("invoices.creditnote", "FINCH harbor", "finch oak"),
    ],
)
def test_money_is_found_by_each_column_by_itself(desk, business, kind, found, missed):
    first, second = ROWS[kind](business), ROWS[kind](business)
    Payment.objects.filter(pk=first.pk).update(
        payment_intent="pi_found", charge="ch_found"
    )
    Customer.objects.filter(credit_notes=first.pk).update(name="Harbor & Finch")
    place = reverse(f"admin:{kind.replace('.', '_')}_changelist")

    shown = [
        list(desk.get(place, {"q": text}).context["cl"].result_list)
        for text in (found, missed, " ")
    ]

    assert shown == [[first], [], [second, first]]


def test_a_list_counts_to_its_bound_and_says_so(desk, business, monkeypatch):
    monkeypatch.setattr(paging, "MOST", 2)
    InvoiceFactory.create_batch(2, business=business)

    assert "2 invoices" in desk.get(LIST).text
    assert "More than" not in desk.get(LIST).text

    InvoiceFactory(business=business)
    page = desk.get(LIST)
    assert "More than 2 invoices" in page.text
    assert "2 results" not in page.text
    assert page.context["cl"].paginator.count == 2


def test_each_page_has_its_rows_in_their_order(desk, business, monkeypatch):
    monkeypatch.setattr("invoices.admin.invoices.InvoiceAdmin.list_per_page", 2)
    rows = InvoiceFactory.create_batch(5, business=business)

    assert shown(desk) == [rows[4], rows[3]]
    assert shown(desk, p=3) == [rows[0]]


def test_what_is_due_is_sorted_by_in_a_part_of_the_list(desk, invoices):
    assert "amount_due" not in desk.get(LIST).context["cl"].sortable_by
    assert "amount_due" in desk.get(LIST, {"due": "open"}).context["cl"].sortable_by


def test_invoices_are_found_by_a_range_of_days(desk, invoices):
    days = {"issue_date_from": "2026-03-01", "issue_date_to": "2026-03-01"}

    assert shown(desk, **days) == [invoices[2]]
    assert shown(desk, **days | {"issue_date_from": "2026-03-02"}) == []


def test_entries_from_before_are_told_their_business(invoices):
    name = "invoices.migrations.0015_tell_entries_their_business"
    invoice = Invoice.objects.get(pk=invoices[2].pk)
    entry = LedgerEntry.objects.create(
        invoice=invoice,
        kind="payment",
        source="pi_1",
        amount=100,
        currency="EUR",
        occurred_at=NOW,
    )

    import_module(name).fill(apps, SimpleNamespace(connection=connection))

    entry.refresh_from_db()
    assert entry.business == invoice.business
