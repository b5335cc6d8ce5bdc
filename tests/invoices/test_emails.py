from datetime import date

import pytest
from django.core import mail

from invoices import emails
from invoices.models import LedgerEntry
from invoices.services.finalizing import finalize_invoice
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
)

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.4 a document"


@pytest.fixture
def invoice(now, settings):
    settings.SITE_URL = "https://pay.example"
    settings.DEFAULT_FROM_EMAIL = "PayMyInvoice <pay@pay.example>"
    business = BusinessFactory(name="Łódź Studio, “A&B”", email="studio@example.com")
    customer = CustomerFactory(
        business=business, name="Ünal <Söhne>", email="unal@example.com"
    )
    draft = InvoiceFactory(
        business=business,
        customer=customer,
        currency="JPY",
        due_date=date(2026, 3, 15),
    )
    InvoiceLineFactory(invoice=draft, unit_price=1000)
    return finalize_invoice(invoice=draft, actor=None, now=now)


def pay(invoice, amount, now):
    LedgerEntry.objects.create(
        invoice=invoice,
        kind=LedgerEntry.Kind.PAYMENT,
        source="pi_1",
        amount=amount,
        currency="JPY",
        occurred_at=now,
    )


def sent(invoice):
    emails.invoice_sent(invoice, PDF)
    (message,) = mail.outbox
    return message


def html(message):
    (alternative,) = message.alternatives
    assert alternative.mimetype == "text/html"
    return alternative.content


def test_invoice_sent_goes_to_the_customer_in_the_name_of_the_business(invoice):
    message = sent(invoice)

    assert message.to == ["unal@example.com"]
    assert message.reply_to == ["studio@example.com"]
    assert message.from_email == '"Łódź Studio, “A&B”" <pay@pay.example>'
    assert message.subject == "Invoice INV-00001 from Łódź Studio, “A&B”"


def test_invoice_sent_can_be_read_from_the_wire(invoice):
    wire = sent(invoice).message()

    assert wire["From"] == '"Łódź Studio, “A&B”" <pay@pay.example>'
    assert [part.get_content_type() for part in wire.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]


def test_invoice_sent_says_what_to_pay_where_and_by_when(invoice):
    message = sent(invoice)

    link = f"https://pay.example/i/{invoice.link_token}/"
    for body in (message.body, html(message)):
        assert "¥1,190" in body
        assert "15 March 2026" in body
        assert link in body


def test_invoice_sent_escapes_names_in_html_only(invoice):
    message = sent(invoice)

    assert "Hello Ünal <Söhne>," in message.body
    assert "Hello Ünal &lt;Söhne&gt;," in html(message)


def test_invoice_sent_carries_the_document(invoice):
    (attachment,) = sent(invoice).attachments

    assert attachment.filename == "INV-00001.pdf"
    assert attachment.content == PDF
    assert attachment.mimetype == "application/pdf"


def test_invoice_sent_asks_for_what_is_left(invoice, now):
    pay(invoice, 190, now)

    message = sent(invoice)

    assert "To pay:    ¥1,000\n" in message.body
    assert "of ¥1,190" in html(message)


def test_invoice_sent_asks_for_nothing_once_all_is_paid(invoice, now):
    pay(invoice, 1190, now)

    message = sent(invoice)

    for body in (message.body, html(message)):
        assert "Nothing is left to pay." in body
        assert "To pay" not in body


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028", "\x00", "\x1b"])
def test_invoice_sent_lets_no_name_into_the_headers(invoice, end):
    invoice.seller["name"] = f"A{end}Bcc: thief@example.com"

    message = sent(invoice)

    wire = message.message()
    assert wire["Bcc"] is None
    assert wire["Subject"] == "Invoice INV-00001 from A Bcc: thief@example.com"
    assert wire["From"] == '"A Bcc: thief@example.com" <pay@pay.example>'
    assert message.recipients() == ["unal@example.com"]
