import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pypdf import PdfReader

from invoices import pdf
from invoices.exceptions import AmountOutOfRange
from invoices.services.finalizing import finalize_invoice
from tests.factories import InvoiceFactory, InvoiceLineFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def lines(content):
    pages = PdfReader(io.BytesIO(content)).pages
    text = "\n".join(page.extract_text() for page in pages).replace("\xa0", " ")
    return [line.strip() for line in text.splitlines()]


def test_render_draft_shows_what_would_be_issued_today_and_that_it_is_not():
    draft = InvoiceFactory(discount_percent=Decimal(10), prepaid_amount=Decimal(7))
    InvoiceLineFactory(invoice=draft, description="Design")

    shown = lines(pdf.render_draft(draft, date(2026, 3, 1)))

    assert {"DRAFT", "Draft", "1 March 2026", "15 March 2026", "Design"} <= set(shown)
    assert not [line for line in shown if "Please pay" in line or "verify" in line]
    issued = lines(
        pdf.render_invoice(finalize_invoice(invoice=draft, actor=None, now=NOW))
    )
    amounts = [line for line in issued if "€" in line and "Please" not in line]
    assert [line for line in shown if "€" in line] == amounts


def test_render_draft_changes_nothing():
    draft = InvoiceFactory()
    InvoiceLineFactory(invoice=draft)

    pdf.render_draft(draft, date(2026, 3, 1))

    assert draft.total is None
    draft.refresh_from_db()
    assert (draft.total, draft.seller, draft.issue_date) == (None, None, None)
    assert draft.lines.get().net is None


def test_render_draft_refuses_what_cannot_be_worked_out():
    draft = InvoiceFactory(discount_amount=Decimal(1000))
    InvoiceLineFactory(invoice=draft)

    with pytest.raises(AmountOutOfRange):
        pdf.render_draft(draft, date(2026, 3, 1))
