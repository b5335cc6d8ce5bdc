import io
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from pypdf import PdfReader

from invoices import pdf
from invoices.models import Invoice, InvoiceAdjustment, TaxCategory
from invoices.services.correcting import revise_invoice, void_invoice
from invoices.services.extending import extend_invoice
from invoices.services.finalizing import finalize_invoice
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
    TaxRateFactory,
)

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def finalized(*lines, seller=None, buyer=None, **fields):
    business = BusinessFactory(
        **{"name": "Studio Nord", "tax_id": "DE123456789", **(seller or {})}
    )
    customer = CustomerFactory(
        business=business,
        **{"name": "Anna Schmidt", "tax_id": "FR40303265045", **(buyer or {})},
    )
    draft = InvoiceFactory(business=business, customer=customer, **fields)
    standard = TaxRateFactory(business=business)
    for position, line in enumerate(lines or [{}]):
        InvoiceLineFactory(
            invoice=draft, position=position, **{"tax_rate": standard, **line}
        )
    return finalize_invoice(invoice=draft, actor=None, now=NOW)


def reader(invoice):
    return PdfReader(io.BytesIO(pdf.render_invoice(invoice)))


def text(invoice):
    pages = "\n".join(page.extract_text() for page in reader(invoice).pages)
    lines = pages.replace("\xa0", " ").splitlines()
    return "\n".join(line.strip() for line in lines)


pytestmark = pytest.mark.django_db


def test_render_invoice_shows_what_an_invoice_must_show(settings):
    settings.SITE_URL = "https://pay.example"
    invoice = finalized(
        {
            "description": "Design",
            "quantity": Decimal("2.5"),
            "unit_price": Decimal(80),
        },
        {"description": "Hosting", "unit_price": Decimal("0.0125")},
        seller={"address": "Hauptstraße 1\n10115 Berlin", "footer": "HRB 12345"},
        buyer={"address": "Rue de Rivoli 1\n75001 Paris", "country": "FR"},
        reference="PO-4711",
        notes="Thank you.",
    )

    shown = text(invoice).splitlines()

    assert {
        "Studio Nord",
        "Hauptstraße 1",
        "10115 Berlin",
        "Germany",
        "Tax ID DE123456789",
        "Anna Schmidt",
        "75001 Paris",
        "France",
        "Tax ID FR 40 303 265 045",
        "INV-00001",
        "1 March 2026",
        "15 March 2026",
        "PO-4711",
        "Design",
        "2.5",
        "€80.00",
        "€200.00",
        "€0.0125",
        "€200.01",
        "VAT 19 %",
        "€38.00",
        "Total",
        "€238.01",
        "Please pay €238.01 by 15 March 2026, quoting INV-00001.",
        f"Pay online: https://pay.example/i/{invoice.link_token}/",
        "Thank you.",
        "HRB 12345",
        "INV-00001  ·  Page 1 of 1",
    } <= set(joined(shown))


def joined(lines):
    """The lines, and each with the next: the count of pages is drawn by itself."""
    return [*lines, *(f"{a} {b}" for a, b in pairwise(lines))]


def test_render_invoice_gives_the_same_bytes_whatever_happens_later():
    invoice = finalized()
    first = pdf.render_invoice(invoice)

    later = date(2026, 6, 1)
    extend_invoice(invoice=invoice, due_date=later, actor=None, now=NOW)
    void_invoice(invoice=invoice, actor=None, now=NOW)
    invoice.business.name = invoice.business.address = "Moved"
    invoice.business.save()
    invoice.customer.name = "Renamed"
    invoice.customer.save()
    rate = invoice.lines.get().tax_rate
    rate.name, rate.percent = "VAT 20 %", 20
    rate.save()

    assert pdf.render_invoice(Invoice.objects.get(pk=invoice.pk)) == first


def test_render_invoice_says_who_wrote_what_in_which_language():
    document = reader(finalized())

    assert document.metadata.title == "Invoice INV-00001"
    assert document.metadata.author == "Studio Nord"
    assert document.metadata.subject == "Invoice INV-00001 to Anna Schmidt"
    assert document.trailer["/Root"]["/Lang"] == "en"


def test_render_invoice_links_to_the_pay_page(settings):
    settings.SITE_URL = "https://pay.example"
    # As where API Gateway's own name is the site's.
    settings.FORCE_SCRIPT_NAME = "/dev"
    invoice = finalized()

    (page,) = reader(invoice).pages

    addresses = [link.get_object()["/A"]["/URI"] for link in page["/Annots"]]
    assert addresses == [
        f"https://pay.example/dev/i/{invoice.link_token}/",
        f"https://pay.example/dev/verify/{invoice.seal.code}/",
    ]


def test_render_invoice_embeds_its_fonts():
    (page,) = reader(finalized()).pages

    fonts = page["/Resources"]["/Font"].values()
    descriptors = [font.get_object().get("/FontDescriptor") for font in fonts]
    assert len(descriptors) == 2
    assert all("/FontFile2" in font.get_object() for font in descriptors)


def test_render_invoice_repeats_the_head_of_the_lines_on_every_page():
    invoice = finalized(*({"description": f"Line {n}"} for n in range(60)))

    pages = [page.extract_text() for page in reader(invoice).pages]

    assert len(pages) == 3
    assert all("Unit price" in page for page in pages)
    assert [f"Page {n} of" in page for n, page in enumerate(pages, 1)] == [True] * 3
    assert all(f"Line {n}\n" in "".join(pages) for n in range(60))


@pytest.mark.parametrize(
    ("currency", "total"),
    [("JPY", "¥119"), ("KWD", "KWD 119.000"), ("CLF", "CLF 119.0000")],
)
def test_render_invoice_writes_as_many_decimals_as_the_currency_has(currency, total):
    assert f"\nTotal\n{total}\n" in text(finalized(currency=currency))


def test_render_invoice_shows_discounts():
    invoice = finalized(
        {"discount_percent": Decimal("12.5"), "discount_amount": Decimal("7.5")},
        discount_percent=Decimal(10),
    )

    shown = text(invoice)

    assert "\nDiscount of 12.5 %\nDiscount of €7.50\n" in shown
    assert "\nSubtotal\n€80.00\nDiscount\n-€8.00\n" in shown


def test_render_invoice_says_why_there_is_no_tax():
    invoice = finalized()
    exempt = TaxRateFactory(
        business=invoice.business,
        name="Exempt",
        category=TaxCategory.EXEMPT,
        percent=0,
        note="Exempt under § 4 Nr. 21 UStG.",
    )

    shown = text(finalized({"tax_rate": exempt}, seller={}, buyer={}))

    assert "Exempt under § 4 Nr. 21 UStG." in shown
    assert "Exempt under" not in text(invoice)


def test_render_invoice_asks_for_nothing_where_nothing_is_due():
    shown = text(finalized({"discount_percent": Decimal(100)}))

    assert "There is nothing to pay." in shown
    assert "Please pay" not in shown


@pytest.mark.parametrize(
    "name",
    [
        "Łódź Żółw Gęślą Jaźń",
        "Őrült Űrhajó, Științe Măr",
        "Παράδειγμα Ωμέγα",
        "ТОВ «Приклад» Ґанок",  # noqa: RUF001 - Ukrainian
        "Công ty Nguyễn Thị Hường",
        "株式会社テスト",
        "주식회사 한국",
        "测试有限公司",
        "Zażółć 株式会社",
        "<b>Tags & “quotes”</b>",
    ],
)
def test_render_invoice_shows_names_of_many_scripts(name):
    assert name in text(finalized(buyer={"name": name})).splitlines()


def test_render_invoice_composes_letters():
    assert "José" in text(finalized(buyer={"name": "Jose\u0301"})).splitlines()


def test_render_invoice_shows_that_a_letter_is_missing():
    shown = text(finalized(buyer={"name": "A עברית 😀 B"})).splitlines()

    assert "A ����� � B" in shown


def test_render_invoice_drops_letters_without_a_shape():
    shown = text(finalized(buyer={"name": "An\u200bna\tSch\u00admidt"})).splitlines()

    assert "Anna Schmidt" in shown


def test_render_invoice_fits_whatever_people_type():
    crowded = "\n".join("x" * 250)
    invoice = finalized(
        {"description": "w" * 500},
        {"description": crowded[:500], "unit_price": Decimal("999999999.999999")},
        seller={"name": "W" * 150, "address": crowded, "footer": crowded},
        buyer={"name": "株" * 150, "address": "y" * 500, "tax_id": "z" * 50},
        notes="n" * 1500 + "\n" * 400,
        reference="r" * 100,
        currency="KWD",
    )

    shown = text(invoice)

    assert shown.count("w") >= 500
    assert shown.count("株") == 150
    assert len(reader(invoice).pages) < 20


def test_render_invoice_carries_sums_from_page_to_page():
    lines = [{"description": f"Line {n}", "unit_price": n} for n in range(1, 71)]
    invoice = finalized(*lines)

    pages = [page.extract_text().splitlines() for page in reader(invoice).pages]

    assert len(pages) == 3
    last = [max(places(page)) for page in pages]
    sums = [f"€{n * (n + 1) // 2:,}.00" for n in last]
    assert [after(page, "Carried forward") for page in pages] == [*sums[:2], None]
    assert [after(page, "Brought forward") for page in pages] == [None, *sums[:2]]
    assert sums[-1] == after(pages[-1], "Net") == "€2,485.00"


def places(page):
    """The numbers of the lines on a page."""
    return [int(line.removeprefix("Line ")) for line in page if "Line " in line]


def after(page, words):
    return page[page.index(words) + 1].strip() if words in page else None


def test_render_invoice_of_hundreds_of_lines_takes_a_page_a_time():
    invoice = finalized(*({"description": f"Line {n}"} for n in range(1, 301)))

    pages = [page.extract_text().splitlines() for page in reader(invoice).pages]

    shown = [place for page in pages for place in places(page)]
    assert shown == list(range(1, 301))
    assert pages[3][:2] == ["INV-00001  ·  Page 4 of ", "11"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", ["Rechnung", "Fällig am", "15. März 2026", "1.190,00 €", "Deutschland"]),
        ("fr", ["Facture", "Échéance", "15 mars 2026", "1 190,00 €", "Allemagne"]),
        ("es", ["Factura", "Vencimiento", "15 de marzo de 2026", "1.190,00 €"]),
        ("sv", ["Faktura", "Förfallodatum", "15 mars 2026", "1 190,00 €", "Tyskland"]),
        ("el", ["Τιμολόγιο", "15 Μαρτίου 2026", "1.190,00 €", "Γερμανία"]),
        ("pl", ["Faktura", "15 marca 2026", "1 190,00 zł", "Niemcy"]),
    ],
)
def test_render_invoice_speaks_the_customers_language(language, words):
    currency = "PLN" if language == "pl" else "EUR"
    invoice = finalized(
        {"quantity": Decimal(10)}, buyer={"language": language}, currency=currency
    )

    shown = plain(text(invoice)).splitlines()

    assert set(words) <= set(shown)
    assert reader(invoice).trailer["/Root"]["/Lang"] == language


def plain(shown):
    return shown.replace("\u202f", " ")


@pytest.mark.parametrize(
    ("buyer", "size"),
    [
        ({"country": "FR"}, (595, 842)),
        ({"country": "US"}, (612, 792)),
        ({"country": "US", "paper": "a4"}, (595, 842)),
        ({"country": "FR", "paper": "letter"}, (612, 792)),
        ({"country": ""}, (595, 842)),
    ],
)
def test_render_invoice_takes_the_customers_paper(buyer, size):
    (page,) = reader(finalized(buyer=buyer)).pages

    assert (round(page.mediabox.width), round(page.mediabox.height)) == size


def test_render_invoice_shows_how_an_amount_came_about():
    invoice = finalized(
        {
            "description": "Screws",
            "quantity": Decimal(250),
            "unit": "pcs",
            "unit_price": Decimal(8),
            "base_quantity": Decimal(100),
            "charge_amount": Decimal("1.5"),
        },
        {"description": "Returned", "quantity": Decimal(-2), "unit_price": Decimal(5)},
    )

    shown = text(invoice)

    assert "Screws\nCharge of €1.50\n250 pcs\n€8.00\nper 100 pcs\n" in shown
    assert "Returned\n-2\n€5.00\nVAT 19 %\n-€10.00\n" in shown


def test_render_invoice_shows_what_is_added_and_taken_off_to_the_payable():
    business = BusinessFactory()
    draft = InvoiceFactory(
        business=business,
        customer=CustomerFactory(business=business),
        prepaid_amount=Decimal(20),
        cash_rounding=5,
    )
    rate = TaxRateFactory(business=business)
    InvoiceLineFactory(invoice=draft, tax_rate=rate, unit_price=Decimal("100.03"))
    for reason, is_charge, percent, amount in [
        ("Shipping", True, 0, "9.90"),
        ("Loyalty", False, 2, "0"),
    ]:
        InvoiceAdjustment.objects.create(
            invoice=draft,
            reason=reason,
            is_charge=is_charge,
            percent=percent,
            amount=Decimal(amount),
            tax_rate=rate,
        )

    shown = text(finalize_invoice(invoice=draft, actor=None, now=NOW))

    assert (
        "\nSubtotal\n€100.03\nShipping\n€9.90\nLoyalty 2 %\n-€2.00\n"
        "Net\n€107.93\nTax\n€20.51\nTotal\n€128.44\n"
        "Paid before\n-€20.00\nRounding\n€0.01\nAmount due\n€108.45\n"
    ) in shown
    assert "Please pay €108.45 by" in shown


def test_render_invoice_shows_prices_that_include_tax():
    shown = text(finalized({"unit_price": Decimal(119)}, prices_include_tax=True))

    assert "Amount incl. tax" in shown
    assert "€119.00\nVAT 19 %\n€119.00\n" in shown
    assert "\nNet\n€100.00\nTax\n€19.00\nTotal\n€119.00\n" in shown


def test_render_invoice_says_what_it_replaces():
    old = finalized()

    new = revise_invoice(invoice=old, actor=None, now=NOW)
    new = finalize_invoice(invoice=new, actor=None, now=NOW)

    assert "Replaces invoice INV-00001 of 1 March 2026." in text(new)


def test_render_invoice_shows_where_goods_go():
    shown = text(finalized(buyer={"shipping_address": "Dock 4\nRotterdam"}))

    assert "Ship to\nDock 4\nRotterdam\n" in shown
    assert "Ship to" not in text(finalized())


def test_render_invoice_tells_readers_what_is_what():
    root = reader(finalized({}, {})).trailer["/Root"]

    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"Invoice INV-00001" in root["/Metadata"].get_data()
    document = root["/StructTreeRoot"]["/K"]
    kinds = [kind for kind, _ in walk(document)]
    assert kinds[:2] == ["/Document", "/P"]
    assert kinds.count("/H1") == 1
    lines = [kid for kind, kid in walk(document) if kind == "/Table"][1]
    rows = [[cell["/S"] for cell in row["/K"]] for row in lines["/K"]]
    assert rows == [["/TH"] * 5, ["/TD"] * 5, ["/TD"] * 5]
    links = [kid for kind, kid in walk(document) if kind == "/Link"]
    assert len(links) == 2
    assert all(link["/K"][-1]["/Type"] == "/OBJR" for link in links)


def test_a_table_over_pages_is_one_table_to_readers():
    document = reader(finalized(*({} for _ in range(60)))).trailer["/Root"]

    kinds = [kind for kind, _ in walk(document["/StructTreeRoot"]["/K"])]

    # The facts, the lines, the taxes, the sums.
    assert kinds.count("/Table") == 4
    # The heads of lines and taxes; and rows of facts and sums begin with theirs.
    assert kinds.count("/TH") == 5 + 4 + 2 + 3


def walk(element):
    element = element.get_object()
    if "/S" in element:
        yield element["/S"], element
        for kid in element["/K"]:
            yield from walk(kid)


def test_every_page_finds_its_structure():
    document = reader(finalized(*({} for _ in range(60))))

    numbers = document.trailer["/Root"]["/StructTreeRoot"]["/ParentTree"]["/Nums"]
    by_key = dict(zip(numbers[::2], numbers[1::2], strict=True))

    for page in document.pages:
        marked = page.get_contents().get_data().count(b"/MCID")
        assert len(by_key[page["/StructParents"]].get_object()) == marked


def test_services_do_not_load_the_pdf_library():
    program = (
        "import django, sys; django.setup(); "
        "import invoices.services.documents, invoices.services.sending, "
        "invoices.services.finalizing; "
        "sys.exit('reportlab' in sys.modules or 'babel' in sys.modules)"
    )

    result = subprocess.run(
        [sys.executable, "-c", program],
        env={"DJANGO_SETTINGS_MODULE": "config.settings"},
        check=False,
    )

    assert result.returncode == 0
