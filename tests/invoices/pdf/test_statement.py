import io
from datetime import date

import pytest
from pypdf import PdfReader

from invoices import pdf
from invoices.statements import Statement, StatementRow
from tests.factories import BusinessFactory, CustomerFactory

pytestmark = pytest.mark.django_db


def statement(rows, **customer):
    business = BusinessFactory(name="Studio Nord")
    return Statement(
        business=business,
        customer=CustomerFactory(business=business, **{"name": "Bakery", **customer}),
        currency="EUR",
        start=date(2026, 1, 1),
        end=date(2026, 3, 31),
        opening=5000,
        rows=rows,
    )


def pages(account):
    document = PdfReader(io.BytesIO(pdf.render_statement(account)))
    texts = [page.extract_text().replace("\xa0", " ") for page in document.pages]
    return [[line.strip() for line in text.splitlines()] for text in texts]


def test_render_statement_shows_each_document_and_what_was_owed_after_it():
    rows = [
        StatementRow(date(2026, 1, 7), "Invoice INV-00001", 11900, 0, 16900),
        StatementRow(date(2026, 2, 3), "Payment", 0, 6900, 10000),
    ]

    (shown,) = pages(statement(rows))

    page = "\n".join(shown)
    assert "Statement of account\n1 January 2026 – 31 March 2026\n" in page  # noqa: RUF001 - as printed
    assert "Customer\nBakery\n" in page
    assert "1 Jan 2026\nOpening balance\n€50.00\n" in page
    assert "7 Jan 2026\nInvoice INV-00001\n€119.00\n€169.00\n" in page
    assert "3 Feb 2026\nPayment\n€69.00\n€100.00\n" in page
    assert page.rstrip().endswith("Closing balance\n€100.00")


def test_render_statement_carries_the_balance_from_page_to_page():
    rows = [
        StatementRow(date(2026, 1, 7), f"Invoice {n}", 100, 0, 5000 + n * 100)
        for n in range(1, 61)
    ]

    first, *_, latest = shown = pages(statement(rows))

    assert len(shown) == 3
    carried = first[first.index("Carried forward") + 1]
    assert shown[1][shown[1].index("Brought forward") + 1] == carried
    assert carried == first[first.index("Carried forward") - 1]
    assert latest[-1] == "€110.00"


def test_render_statement_speaks_the_customers_language():
    (shown,) = pages(statement([], language="el"))

    assert {"Κατάσταση λογαριασμού", "Υπόλοιπο έναρξης", "50,00 €"} <= set(shown)


def test_render_statement_names_the_customer_in_its_own_letters_at_the_foot():
    (shown,) = pages(statement([], name="株式会社テスト ABC"))

    # Each font is a piece of its own.
    assert shown[:3] == ["Statement of account,", "株式会社テスト", "ABC  ·  Page 1 of"]
