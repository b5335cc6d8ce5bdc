"""A frozen invoice in, bytes out. Imported only by whoever renders."""

import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache, partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from babel import Locale
from babel.dates import format_date
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)

from invoices import selectors
from invoices.models import Invoice, InvoiceLine, TaxTotal
from invoices.money import format_money, format_number, format_price

LANGUAGE: Final = "en"
REGULAR, BOLD = "Roboto-Regular", "Roboto-Bold"
# East Asian letters are not embedded: readers bring these fonts. Which letters each has
# is what its country's code page has.
EAST_ASIAN: Final = {
    "HYGothic-Medium": "cp949",
    "HeiseiKakuGo-W5": "cp932",
    "STSong-Light": "gbk",
}
HANGUL: Final = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
KANA: Final = re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
# Shown where no font has the letter, so that nobody takes the gap for the name.
MISSING: Final = "\N{REPLACEMENT CHARACTER}"

MARGIN: Final = 20 * mm
WIDTH: Final = A4[0] - 2 * MARGIN
# An address or footer of more lines than this is run on, so that it fits its place.
MOST_LINES: Final = 8
INK, FADED, RULE, ACCENT, WASH = map(
    HexColor, ("#122622", "#495d57", "#d2dcd6", "#005f44", "#e3f3e9")
)

BODY = ParagraphStyle("body", fontName=REGULAR, fontSize=9, leading=13, textColor=INK)
RIGHT = ParagraphStyle("right", BODY, alignment=TA_RIGHT)
STRONG = ParagraphStyle("strong", BODY, fontName=BOLD)
STRONG_RIGHT = ParagraphStyle("strong right", STRONG, alignment=TA_RIGHT)
LABEL = ParagraphStyle("label", BODY, fontSize=8, leading=12, textColor=FADED)
LABEL_RIGHT = ParagraphStyle("label right", LABEL, alignment=TA_RIGHT)
TITLE = ParagraphStyle("title", STRONG_RIGHT, fontSize=22, leading=26)
SELLER = ParagraphStyle("seller", STRONG, fontSize=12, leading=16)
SUM = ParagraphStyle("sum", STRONG, fontSize=12, leading=16)
SUM_RIGHT = ParagraphStyle("sum right", SUM, alignment=TA_RIGHT)
FOOTER = ParagraphStyle("footer", LABEL, fontSize=7.5, leading=10.5)


def render_invoice(invoice: Invoice) -> bytes:
    """
    The PDF of a finalized invoice.

    Only what was frozen is shown: the same invoice gives the same bytes, whatever was
    paid, renamed or moved since.
    """
    buffer = io.BytesIO()
    footer = _text(_short(invoice.seller["footer"]), FOOTER)
    _, footer_height = footer.wrap(WIDTH, A4[1])
    bottom = 16 * mm + footer_height
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        invariant=1,
        lang=LANGUAGE,
        initialFontName=REGULAR,
        title=f"Invoice {invoice.number}",
        author=invoice.seller["name"],
        subject=f"Invoice {invoice.number} to {invoice.buyer['name']}",
        creator="PayMyInvoice",
    )
    frame = Frame(
        MARGIN, bottom, WIDTH, A4[1] - MARGIN - bottom, 0, 0, 0, 0, id="content"
    )
    foot = partial(_draw_foot, number=str(invoice.number), footer=footer)
    document.addPageTemplates(PageTemplate("page", [frame], onPage=foot))
    document.build(_story(invoice), canvasmaker=_CountingCanvas)
    return buffer.getvalue()


class _CountingCanvas(Canvas):
    """Every page shows how many there are, which only the end knows."""

    def save(self) -> None:
        pages = self.getPageNumber() - 1
        self.beginForm("pages")
        self.setFont(REGULAR, FOOTER.fontSize)
        self.setFillColor(FADED)
        self.drawString(0, 0, str(pages))
        self.endForm()
        super().save()


def _draw_foot(
    canvas: Canvas, document: BaseDocTemplate, *, number: str, footer: Paragraph
) -> None:
    canvas.saveState()
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    top = 13 * mm + footer.height
    canvas.line(MARGIN, top, MARGIN + WIDTH, top)
    footer.drawOn(canvas, MARGIN, 11 * mm)
    canvas.setFont(REGULAR, FOOTER.fontSize)
    canvas.setFillColor(FADED)
    before = f"{number}  ·  Page {canvas.getPageNumber()} of "
    canvas.drawString(MARGIN, 7 * mm, before)
    width = pdfmetrics.stringWidth(before, REGULAR, FOOTER.fontSize)
    canvas.translate(MARGIN + width, 7 * mm)
    canvas.doForm("pages")
    canvas.restoreState()


def _story(invoice: Invoice) -> list[Flowable]:
    lines = list(invoice.lines.order_by("position", "pk"))
    taxes = list(invoice.taxes.order_by("category", "-percent"))
    return [
        _head(invoice),
        Spacer(0, 10 * mm),
        _facts(invoice),
        Spacer(0, 8 * mm),
        _line_table(invoice, lines),
        Spacer(0, 4 * mm),
        KeepTogether([_totals(invoice), Spacer(0, 6 * mm), *_how_to_pay(invoice)]),
        Spacer(0, 6 * mm),
        KeepTogether(_tax_summary(invoice, taxes)),
        *(_text(tax.note, LABEL) for tax in taxes if tax.note),
        *_notes(invoice),
    ]


def _head(invoice: Invoice) -> Flowable:
    seller = invoice.seller
    return _table(
        [
            [
                [
                    _text(seller["name"], SELLER),
                    *_party(seller),
                    _text(seller["email"], LABEL),
                ],
                [_text("Invoice", TITLE), _text(str(invoice.number), STRONG_RIGHT)],
            ]
        ],
        [WIDTH * 0.6, WIDTH * 0.4],
    )


def _party(party: dict[str, str]) -> Iterable[Paragraph]:
    if party["address"]:
        yield _text(_short(party["address"]), LABEL)
    if party["country"]:
        names = Locale.parse(LANGUAGE).territories
        yield _text(names.get(party["country"], party["country"]), LABEL)
    if party["tax_id"]:
        yield _text(f"Tax ID {party['tax_id']}", LABEL)


def _facts(invoice: Invoice) -> Flowable:
    facts = [("Issued", _day(invoice.issue_date)), ("Due", _day(invoice.due_date))]
    if invoice.reference:
        facts.append(("Your reference", invoice.reference))
    of_invoice = _table(
        [[_text(name, LABEL), _text(value, RIGHT)] for name, value in facts],
        [WIDTH * 0.15, WIDTH * 0.25],
    )
    bill_to = [
        _text("Bill to", LABEL),
        _text(invoice.buyer["name"], STRONG),
        *_party(invoice.buyer),
    ]
    return _table([[bill_to, of_invoice]], [WIDTH * 0.6, WIDTH * 0.4])


def _line_table(invoice: Invoice, lines: list[InvoiceLine]) -> Flowable:
    names = ("Description", "Quantity", "Unit price", "Tax", "Amount")
    styles = (LABEL, LABEL_RIGHT, LABEL_RIGHT, LABEL_RIGHT, LABEL_RIGHT)
    head = [_text(name, style) for name, style in zip(names, styles, strict=True)]
    rows = [
        [
            _described(invoice, line),
            _text(format_number(line.quantity), RIGHT),
            _text(format_price(line.unit_price, invoice.currency), RIGHT),
            _text(line.tax_name, RIGHT),
            _text(_money(invoice, line.net), RIGHT),
        ]
        for line in lines
    ]
    widths = [WIDTH * share for share in (0.40, 0.12, 0.17, 0.13, 0.18)]
    looks = [
        ("LINEBELOW", (0, 0), (-1, 0), 1, INK),
        ("LINEBELOW", (0, 1), (-1, -1), 0.5, RULE),
        ("TOPPADDING", (0, 1), (-1, -1), 5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
        ("LEFTPADDING", (1, 0), (-1, -1), 6),
    ]
    return _table([head, *rows], widths, looks, repeatRows=1)


def _described(invoice: Invoice, line: InvoiceLine) -> list[Paragraph]:
    described = [_text(_short(line.description), BODY)]
    if line.discount_percent:
        percent = format_number(line.discount_percent)
        described.append(_text(f"Discount of {percent} %", LABEL))
    if line.discount_amount:
        amount = format_price(line.discount_amount, invoice.currency)
        described.append(_text(f"Discount of {amount}", LABEL))
    return described


def _totals(invoice: Invoice) -> Flowable:
    rows = []
    if invoice.discount:
        rows = [
            ("Subtotal", _money(invoice, invoice.subtotal)),
            ("Discount", _money(invoice, -invoice.discount)),
        ]
    rows += [
        ("Net", _money(invoice, invoice.net)),
        ("Tax", _money(invoice, invoice.tax)),
    ]
    cells: list[list[Any]] = [
        ["", _text(name, BODY), _text(amount, RIGHT)] for name, amount in rows
    ]
    total = _text(_money(invoice, invoice.total), SUM_RIGHT)
    looks = [
        ("LINEABOVE", (1, -1), (-1, -1), 1, INK),
        ("TOPPADDING", (0, -1), (-1, -1), 5),
        ("BOTTOMPADDING", (0, -2), (-1, -2), 5),
    ]
    return _table(
        [*cells, ["", _text("Total", SUM), total]],
        [WIDTH * 0.5, WIDTH * 0.15, WIDTH * 0.35],
        looks,
    )


def _how_to_pay(invoice: Invoice) -> list[Flowable]:
    link = selectors.customer_link(invoice)
    anchor = f'<a href="{escape(link)}" color="{ACCENT.hexval()}">{{}}</a>'
    if not invoice.total:
        sentence, call = "There is nothing to pay.", "See it online:"
    else:
        amount, day = _money(invoice, invoice.total), _day(invoice.due_date)
        sentence = f"Please pay {amount} by {day}, quoting {invoice.number}."
        call = "Pay online:"
    cell = [
        _text(sentence, STRONG),
        Paragraph(f"{call} {anchor.format(escape(link))}", BODY),
    ]
    looks = [
        ("BACKGROUND", (0, 0), (-1, -1), WASH),
        ("LINEBEFORE", (0, 0), (0, -1), 2, ACCENT),
        ("LEFTPADDING", (0, 0), (-1, -1), 10),
        ("RIGHTPADDING", (0, 0), (-1, -1), 10),
        ("TOPPADDING", (0, 0), (-1, -1), 8),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
    ]
    return [_table([[cell]], [WIDTH], looks)]


def _tax_summary(invoice: Invoice, taxes: list[TaxTotal]) -> list[Flowable]:
    head = [
        _text("Tax", LABEL),
        _text("Rate", LABEL_RIGHT),
        _text("On", LABEL_RIGHT),
        _text("Amount", LABEL_RIGHT),
    ]
    rows = [
        [
            _text(tax.name, BODY),
            _text(f"{format_number(tax.percent)} %", RIGHT),
            _text(_money(invoice, tax.net), RIGHT),
            _text(_money(invoice, tax.amount), RIGHT),
        ]
        for tax in taxes
    ]
    looks = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, RULE),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
    widths = [WIDTH * share for share in (0.46, 0.14, 0.20, 0.20)]
    return [_table([head, *rows], widths, looks), Spacer(0, 2 * mm)]


def _notes(invoice: Invoice) -> list[Flowable]:
    if not invoice.notes:
        return []
    return [
        Spacer(0, 4 * mm),
        *(_text(line, BODY) for line in invoice.notes.splitlines()),
    ]


def _table(
    rows: list[list[Any]],
    widths: list[float],
    looks: Iterable[tuple[Any, ...]] = (),
    **options: Any,
) -> Table:
    plain = [
        ("FONTNAME", (0, 0), (-1, -1), REGULAR),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 0),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
    ]
    return Table(rows, widths, style=[*plain, *looks], **options)


def _money(invoice: Invoice, amount: int | None) -> str:
    return format_money(amount or 0, invoice.currency)


def _day(day: date | None) -> str:
    return format_date(day, "d MMMM y", LANGUAGE)


def _short(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    rest = ", ".join(lines[MOST_LINES - 1 :])
    return "\n".join([*lines[: MOST_LINES - 1], rest] if rest else lines)


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    """Plain text, each letter in a font that has it."""
    letters = [(char, font) for char, font in _fonts(_clean(text))]
    markup = "".join(
        _run("".join(char for char, _ in run), font)
        for font, run in groupby(letters, key=itemgetter(1))
    )
    if any(font in EAST_ASIAN for _, font in letters):
        # Lines may end between any two letters.
        style = ParagraphStyle(f"{style.name} east asian", style, wordWrap="CJK")
    return Paragraph(markup, style)


def _run(letters: str, font: str) -> str:
    markup = escape(letters).replace("\n", "<br/>")
    return f'<font name="{font}">{markup}</font>' if font else markup


def _clean(text: str) -> str:
    # Composed letters, and nothing that has no shape of its own but line ends.
    return "".join(
        " " if unicodedata.category(char) == "Cc" and char != "\n" else char
        for char in unicodedata.normalize("NFC", text)
        if unicodedata.category(char) != "Cf"
    )


def _fonts(text: str) -> Iterator[tuple[str, str]]:
    """Each letter with the name of its font, empty for the style's own."""
    east_asian = list(EAST_ASIAN)
    if KANA.search(text):
        east_asian = ["HeiseiKakuGo-W5", *east_asian]
    elif not HANGUL.search(text):
        east_asian = ["STSong-Light", *east_asian]
    own = _own_letters()
    for char in text:
        if ord(char) in own:
            yield char, ""
        elif font := next((font for font in east_asian if _has(font, char)), None):
            yield char, font
        else:
            yield MISSING, ""


def _has(font: str, char: str) -> bool:
    try:
        char.encode(EAST_ASIAN[font])
    except UnicodeEncodeError:
        return False
    _register_east_asian(font)
    return True


@cache
def _register_east_asian(font: str) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(font))


@cache
def _own_letters() -> frozenset[int]:
    return frozenset({ord("\n"), *_OWN[0].face.charToGlyph})


def _register_own() -> list[TTFont]:
    files = Path(__file__).with_name("fonts")
    fonts = [TTFont(name, str(files / f"{name}.ttf")) for name in (REGULAR, BOLD)]
    for font in fonts:
        pdfmetrics.registerFont(font)
    return fonts


_OWN: Final = _register_own()
