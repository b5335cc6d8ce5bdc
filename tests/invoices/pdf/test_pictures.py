import io
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from PIL import Image
from pypdf import PdfReader

from invoices import pdf
from invoices.pdf.pictures import QRPicture, logo, transfer
from invoices.pdf.tagging import TaggingCanvas
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


def test_the_code_is_drawn_as_it_is_encoded():
    canvas = TaggingCanvas(io.BytesIO())
    code = QRPicture("INV-00001", "A code")

    code.drawOn(canvas, 0, 0)

    corners = {
        corner: [[dark(canvas, code, x, y) for x in row] for y in column]
        for corner, (row, column) in {
            "top left": (range(7), range(7)),
            "top right": (range(-7, 0), range(7)),
            "bottom left": (range(7), range(-7, 0)),
            "bottom right": (range(-7, 0), range(-7, 0)),
        }.items()
    }
    ring = [[max(abs(x - 3), abs(y - 3)) for x in range(7)] for y in range(7)]
    finder = [[distance != 2 for distance in line] for line in ring]
    found = {corner for corner, modules in corners.items() if modules == finder}
    assert found == {"top left", "top right", "bottom left"}


def dark(canvas, code, column, row):
    """Whether a module is drawn, counted from the top left or, below zero, from the end."""
    module = code.width / len(code.modules)
    quiet = 4
    columns = [quiet + column, len(code.modules) - quiet + column]
    rows = [quiet + row, len(code.modules) - quiet + row]
    x = (columns[column < 0] + 0.5) * module
    y = code.height - (rows[row < 0] + 0.5) * module
    drawn = re.findall(r"([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re", written(canvas))
    return any(
        left < x < left + width and bottom < y < bottom + height
        for left, bottom, width, height in (map(float, each) for each in drawn)
    )


def written(canvas):
    return "\n".join(canvas._code)
