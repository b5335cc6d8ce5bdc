"""The books over the API: who may, what comes out, what is refused."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from rest_framework.test import APIClient

from accounts.models import Event
from accounts.roles import Role
from invoices.models import (
    MAX_LINES,
    Customer,
    Invoice,
    InvoiceLine,
    LedgerEntry,
    TaxRate,
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
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
API = "/api/v1"


@pytest.fixture(autouse=True)
def march():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def customer(business):
    return CustomerFactory(business=business, name="Anna Schmidt")


@pytest.fixture
def rate(business):
    return TaxRateFactory(business=business)


@pytest.fixture
def draft(business, customer, rate):
    invoice = InvoiceFactory(business=business, customer=customer)
    InvoiceLineFactory(invoice=invoice, tax_rate=rate)
    return invoice


def as_(role, business):
    client = APIClient()
    client.force_authenticate(MembershipFactory(business=business, role=role).user)
    return client


def body_for(customer, rate, **fields):
    line = {
        "description": "Design",
        "unit_price": "80",
        "tax_rate": str(rate.public_id),
    }
    return {"customer": str(customer.public_id), "lines": [line]} | fields


def url(row, *action):
    kind = {Customer: "customers", TaxRate: "tax-rates", Invoice: "invoices"}[type(row)]
    return "/".join([API, kind, str(row.public_id), *action, ""])


def foreign_rows():
    invoice = InvoiceFactory()
    return [invoice, invoice.customer, TaxRateFactory()]


def own_rows(business):
    invoice = InvoiceFactory(business=business)
    return [invoice, invoice.customer, TaxRateFactory(business=business)]


# Customers


def test_customer_is_written_down(api, business, owner):
    body = {"name": "Anna", "email": "anna@example.com", "country": "DE"}

    response = api.post(f"{API}/customers/", body)

    customer = Customer.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "id": str(customer.public_id),
        "business": str(business.public_id),
        "name": "Anna",
        "email": "anna@example.com",
        "address": "",
        "country": "DE",
        "tax_id": "",
        "notes": "",
        "created_at": "2026-03-01T09:30:00Z",
        "updated_at": "2026-03-01T09:30:00Z",
    }
    event = Event.objects.get()
    assert (event.type, event.actor, event.business) == (
        "customer.created",
        owner,
        business,
    )


def test_customer_is_changed(api, customer):
    response = api.patch(url(customer), {"name": "Anna Braun"})

    customer.refresh_from_db()
    assert response.json()["name"] == customer.name == "Anna Braun"


def test_customer_is_written_anew(api, customer):
    body = {"name": "Anna Braun", "email": "braun@example.com"}

    response = api.put(url(customer), body)

    customer.refresh_from_db()
    assert response.status_code == 200
    assert (customer.name, customer.email) == ("Anna Braun", "braun@example.com")


def test_customer_without_invoices_is_deleted(api, customer):
    response = api.delete(url(customer))

    assert (response.status_code, Customer.objects.count()) == (204, 0)


def test_customer_with_invoices_stays(api, draft):
    response = api.delete(url(draft.customer))

    assert response.status_code == 409
    assert response.json()["code"] == "in_use"
    assert response.json()["detail"] == (
        "There are invoices for this customer, so it cannot be deleted."
    )
    assert Customer.objects.count() == 1


def test_customers_are_searched_by_name_and_address(api, business, customer):
    CustomerFactory(business=business, name="Bert", email="bert@example.com")

    for part in ("schmidt", customer.email):
        (found,) = api.get(f"{API}/customers/", {"search": part}).json()["results"]
        assert found["id"] == str(customer.public_id)


def test_customer_stays_with_its_business(api, owner, customer):
    other = MembershipFactory(user=owner).business

    response = api.patch(url(customer), {"business": str(other.public_id)})

    assert response.status_code == 400
    assert response.json()["errors"] == {"business": ["This cannot be changed."]}


def test_who_writes_for_several_businesses_says_for_which(api, owner, business):
    MembershipFactory(user=owner)
    body = {"name": "Anna", "email": "anna@example.com"}

    refused = api.post(f"{API}/customers/", body)
    taken = api.post(f"{API}/customers/", body | {"business": str(business.public_id)})

    assert refused.json()["errors"] == {
        "business": ["You write the books of several: say of which."]
    }
    assert taken.json()["business"] == str(business.public_id)


# Tax rates


def test_tax_rate_is_written_down(api):
    response = api.post(f"{API}/tax-rates/", {"name": "VAT 7.7 %", "percent": "7.7"})

    rate = TaxRate.objects.get()
    assert response.status_code == 201
    assert response.json() | {"id": "", "business": ""} == {
        "id": "",
        "business": "",
        "name": "VAT 7.7 %",
        "category": "S",
        "percent": "7.7",
        "note": "",
        "is_active": True,
        "created_at": "2026-03-01T09:30:00Z",
        "updated_at": "2026-03-01T09:30:00Z",
    }
    assert rate.percent == Decimal("7.7")


def test_tax_rate_is_changed_and_written_anew(api, rate):
    api.patch(url(rate), {"is_active": False})
    response = api.put(url(rate), {"name": "VAT 20 %", "percent": "20"})

    rate.refresh_from_db()
    assert response.status_code == 200
    assert (rate.name, rate.percent) == ("VAT 20 %", 20)


def test_tax_rate_that_nobody_used_is_deleted(api, rate):
    assert api.delete(url(rate)).status_code == 204
    assert TaxRate.objects.count() == 0


def test_tax_rate_in_use_is_deactivated_instead(api, draft, rate):
    refused = api.delete(url(rate))
    changed = api.patch(url(rate), {"is_active": False})

    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert refused.json()["detail"].endswith("Deactivate it instead.")
    assert changed.json()["is_active"] is False


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"percent": "500"}, "percent"),
        ({"percent": "-1"}, "percent"),
        ({"percent": "NaN"}, "percent"),
        ({"percent": "1e400"}, "percent"),
        ({"category": "X"}, "category"),
        ({"name": ""}, "name"),
        ({"percent": "0", "category": "E"}, "non_field_errors"),
        ({"percent": "19", "category": "Z"}, "non_field_errors"),
    ],
)
def test_tax_rate_that_cannot_be_is_refused(api, business, fields, field):
    response = api.post(f"{API}/tax-rates/", {"name": "VAT", "percent": "19"} | fields)

    assert response.status_code == 400
    assert [*response.json()["errors"]] == [field]
    assert (TaxRate.objects.count(), Event.objects.count()) == (0, 0)


def test_tax_rates_are_filtered(api, business, rate):
    TaxRateFactory(business=business, is_active=False)

    found = api.get(f"{API}/tax-rates/", {"is_active": "true"}).json()["results"]

    assert [row["id"] for row in found] == [str(rate.public_id)]


# Drafts


def test_draft_is_written_with_its_lines(api, business, owner, customer, rate):
    body = body_for(customer, rate, reference="PO-1", discount_percent="10")

    response = api.post(f"{API}/invoices/", body)

    invoice = Invoice.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "id": str(invoice.public_id),
        "number": None,
        "status": "draft",
        "is_overdue": False,
        "business": str(business.public_id),
        "customer": str(customer.public_id),
        "customer_name": "Anna Schmidt",
        "currency": "EUR",
        "issue_date": None,
        "due_date": None,
        "reference": "PO-1",
        "notes": "",
        "discount_percent": "10",
        "discount_amount": "0",
        "tax_rounding": "total",
        "subtotal": 8000,
        "discount": 800,
        "net": 7200,
        "tax": 1368,
        "total": 8568,
        "paid": 0,
        "refunded": 0,
        "held": 0,
        "due": 0,
        "link": None,
        "link_expires_at": None,
        "seller": None,
        "buyer": None,
        "lines": [
            {
                "description": "Design",
                "quantity": "1",
                "unit_price": "80",
                "discount_percent": "0",
                "discount_amount": "0",
                "tax_rate": str(rate.public_id),
                "tax_name": "",
                "net": 8000,
            }
        ],
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
        "paid_at": None,
        "voided_at": None,
        "created_at": "2026-03-01T09:30:00Z",
        "updated_at": "2026-03-01T09:30:00Z",
    }
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
        "line_nets": [80],
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
    }
    assert (Invoice.objects.count(), Event.objects.count()) == (0, 0)


def test_lines_ask_for_all_their_rates_at_once(
    api, customer, rate, django_assert_max_num_queries
):
    body = body_for(customer, rate)
    body["lines"] *= 50

    with django_assert_max_num_queries(5):
        response = api.post(f"{API}/invoices/preview/", body)

    assert response.json()["total"] == 50 * 9520


# The life of an invoice


def test_invoice_is_finalized(api, draft, settings):
    settings.SITE_URL = "https://pay.example"

    response = api.post(url(draft, "finalize"))

    draft.refresh_from_db()
    shown = response.json()
    assert response.status_code == 200
    assert (shown["number"], shown["status"]) == ("INV-00001", "open")
    assert (shown["total"], shown["due"]) == (11900, 11900)
    assert (shown["issue_date"], shown["due_date"]) == ("2026-03-01", "2026-03-15")
    assert shown["link"] == f"https://pay.example/i/{draft.link_token}/"
    assert shown["buyer"]["name"] == "Anna Schmidt"
    assert shown["lines"][0]["net"] == shown["taxes"][0]["net"] == 10000
    assert shown["lines"][0]["tax_name"] == "VAT 19 %"


def test_invoice_is_sent(api, draft, run_tasks):
    api.post(url(draft, "finalize"))

    response = api.post(url(draft, "send"))
    run_tasks()

    assert response.json()["sent_at"] == "2026-03-01T09:30:00Z"
    assert [message.to for message in mail.outbox] == [[draft.customer.email]]


def test_invoice_is_voided(api, draft):
    api.post(url(draft, "finalize"))

    response = api.post(url(draft, "void"))

    assert (response.json()["status"], response.json()["due"]) == ("void", 0)


def test_invoice_shows_what_the_ledger_says(api, draft):
    invoice = finalize_invoice(invoice=draft, actor=None, now=NOW)
    for kind, amount in (("payment", 5000), ("refund", -1000), ("held", 70)):
        LedgerEntry.objects.create(
            invoice=invoice,
            kind=kind,
            source=kind,
            amount=amount,
            currency="EUR",
            occurred_at=NOW,
        )

    shown = api.get(url(invoice)).json()

    amounts = [shown[name] for name in ("paid", "refunded", "held", "due")]
    assert amounts == [5000, 1000, 70, 6900]


def test_document_is_the_pdf(api, draft):
    api.post(url(draft, "finalize"))

    response = api.get(url(draft, "document"), headers={"Accept": "application/pdf"})

    assert response.status_code == 200
    assert response.content.startswith(b"%PDF-")
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"] == (
        'attachment; filename="INV-00001.pdf"'
    )


def test_draft_has_no_document(api, draft):
    response = api.get(url(draft, "document"), headers={"Accept": "application/pdf"})

    assert response.status_code == 409
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(response.content)["code"] == "invalid_transition"


@pytest.mark.parametrize(
    ("status", "method", "action"),
    [
        (InvoiceStatus.OPEN, "post", ["finalize"]),
        (InvoiceStatus.VOID, "post", ["finalize"]),
        (InvoiceStatus.DRAFT, "post", ["send"]),
        (InvoiceStatus.VOID, "post", ["send"]),
        (InvoiceStatus.DRAFT, "post", ["void"]),
        (InvoiceStatus.VOID, "post", ["void"]),
        (InvoiceStatus.OPEN, "patch", []),
        (InvoiceStatus.VOID, "delete", []),
    ],
)
def test_moves_that_are_not_in_the_table_are_refused(
    api, draft, run_tasks, status, method, action
):
    if status != InvoiceStatus.DRAFT:
        api.post(url(draft, "finalize"))
    if status == InvoiceStatus.VOID:
        api.post(url(draft, "void"))
    before = Event.objects.count()

    response = getattr(api, method)(url(draft, *action))

    draft.refresh_from_db()
    assert response.status_code == 409
    assert response.json()["code"] == "invalid_transition"
    assert response.json()["detail"].startswith("This invoice is ")
    assert (draft.status, Event.objects.count()) == (status, before)


def test_invoice_without_lines_is_not_finalized(api, draft):
    draft.lines.all().delete()

    response = api.post(url(draft, "finalize"))

    assert response.status_code == 409
    assert response.json()["code"] == "nothing_to_invoice"
    assert Invoice.objects.get().is_draft


# Lists


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

    questions = {"customers": 1, "tax-rates": 1, "invoices": 2}[kind]
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
    assert list(response.json()["errors"]) == [f"lines.0.{missing}"]
    assert draft.lines.get().unit_price == 100


# Who may


def test_nobody_may_anything_without_signing_in(business):
    for row in own_rows(business):
        assert APIClient().get(url(row)).status_code == 401


def test_rows_of_another_business_are_not_there(api, business):
    for row in foreign_rows():
        listed = api.get(url(row).replace(f"{row.public_id}/", ""))
        answers = [
            getattr(api, method)(url(row)).status_code
            for method in ("get", "put", "patch", "delete")
        ]
        assert (listed.json()["results"], answers) == ([], [404] * 4)
        row.refresh_from_db()


def test_actions_on_an_invoice_of_another_business_find_nothing(api):
    invoice = foreign_rows()[0]

    for action in ("finalize", "send", "void"):
        assert api.post(url(invoice, action)).status_code == 404
    assert api.get(url(invoice, "document")).status_code == 404


def test_customers_and_rates_of_another_business_cannot_be_named(api, customer, rate):
    _, foreign_customer, foreign_rate = foreign_rows()

    for body, field in (
        (body_for(foreign_customer, rate), "customer"),
        (body_for(customer, foreign_rate), "lines"),
    ):
        for address in ("invoices", "invoices/preview"):
            response = api.post(f"{API}/{address}/", body)
            assert response.status_code == 400
            assert [*response.json()["errors"]] == [field]


def test_rates_of_another_own_business_cannot_be_named(api, owner, customer):
    other = TaxRateFactory(business=MembershipFactory(user=owner).business)

    response = api.post(f"{API}/invoices/", body_for(customer, other))

    assert response.status_code == 400
    assert response.json()["errors"] == {
        "lines.0.tax_rate": ["There is no such tax rate."]
    }


def test_business_that_is_not_ones_own_cannot_be_named(api, business):
    for id_ in (BusinessFactory().public_id, uuid4(), "x"):
        body = {"name": "A", "email": "a@example.com", "business": str(id_)}
        response = api.post(f"{API}/customers/", body)
        assert [*response.json()["errors"]] == ["business"]


def test_viewer_sees_and_writes_nothing(business):
    viewer = as_(Role.VIEWER, business)
    rows = own_rows(business)
    events = Event.objects.count()

    for row in rows:
        assert viewer.get(url(row)).status_code == 200
        answers = [
            getattr(viewer, method)(url(row)).status_code
            for method in ("put", "patch", "delete")
        ]
        assert answers == [403] * 3
    for action in ("finalize", "send", "void"):
        assert viewer.post(url(rows[0], action)).status_code == 403
    assert Event.objects.count() == events


def test_viewer_creates_nothing(business, customer, rate):
    viewer = as_(Role.VIEWER, business)
    named = {"name": "A", "email": "a@example.com", "percent": "19"}

    for address, body in (
        ("customers", named),
        ("customers", named | {"business": str(business.public_id)}),
        ("tax-rates", named),
        ("invoices", body_for(customer, rate)),
        ("invoices/preview", body_for(customer, rate)),
    ):
        response = viewer.post(f"{API}/{address}/", body)
        assert response.status_code == 403
        assert response.json()["code"] == "permission_denied"
    assert (Customer.objects.count(), Invoice.objects.count()) == (1, 0)


def test_accountant_writes(business, draft):
    accountant = as_(Role.ACCOUNTANT, business)

    assert accountant.post(url(draft, "finalize")).json()["status"] == "open"


def test_author_sees_no_books(business):
    author = as_(Role.AUTHOR, business)

    for row in own_rows(business):
        listed = author.get(url(row).replace(f"{row.public_id}/", ""))
        answers = [
            getattr(author, method)(url(row)).status_code
            for method in ("get", "patch", "delete")
        ]
        assert (listed.json()["results"], answers) == ([], [404] * 3)


# What bad input gets

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
        ({"quantity": "-1"}, "quantity"),
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
