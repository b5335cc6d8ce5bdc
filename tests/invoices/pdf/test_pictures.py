import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from PIL import Image
from pypdf import PdfReader

from invoices import pdf
from invoices.pdf.pictures import logo, transfer
from invoices.services.finalizing import finalize_invoice
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
)

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SELLER = {
    "name": "Studio Nord",
    "iban": "DE89 3704 0044 0532 0130 00",
    "bic": "COBADEFF",
}


def picture(kind, mode="RGB", size=(300, 100)):
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind)
    return file.getvalue()


def page(*, image=None, **business):
    business = BusinessFactory(**business)
    if image is not None:
        business.logo.save("logo.png", ContentFile(image))
    draft = InvoiceFactory(
        business=business, customer=CustomerFactory(business=business)
    )
    InvoiceLineFactory(invoice=draft, unit_price=Decimal(100))
    invoice = finalize_invoice(invoice=draft, actor=None, now=NOW)
    (rendered,) = PdfReader(io.BytesIO(pdf.render_invoice(invoice))).pages
    return rendered


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("WEBP", "RGBA"),
    ],
)
def test_the_logo_is_drawn_whatever_it_is_made_of(kind, mode):
    (image,) = page(image=picture(kind, mode, (3000, 1000))).images

    assert (image.image.width, image.image.height) == (636, 212)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "image", [b"", b"no picture", picture("PNG")[:60], picture("JPEG")[:300]]
)
def test_a_broken_logo_is_left_out(image):
    rendered = page(image=image, name="Studio Nord")

    assert list(rendered.images) == []
    assert "Studio Nord" in rendered.extract_text()


@pytest.mark.django_db
def test_a_logo_that_is_gone_is_left_out():
    assert logo({"name": "Studio Nord", "logo": "logos/gone.png"}) is None


def test_transfer_is_what_banking_apps_read():
    assert transfer(SELLER, 123456, "EUR", "INV-00001") == (
        "BCD\n002\n1\nSCT\nCOBADEFF\nStudio Nord\nDE89370400440532013000\n"
        "EUR1234.56\n\n\nINV-00001"
    )


def test_transfer_keeps_to_the_lengths_of_the_guideline():
    content = transfer(SELLER | {"name": "Ä\n" * 90}, 99_999_999_999, "EUR", "N" * 50)

    _, _, _, _, _, name, _, amount, *_ = content.split("\n")
    assert (len(name), amount) == (70, "EUR999999999.99")
    assert len(content.encode()) <= 331


@pytest.mark.parametrize(
    ("seller", "amount", "currency"),
    [
        (SELLER, 100, "SEK"),
        (SELLER, 0, "EUR"),
        (SELLER, 100_000_000_000, "EUR"),
        (SELLER | {"iban": ""}, 100, "EUR"),
        ({"name": "Before there were bank details"}, 100, "EUR"),
    ],
)
def test_there_is_no_transfer_without_euros_and_an_account(seller, amount, currency):
    assert transfer(seller, amount, currency, "INV-00001") == ""


@pytest.mark.django_db
def test_the_code_is_beside_the_bank_details():
    shown = page(iban="DE89370400440532013000", bic="COBADEFF").extract_text()

    assert "IBAN\nDE89 3704 0044 0532 0130 00\nBIC\nCOBADEFF\n" in shown
    assert "Scan with a banking app" in shown
    assert "Scan with" not in page().extract_text()
