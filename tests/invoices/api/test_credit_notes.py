from decimal import Decimal

import pytest

from accounts.models import Event
from accounts.roles import Role
from invoices.models import CreditNote
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.finalizing import finalize_invoice
from invoices.services.receiving import record_payment
from tests.api import in_role
from tests.factories import InvoiceFactory, InvoiceLineFactory
from tests.invoices.api.world import API, NOW, named

pytestmark = pytest.mark.django_db

NOTES = f"{API}/credit-notes/"


def finalized(business, rate=None, **fields):
    """Two lines of 100.00 and 50.00, and tax."""
    draft = InvoiceFactory(business=business, **fields)
    for position, price in enumerate((100, 50)):
        more = {"tax_rate": rate} if rate else {}
        InvoiceLineFactory(
            invoice=draft,
            quantity=Decimal(2 - position),
            unit_price=Decimal(price),
            position=position,
            **more,
        )
    return finalize_invoice(invoice=draft, actor=None, now=NOW)


@pytest.fixture
def invoice(business, rate):
    return finalized(business, rate)


def credited(invoice):
    return issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Returned",
        split=Split(),
        actor=None,
        now=NOW,
    )


def pay(invoice, amount):
    fields = {"method": "cash", "amount": amount, "received_on": NOW.date()}
    record_payment(invoice=invoice, fields=fields, actor=None, now=NOW)


def body(to, **more):
    return {"invoice": str(to.public_id), "reason": "Returned"} | more


def test_all_of_an_invoice_is_credited(api, owner, invoice):
    response = api.post(NOTES, body(invoice))

    note = response.json()
    assert response.status_code == 201
    assert note["number"] == "CN-00001"
    assert (note["invoice"], note["invoice_number"]) == (
        str(invoice.public_id),
        invoice.number,
    )
    assert (note["net"], note["tax"], note["total"]) == (25000, 4750, 29750)
    assert (note["reduces"], note["refunds"]) == (29750, 0)
    assert [line["position"] for line in note["lines"]] == [0, 1]
    assert [(tax["net"], tax["amount"]) for tax in note["taxes"]] == [(25000, 4750)]
    shown = api.get(f"{API}/invoices/{invoice.public_id}/").json()
    assert (shown["status"], shown["credited"], shown["due"]) == ("paid", 29750, 0)
    assert CreditNote.objects.get().created_by == owner
    assert api.get(f"{NOTES}{note['id']}/").json() == note


def test_lines_are_named_by_their_position_on_the_invoice(api, invoice):
    shown = api.get(f"{API}/invoices/{invoice.public_id}/").json()
    assert [line["position"] for line in shown["lines"]] == [0, 1]

    note = api.post(
        NOTES, body(invoice, lines=[{"position": 0, "quantity": "0.5"}])
    ).json()

    assert [(line["quantity"], line["net"]) for line in note["lines"]] == [
        ("0.5", 5000)
    ]
    assert (note["total"], note["reduces"]) == (5950, 5950)


def test_a_preview_says_what_is_to_be_split_and_saves_nothing(api, invoice):
    pay(invoice, 20000)
    events = Event.objects.count()

    shown = api.post(f"{NOTES}preview/", {"invoice": str(invoice.public_id)}).json()

    assert (shown["currency"], shown["total"]) == ("EUR", 29750)
    assert (shown["reduces"], shown["excess"]) == (9750, 20000)
    assert [line["net"] for line in shown["lines"]] == [20000, 5000]
    assert [tax["amount"] for tax in shown["taxes"]] == [4750]
    assert (CreditNote.objects.count(), Event.objects.count()) == (0, events)


def test_what_is_beyond_goes_where_it_is_said(api, invoice):
    pay(invoice, 29750)

    note = api.post(NOTES, body(invoice, to_balance=29000, out_of_band=750)).json()

    assert (note["reduces"], note["to_balance"], note["out_of_band"]) == (0, 29000, 750)
    customer = api.get(f"{API}/customers/{invoice.customer.public_id}/").json()
    assert customer["balance"] == {"EUR": 29000}


@pytest.mark.parametrize(
    ("more", "errors"),
    [
        ({"reason": " "}, ["reason"]),
        ({"reason": "x" * 501}, ["reason"]),
        ({"refunds": -1}, ["refunds"]),
        ({"to_balance": 10**15 + 1}, ["to_balance"]),
        ({"lines": [{"position": 7, "quantity": "1"}]}, ["lines.0.position"]),
        (
            {
                "lines": [
                    {"position": 0, "quantity": "1"},
                    {"position": 0, "quantity": "1"},
                ]
            },
            ["lines.1.position"],
        ),
        (
            {
                "lines": [
                    {"position": 1, "quantity": "1"},
                    {"position": 0, "quantity": "2.1"},
                ]
            },
            ["lines.1.quantity"],
        ),
        ({"lines": [{"position": 0, "quantity": "NaN"}]}, ["lines.0.quantity"]),
        ({"lines": [{"position": 0, "quantity": "-1"}]}, ["lines.0.quantity"]),
        ({"lines": [{"position": 0}]}, ["lines.0.quantity"]),
        ({"lines": [{"position": 0, "quantity": "1"}] * 501}, ["lines"]),
        ({"lines": 5}, ["lines.non_field_errors"]),
    ],
)
def test_what_is_wrong_is_named(api, invoice, more, errors):
    response = api.post(NOTES, body(invoice, **more), format="json")

    assert response.status_code == 400
    assert named(response.json()["errors"]) == errors
    assert not CreditNote.objects.exists()


@pytest.mark.parametrize(
    ("paid", "more", "code"),
    [
        (29750, {}, "credit_not_split"),
        (29750, {"to_balance": 29751}, "credit_not_split"),
        (29750, {"refunds": 29750}, "refund_too_large"),
        (0, {"lines": []}, "amount_not_available"),
    ],
)
def test_what_cannot_be_has_a_code(api, invoice, paid, more, code):
    if paid:
        pay(invoice, paid)

    response = api.post(NOTES, body(invoice, **more), format="json")

    assert (response.status_code, response.json()["code"]) == (409, code)
    assert not CreditNote.objects.exists()


def test_a_draft_is_not_credited(api, business):
    draft = InvoiceFactory(business=business)

    for path in (NOTES, f"{NOTES}preview/"):
        response = api.post(path, body(draft))
        assert (response.status_code, response.json()["code"]) == (
            409,
            "invalid_transition",
        )


def test_a_list_is_filtered(api, business, rate, invoice):
    note = credited(invoice)
    other = credited(finalized(business, rate, currency="USD"))

    for query, numbers in {
        "": [other.number, note.number],
        f"?invoice={invoice.public_id}": [note.number],
        f"?customer={other.customer.public_id}": [other.number],
        "?currency=USD": [other.number],
        f"?number={note.number}": [note.number],
        "?issued_after=2026-03-02": [],
        "?issued_before=2026-03-02": [other.number, note.number],
        f"?business={business.public_id}": [other.number, note.number],
    }.items():
        results = api.get(f"{NOTES}{query}").json()["results"]
        assert [row["number"] for row in results] == numbers


def test_a_list_takes_as_many_queries_for_three_as_for_one(
    api, business, rate, invoice, django_assert_num_queries
):
    credited(invoice)
    with django_assert_num_queries(2):
        api.get(NOTES)

    for _ in range(2):
        credited(finalized(business, rate))
    with django_assert_num_queries(2):
        assert len(api.get(NOTES).json()["results"]) == 3


def test_of_another_business_there_is_nothing(api, invoice):
    foreign = credited(finalized(InvoiceFactory().business))

    assert api.get(NOTES).json()["results"] == []
    assert api.get(f"{NOTES}{foreign.public_id}/").status_code == 404
    for path in (NOTES, f"{NOTES}preview/"):
        response = api.post(path, body(foreign.invoice))
        assert [*response.json()["errors"]] == ["invoice"]
    assert CreditNote.objects.count() == 1


def test_an_invoice_that_is_no_id_is_named(api):
    response = api.post(NOTES, {"invoice": "x", "reason": "Returned"})

    assert [*response.json()["errors"]] == ["invoice"]


def test_a_viewer_reads_and_an_author_sees_nothing(business, invoice):
    note = credited(invoice)
    viewer, author = in_role(business, Role.VIEWER), in_role(business, Role.AUTHOR)

    assert viewer.get(f"{NOTES}{note.public_id}/").json()["number"] == note.number
    for path in (NOTES, f"{NOTES}preview/"):
        assert viewer.post(path, body(invoice)).status_code == 403
        assert author.post(path, body(invoice)).status_code == 400
    assert author.get(NOTES).json()["results"] == []
    assert author.get(f"{NOTES}{note.public_id}/").status_code == 404
    assert CreditNote.objects.count() == 1


def test_an_issued_note_is_not_changed_or_deleted(api, invoice):
    note = credited(invoice)

    for method in ("put", "patch", "delete"):
        answer = getattr(api, method)(f"{NOTES}{note.public_id}/")
        assert answer.status_code == 405


def test_the_document_is_a_pdf_for_those_who_may_see_it(api, business, invoice):
    note = credited(invoice)
    path = f"{NOTES}{note.public_id}/document/"

    response = api.get(path, headers={"Accept": "application/pdf"})

    assert response.content.startswith(b"%PDF-")
    assert note.number in response["Content-Disposition"]
    assert api.get(path).content == response.content
    assert in_role(business, Role.AUTHOR).get(path).status_code == 404
    assert in_role(InvoiceFactory().business, Role.OWNER).get(path).status_code == 404
