"""What an invoice says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer

from invoices import seals, selectors
from invoices.models import Invoice, InvoiceAdjustment, InvoiceLine, Seal, TaxTotal
from invoices.pdf import parts, pictures
from invoices.pdf.letters import link, short, text
from invoices.pdf.looks import (
    ACCENT,
    BODY,
    GAP,
    LABEL,
    LABEL_CENTER,
    LABEL_RIGHT,
    RIGHT,
    SMALL,
    STRONG,
    WASH,
)
from invoices.pdf.page import Cover
from invoices.pdf.parts import Sum
from invoices.pdf.speech import Speech
from invoices.pdf.tables import Cell, Row, table
from invoices.pdf.tagging import Grid


@dataclass(frozen=True, slots=True)
class Content:
    """A frozen invoice with its rows; or a draft, filled in as if it were frozen."""

    invoice: Invoice
    lines: Sequence[InvoiceLine]
    adjustments: Sequence[InvoiceAdjustment]
    taxes: Sequence[TaxTotal]
    seal: Seal | None = None
    is_draft: bool = False

    @property
    def due_date(self) -> date | None:
        """As it was issued: the debt may have been put off before this is rendered."""
        sealed = seals.parsed(self.seal.content).get("due_date") if self.seal else None
        return date.fromisoformat(sealed) if sealed else self.invoice.due_date


def frozen(invoice: Invoice) -> Content:
    return Content(
        invoice=invoice,
        lines=list(invoice.lines.order_by("position", "pk")),
        adjustments=list(invoice.adjustments.order_by("position", "pk")),
        taxes=list(invoice.taxes.order_by("category", "-percent")),
        seal=Seal.objects.filter(invoice=invoice).first(),
    )


def cover(speech: Speech, content: Content) -> Cover:
    invoice = content.invoice
    number = speech.say("draft") if content.is_draft else str(invoice.number)
    title = f"{speech.say('invoice')} {number}"
    return Cover(
        title=title,
        author=invoice.seller["name"],
        subject=speech.say("subject", document=title, name=invoice.buyer["name"]),
        foot=number,
        footer=invoice.seller["footer"],
        watermark=speech.say("draft") if content.is_draft else "",
    )


def story(speech: Speech, content: Content) -> Iterator[Flowable]:
    invoice = content.invoice
    number = speech.say("draft") if content.is_draft else str(invoice.number)
    yield from parts.head(speech, invoice.seller, speech.say("invoice"), number)
    yield from parts.addresses(speech, invoice.buyer, _facts(speech, content))
    if invoice.revises:
        before = invoice.revises
        replaced = speech.say(
            "replaces", number=str(before.number), day=speech.day(before.issue_date)
        )
        yield text(replaced, BODY)
        yield Spacer(0, 4 * mm)
    amount = "gross_amount" if invoice.prices_include_tax else "amount"
    rows = (_row(speech, line) for line in content.lines)
    yield from parts.lines(speech, rows, amount=amount)
    yield KeepTogether(list(parts.sums(speech, _sums(speech, content), content.taxes)))
    yield Spacer(0, GAP)
    if not content.is_draft:
        yield KeepTogether([_how_to_pay(speech, content)])
    yield from parts.notes(invoice.notes)
    yield from parts.verification(speech, content.seal)


def _facts(speech: Speech, content: Content) -> parts.Facts:
    invoice = content.invoice
    facts = [
        (speech.say("issued"), speech.day(invoice.issue_date)),
        (speech.say("due"), speech.day(content.due_date)),
    ]
    if invoice.reference:
        facts.append((speech.say("reference"), invoice.reference))
    return facts


def _row(speech: Speech, line: InvoiceLine) -> Row:
    return Row(
        [
            [text(short(line.description), BODY), *_details(speech, line)],
            text(f"{speech.number(line.quantity)} {line.unit}".strip(), RIGHT),
            [text(speech.price(line.unit_price), RIGHT), *_base(speech, line)],
            text(line.tax_name, RIGHT),
            text(speech.money(line.priced), RIGHT),
        ],
        line.priced or 0,
    )


def _details(speech: Speech, line: InvoiceLine) -> Iterator[Flowable]:
    amounts = []
    if line.discount_percent:
        amounts.append(("discount_of", speech.percent(line.discount_percent)))
    if line.discount_amount:
        amounts.append(("discount_of", speech.price(line.discount_amount)))
    if line.charge_amount:
        amounts.append(("charge_of", speech.price(line.charge_amount)))
    for key, amount in amounts:
        yield text(speech.say(key, amount=amount), LABEL)


def _base(speech: Speech, line: InvoiceLine) -> Iterator[Flowable]:
    if line.base_quantity != Decimal(1):
        quantity = f"{speech.number(line.base_quantity)} {line.unit}".strip()
        yield text(speech.say("per", quantity=quantity), LABEL_RIGHT)


def _sums(speech: Speech, content: Content) -> list[Sum]:
    invoice = content.invoice
    rows = []
    if content.adjustments or invoice.discount:
        rows.append(Sum(speech.say("subtotal"), speech.money(invoice.subtotal)))
    for each in content.adjustments:
        percent = f" {speech.percent(each.percent)}" if each.percent else ""
        rows.append(Sum(f"{each.reason}{percent}", speech.money(each.priced)))
    if invoice.discount:
        rows.append(Sum(speech.say("discount"), speech.money(-invoice.discount)))
    rows += [
        Sum(speech.say("net"), speech.money(invoice.net)),
        Sum(speech.say("tax"), speech.money(invoice.tax)),
        Sum(speech.say("total"), speech.money(invoice.total), is_strong=True),
    ]
    if invoice.prepaid:
        rows.append(Sum(speech.say("prepaid"), speech.money(-invoice.prepaid)))
    if invoice.rounding:
        rows.append(Sum(speech.say("rounding"), speech.money(invoice.rounding)))
    if invoice.payable != invoice.total:
        payable = speech.money(invoice.payable)
        rows.append(Sum(speech.say("payable"), payable, is_strong=True))
    return rows


def _how_to_pay(speech: Speech, content: Content) -> Flowable:
    invoice = content.invoice
    address = selectors.customer_link(invoice)
    words: list[Flowable]
    if not invoice.payable:
        words = [
            text(speech.say("nothing_to_pay"), STRONG),
            link(speech.say("see_online"), address, BODY),
        ]
    else:
        please = speech.say(
            "please_pay",
            amount=speech.money(invoice.payable),
            day=speech.day(content.due_date),
            number=str(invoice.number),
        )
        words = [
            text(please, STRONG),
            link(speech.say("pay_online"), address, BODY),
            *_bank_details(speech, invoice),
        ]
    code = _code(speech, invoice)
    width = speech.width
    widths = [width * 0.76, width * 0.24] if code else [width, 0]
    looks = [
        ("BACKGROUND", (0, 0), (-1, -1), WASH),
        ("LINEBEFORE", (0, 0), (0, -1), 2, ACCENT),
        ("LEFTPADDING", (0, 0), (0, -1), 12),
        ("RIGHTPADDING", (0, 0), (0, -1), 12),
        ("TOPPADDING", (0, 0), (-1, -1), 9),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 10),
        ("ALIGN", (1, 0), (1, 0), "CENTER"),
    ]
    return table([[words, code]], widths, looks)


def _bank_details(speech: Speech, invoice: Invoice) -> Iterator[Flowable]:
    seller = invoice.seller
    iban = seller.get("iban", "").replace(" ", "")
    if not iban:
        return
    grouped = " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))
    facts = [(speech.say("account_holder"), seller["name"]), ("IBAN", grouped)]
    if seller.get("bic"):
        facts.append(("BIC", seller["bic"]))
    rows: list[list[Cell]] = [
        [text(name, LABEL), text(value, SMALL)] for name, value in facts
    ]
    yield Spacer(0, 3 * mm)
    widths = [32 * mm, 80 * mm]
    yield table(rows, widths, reading=Grid(has_head=False))


def _code(speech: Speech, invoice: Invoice) -> list[Flowable]:
    transfer = pictures.transfer(
        invoice.seller, invoice.payable or 0, invoice.currency, str(invoice.number)
    )
    if not transfer:
        return []
    return [
        pictures.QRPicture(transfer, speech.say("qr_code")),
        Spacer(0, 2),
        text(speech.say("scan"), LABEL_CENTER),
    ]
