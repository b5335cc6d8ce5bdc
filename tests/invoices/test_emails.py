from datetime import date

import pytest

from accounts.languages import LANGUAGES
from invoices import emails
from invoices.models import LedgerEntry
from invoices.services.finalizing import finalize_invoice
from invoices.statements import statement_of
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
)

pytestmark = pytest.mark.django_db


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
    return emails.invoice_sent(invoice, ["unal@example.com"])


def reminded(invoice, today, message=""):
    return emails.reminder_sent(
        invoice, ["unal@example.com"], today=today, message=message
    )


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
        "multipart/alternative",
        "text/plain",
        "text/html",
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


def test_invoice_sent_asks_for_what_is_left(invoice, now):
    pay(invoice, 190, now)

    message = sent(invoice)

    assert "To pay by 15 March 2026: ¥1,000\nof ¥1,190\n" in message.body
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


def test_invoice_sent_speaks_the_customers_language(invoice):
    invoice.language, invoice.currency = "de", "EUR"

    message = sent(invoice)

    assert message.subject == "Rechnung INV-00001 von Łódź Studio, “A&B”"
    assert "Zu zahlen bis 15. März 2026: 11,90\N{NO-BREAK SPACE}€" in message.body
    assert '<html lang="de">' in html(message)
    assert "Ansehen und bezahlen" in html(message)
    assert "Falls der Knopf nicht funktioniert:" in html(message)


@pytest.mark.parametrize(("language", "name"), LANGUAGES)
def test_every_message_can_be_written_in_every_language(invoice, now, language, name):
    invoice.language = language
    customer = invoice.customer
    customer.language = language
    statement = statement_of(
        customer, "JPY", start=date(2026, 3, 1), end=date(2026, 3, 31)
    )

    for message in (
        sent(invoice),
        reminded(invoice, date(2026, 3, 12)),
        reminded(invoice, date(2026, 3, 15)),
        reminded(invoice, date(2026, 3, 18)),
        emails.statement_sent(statement, ["unal@example.com"]),
    ):
        for body in (message.subject, message.body, html(message)):
            assert "Łódź Studio" in body
            assert "{" not in body.partition("<body")[2]
        assert "1" in message.body
        assert f'<html lang="{language}">' in html(message)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (12, "of 1 March 2026, which is due on 15 March 2026."),
        (15, "of 1 March 2026, which is due today."),
        (16, "of 1 March 2026 was due on 15 March 2026, and is not paid yet."),
    ],
)
def test_reminder_says_how_late_it_is(invoice, day, said):
    message = reminded(invoice, date(2026, 3, day))

    assert message.subject == "Reminder: invoice INV-00001 from Łódź Studio, “A&B”"
    for body in (message.body, html(message)):
        assert said in body
        assert "Still to pay" in body
        assert "take no notice of this message" in body


def test_reminder_says_the_business_own_words_escaped(invoice):
    message = reminded(invoice, date(2026, 3, 18), "Pay <now>,\nplease.")

    assert "Pay <now>,\nplease." in message.body
    assert "Pay &lt;now&gt;,<br>please." in html(message)
    assert "was due on" not in message.body + html(message)


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (190, "Balance on 31 March 2026: ¥1,000"),
        (2190, "In your favor on 31 March 2026: ¥1,000"),
    ],
)
def test_statement_says_who_owes_whom(invoice, now, amount, said):
    pay(invoice, amount, now)
    statement = statement_of(
        invoice.customer, "JPY", start=date(2026, 3, 1), end=date(2026, 3, 31)
    )

    message = emails.statement_sent(statement, ["unal@example.com"])

    assert message.subject == "Statement of account from Łódź Studio, “A&B”"
    assert said in message.body
    # There is no page to see it on.
    assert "<a href" not in html(message)
