import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pypdf import PdfReader

from invoices import pdf
from invoices.models import CreditNote
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.finalizing import finalize_invoice
from invoices.services.receiving import record_payment
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
    TaxRateFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
LATER = datetime(2026, 3, 9, 9, 30, tzinfo=UTC)


def invoice_of(price, *, buyer=None, **fields):
    business = BusinessFactory(name="Studio Nord")
    customer = CustomerFactory(business=business, **(buyer or {}))
    draft = InvoiceFactory(business=business, customer=customer, **fields)
    rate = TaxRateFactory(business=business)
    InvoiceLineFactory(
        invoice=draft,
        description="Design",
        quantity=Decimal(2),
        unit="h",
        unit_price=Decimal(price),
        tax_rate=rate,
    )
    return finalize_invoice(invoice=draft, actor=None, now=NOW)


def credited(invoice, quantity=None, **split):
    line = invoice.lines.get()
    return issue_credit_note(
        invoice=invoice,
        quantities={line.pk: Decimal(quantity)} if quantity else None,
        reason="One hour was not worked",
        split=Split(**split),
        actor=None,
        now=LATER,
    )


def reader(note):
    return PdfReader(io.BytesIO(pdf.render_credit_note(note)))


def text(note):
    pages = "\n".join(page.extract_text() for page in reader(note).pages)
    lines = pages.replace("\xa0", " ").splitlines()
    return "\n".join(line.strip() for line in lines)


def test_render_credit_note_says_what_is_taken_back_and_why(settings):
    settings.SITE_URL = "https://pay.example"
    note = credited(invoice_of(100), quantity=1)

    shown = text(note)

    assert "Credit note\nCN-00001\n" in shown
    assert "Date\n9 March 2026\n" in shown
    assert "For invoice INV-00001 of 1 March 2026.\n" in shown
    assert "Reason: One hour was not worked\n" in shown
    assert "Design\n1 h\n€100.00\nVAT 19 %\n€100.00\n" in shown
    assert "Net\n€100.00\nTax\n€19.00\nTotal\n€119.00\n" in shown
    assert "How it is used\nTaken off what is due\n€119.00\n" in shown
    assert f"https://pay.example/verify/{note.seal.code}/" in shown


def test_render_credit_note_says_where_the_money_went():
    invoice = invoice_of(100)
    fields = {"method": "cash", "amount": 20000, "received_on": date(2026, 3, 2)}
    record_payment(invoice=invoice, fields=fields, actor=None, now=LATER)

    shown = text(credited(invoice, to_balance=15000, out_of_band=5000))

    assert (
        "How it is used\nTaken off what is due\n€38.00\n"
        "Kept as your credit\n€150.00\nPaid back otherwise\n€50.00\n"
    ) in shown
    assert "Refunded by card" not in shown


def test_render_credit_note_shows_the_share_of_the_discount():
    note = credited(invoice_of(100, discount_percent=Decimal(10)), quantity=1)

    shown = text(note)

    assert (
        "Subtotal\n€100.00\nDiscounts and charges\n-€10.00\n"
        "Net\n€90.00\nTax\n€17.10\nTotal\n€107.10\n"
    ) in shown


def test_render_credit_note_shows_prices_with_tax_as_they_were_typed():
    fields = {"prices_include_tax": True, "discount_percent": Decimal(10)}
    note = credited(invoice_of(100, **fields), quantity=1)

    shown = text(note)

    assert "Design\n1 h\n€100.00\nVAT 19 %\n€100.00\n" in shown
    assert (
        "Subtotal\n€100.00\nDiscounts and charges\n-€10.00\n"
        "Net\n€75.63\nTax\n€14.37\nTotal\n€90.00\n"
    ) in shown


def test_render_credit_note_speaks_the_language_of_its_invoice():
    note = credited(invoice_of(100, buyer={"language": "de"}), quantity=1)

    shown = text(note).splitlines()

    assert {
        "Rechnungskorrektur",
        "9. März 2026",
        "Zur Rechnung INV-00001 vom 1. März 2026.",
        "119,00 €",
    } <= set(shown)
    document = reader(note)
    assert document.metadata.title == "Rechnungskorrektur CN-00001"
    assert document.trailer["/Root"]["/Lang"] == "de"


def test_render_credit_note_gives_the_same_bytes_whatever_happens_later():
    note = credited(invoice_of(100), quantity=1)
    first = pdf.render_credit_note(note)

    note.business.name = "Moved"
    note.business.save()
    credited(note.invoice)

    assert pdf.render_credit_note(CreditNote.objects.get(pk=note.pk)) == first
