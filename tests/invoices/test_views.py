import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from invoices.models import Document, Seal
from invoices.services.correcting import void_invoice
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.finalizing import finalize_invoice
from tests.factories import InvoiceLineFactory

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7 made up"
SHA256 = hashlib.sha256(PDF).hexdigest()


@pytest.fixture
def invoice(business, now):
    draft = InvoiceLineFactory(
        invoice__business=business, invoice__customer__name="Anna Secret"
    ).invoice
    return finalize_invoice(invoice=draft, actor=None, now=now)


@pytest.fixture
def stored(invoice):
    return Document.objects.create(
        invoice=invoice, file=f"{SHA256}.pdf", sha256=SHA256, size=len(PDF)
    )


def page(seal):
    return reverse("invoices:verify", args=[seal.code])


def pdf(content=PDF):
    return SimpleUploadedFile("invoice.pdf", content, "application/pdf")


def test_verify_says_who_issued_it_and_no_more(client, invoice, stored):
    response = client.get(page(invoice.seal))

    text = response.content.decode()
    assert response.status_code == 200
    assert response["X-Robots-Tag"] == "noindex"
    for said in ("Invoice INV-00001", invoice.business.name, "1 March 2026", SHA256):
        assert said in text
    for secret in ("Anna Secret", "119", "100.00", invoice.link_token, "Work"):
        assert secret not in text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"file": pdf()}, ">Yes: this is the PDF"),
        ({"file": pdf(PDF + b" ")}, ">No: this is not the PDF"),
        ({"file": pdf(b"")}, ">No: this is not the PDF"),
        ({"sha256": f" {SHA256.upper()} "}, ">Yes: this is the PDF"),
        ({"sha256": "0" * 64}, ">No: this is not the PDF"),
    ],
)
def test_verify_compares_what_is_handed_in(client, invoice, stored, given, says):
    if "file" in given:
        given["file"].seek(0)

    response = client.post(page(invoice.seal), given)

    assert response.status_code == 200
    assert says in response.content.decode()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "Choose the PDF, or write its SHA-256."),
        ({"sha256": "abc"}, "A SHA-256 has 64 digits"),
        ({"file": pdf(b"x" * 4_000_001)}, "larger than 4 MB"),
    ],
)
def test_verify_says_what_is_wrong_with_what_is_handed_in(
    client, invoice, stored, given, says
):
    response = client.post(page(invoice.seal), given)

    text = response.content.decode()
    assert (response.status_code, says in text) == (400, True)
    assert ">Yes: this is" not in text


def test_verify_speaks_the_language_of_the_document(client, business, now):
    draft = InvoiceLineFactory(
        invoice__business=business, invoice__language="de"
    ).invoice
    german = finalize_invoice(invoice=draft, actor=None, now=now)
    Document.objects.create(
        invoice=german, file=f"{SHA256}.pdf", sha256=SHA256, size=len(PDF)
    )

    asked = client.get(page(german.seal)).text
    same = client.post(page(german.seal), {"sha256": SHA256}).text
    nothing = client.post(page(german.seal), {})

    assert '<html lang="de">' in asked
    assert '<time datetime="2026-03-01">1. März 2026</time>' in asked
    assert ">Ja: das ist das ausgestellte PDF" in same
    assert nothing.status_code == 400
    assert "Wählen Sie das PDF aus" in nothing.text
    for english in ("Invoice", "Issued", "Compare", "The PDF", "Sign in", "Skip"):
        assert english not in asked.replace("PayMyInvoice", "")


def test_verify_of_a_document_that_is_not_rendered_yet_has_nothing_to_compare(
    client, invoice
):
    text = client.get(page(invoice.seal)).content.decode()

    assert "Its PDF is being stored" in text
    assert "<form method" not in text


def test_verify_says_that_an_invoice_is_void(client, invoice, now):
    void_invoice(invoice=invoice, actor=None, now=now)

    assert "declared void" in client.get(page(invoice.seal)).content.decode()


def test_verify_of_a_credit_note(client, invoice, now):
    note = issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Returned",
        split=Split(),
        actor=None,
        now=now,
    )

    text = client.get(page(note.seal)).content.decode()

    assert "Credit note CN-00001" in text
    assert "Returned" not in text


def test_verify_knows_no_other_codes(client, invoice):
    code = Seal.objects.get().code

    answer = client.get(reverse("invoices:verify", args=[code.swapcase()]))

    assert answer.status_code == 404
