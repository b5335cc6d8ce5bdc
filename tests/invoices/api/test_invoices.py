import json

import pytest
from django.core import mail

from accounts.models import Event
from invoices.models import Document, Invoice, LedgerEntry
from invoices.services.finalizing import finalize_invoice
from invoices.states import InvoiceStatus
from tests.invoices.api.world import NOW, url

pytestmark = pytest.mark.django_db


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
    for kind, amount in (
        *(("payment", 5000), ("refund", -1000), ("held", 70)),
        *(("dispute", -900), ("dispute_back", 500)),
    ):
        LedgerEntry.objects.create(
            invoice=invoice,
            kind=kind,
            source=kind,
            amount=amount,
            currency="EUR",
            occurred_at=NOW,
        )

    shown = api.get(url(invoice)).json()

    names = ("paid", "refunded", "disputed", "held", "due")
    assert [shown[name] for name in names] == [5000, 1000, 400, 70, 6900]


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


def test_draft_is_previewed_as_long_as_it_is_one(api, draft):
    preview = url(draft, "document/preview")

    shown = api.get(preview, headers={"Accept": "application/pdf"})

    assert shown.content.startswith(b"%PDF-")
    assert shown.headers["Content-Disposition"].startswith("attachment")
    assert not Document.objects.exists()
    api.post(url(draft, "finalize"))
    assert api.get(preview).json()["code"] == "invalid_transition"


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
