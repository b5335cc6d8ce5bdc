from datetime import UTC, date, datetime

import pytest
import time_machine

from invoices.services.finalizing import finalize_invoice
from tests.factories import (
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
    MembershipFactory,
)
from tests.invoices.api.world import API, NOW, body_for, named, url

pytestmark = pytest.mark.django_db


def test_list_shows_drafts_as_they_stand_and_frozen_invoices_as_frozen(api, draft):
    frozen = InvoiceFactory(business=draft.business, customer=draft.customer)
    InvoiceLineFactory(
        invoice=frozen, unit_price=1, tax_rate=draft.lines.get().tax_rate
    )
    finalize_invoice(invoice=frozen, actor=None, now=NOW)

    newest, oldest = api.get(f"{API}/invoices/").json()["results"]

    assert (newest["number"], newest["total"]) == ("INV-00001", 119)
    assert (oldest["number"], oldest["total"]) == (None, 11900)
    assert "lines" not in newest


@pytest.mark.parametrize("kind", ["customers", "tax-rates", "invoices"])
def test_lists_ask_the_same_number_of_questions_for_one_row_and_for_three(
    api, business, kind, django_assert_num_queries
):
    def add():
        draft = InvoiceFactory(business=business)
        InvoiceLineFactory(invoice=draft)
        frozen = InvoiceFactory(business=business)
        InvoiceLineFactory(invoice=frozen)
        finalize_invoice(invoice=frozen, actor=None, now=NOW)

    questions = {"customers": 2, "tax-rates": 2, "invoices": 4}[kind]
    add()
    with django_assert_num_queries(questions):
        assert len(api.get(f"{API}/{kind}/").json()["results"]) == 2
    add()
    add()

    with django_assert_num_queries(questions):
        assert len(api.get(f"{API}/{kind}/").json()["results"]) == 6


def test_list_goes_on_where_it_ended(api, business):
    rows = [CustomerFactory(business=business) for _ in range(12)]

    first = api.get(f"{API}/customers/").json()
    second = api.get(first["next"]).json()

    ids = [row["id"] for row in first["results"] + second["results"]]
    assert ids == [str(row.public_id) for row in reversed(rows)]
    assert (len(first["results"]), second["next"]) == (10, None)


@pytest.fixture
def three(business):
    """An overdue EUR invoice of January, an open USD one of today, and a draft."""
    late, fresh = (
        InvoiceFactory(business=business, currency="EUR", issue_date=date(2026, 1, 5)),
        InvoiceFactory(business=business, currency="USD"),
    )
    for invoice in (late, fresh):
        InvoiceLineFactory(invoice=invoice)
        finalize_invoice(invoice=invoice, actor=None, now=NOW)
    draft = InvoiceFactory(business=business, currency="JPY", due_date=date(2026, 1, 1))
    return {"late": late, "fresh": fresh, "draft": draft}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=open", ["fresh", "late"]),
        ("status=open&status=draft", ["draft", "fresh", "late"]),
        ("currency=USD", ["fresh"]),
        ("number=INV-00002", ["fresh"]),
        ("overdue=true", ["late"]),
        ("overdue=false", ["draft", "fresh"]),
        ("issued_after=2026-03-01", ["fresh"]),
        ("issued_before=2026-03-01", ["late"]),
        ("issued_after=2026-01-05&issued_before=2026-01-06", ["late"]),
    ],
)
def test_invoices_are_filtered(api, three, query, names):
    found = api.get(f"{API}/invoices/?{query}").json()["results"]

    assert [row["id"] for row in found] == [str(three[n].public_id) for n in names]


def test_invoices_are_filtered_by_customer_and_business(api, owner, three):
    other = InvoiceFactory(business=MembershipFactory(user=owner).business)

    of_customer = api.get(
        f"{API}/invoices/", {"customer": str(three["late"].customer.public_id)}
    )
    of_business = api.get(
        f"{API}/invoices/", {"business": str(other.business.public_id)}
    )

    assert [row["id"] for row in of_customer.json()["results"]] == [
        str(three["late"].public_id)
    ]
    assert [row["id"] for row in of_business.json()["results"]] == [
        str(other.public_id)
    ]


def test_overdue_begins_when_the_day_ends_where_the_business_is(api, business, three):
    business.time_zone = "Pacific/Kiritimati"
    business.save()
    three["fresh"].refresh_from_db()
    due = three["fresh"].due_date

    with time_machine.travel(datetime(due.year, due.month, due.day, 11, tzinfo=UTC)):
        found = api.get(f"{API}/invoices/?overdue=true").json()["results"]

    assert [row["is_overdue"] for row in found] == [True, True]


@pytest.mark.parametrize(
    "query", ["status=lost", "customer=1", "issued_after=soon", "number=%00"]
)
def test_filters_that_make_no_sense_are_refused(api, query):
    response = api.get(f"{API}/invoices/?{query}")

    assert response.status_code == 400
    assert [*response.json()["errors"]] == [query.partition("=")[0]]


def test_a_line_without_its_tax_rate_is_refused_also_where_a_draft_is_changed(
    api, draft, rate
):
    lines = [
        {"description": "Work", "unit_price": "1"},
        {"description": "Work", "unit_price": "1", "tax_rate": str(rate.public_id)},
    ]

    response = api.patch(url(draft), {"lines": lines})

    assert response.status_code == 400
    assert response.json()["errors"] == {
        "lines": {"0": {"tax_rate": ["This field is required."]}}
    }
    assert draft.lines.get().description == "Work"


@pytest.mark.parametrize("missing", ["description", "unit_price"])
def test_a_line_that_replaces_others_is_whole(api, draft, customer, rate, missing):
    [line] = body_for(customer, rate)["lines"]
    del line[missing]

    response = api.patch(url(draft), {"lines": [line]})

    assert response.status_code == 400
    assert named(response.json()["errors"]) == [f"lines.0.{missing}"]
    assert draft.lines.get().unit_price == 100
