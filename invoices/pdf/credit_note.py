"""What a credit note says."""

from collections.abc import Iterator

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer

from invoices.models import CreditNote, CreditNoteLine, Seal
from invoices.pdf import parts
from invoices.pdf.letters import short, text
from invoices.pdf.looks import BODY, GAP, LABEL_RIGHT, RIGHT, STRONG
from invoices.pdf.page import Cover
from invoices.pdf.parts import Sum
from invoices.pdf.speech import Speech
from invoices.pdf.tables import Row


def cover(speech: Speech, note: CreditNote) -> Cover:
    title = f"{speech.say('credit_note')} {note.number}"
    return Cover(
        title=title,
        author=note.seller["name"],
        subject=speech.say("subject", document=title, name=note.buyer["name"]),
        foot=note.number,
        footer=note.seller["footer"],
    )


def story(speech: Speech, note: CreditNote) -> Iterator[Flowable]:
    yield from parts.head(speech, note.seller, speech.say("credit_note"), note.number)
    facts = [(speech.say("date"), speech.day(note.issue_date))]
    if note.invoice.reference:
        facts.append((speech.say("reference"), note.invoice.reference))
    yield from parts.addresses(speech, note.buyer, facts)
    invoice = note.invoice
    corrected = speech.say(
        "corrects", number=str(invoice.number), day=speech.day(invoice.issue_date)
    )
    yield text(corrected, STRONG)
    yield text(f"{speech.say('reason')}: {note.reason}", BODY)
    yield Spacer(0, 5 * mm)
    ordered = note.lines.order_by("position", "pk").select_related("invoice_line")
    rows = [_row(speech, line) for line in ordered]
    amount = "gross_amount" if invoice.prices_include_tax else "amount"
    yield from parts.lines(speech, rows, amount=amount)
    taxes = list(note.taxes.order_by("category", "-percent"))
    sums = _sums(speech, note, sum(row.amount for row in rows))
    yield KeepTogether(list(parts.sums(speech, sums, taxes)))
    yield Spacer(0, GAP)
    yield KeepTogether(list(_uses(speech, note)))
    seal = Seal.objects.filter(credit_note=note).first()
    yield from parts.verification(speech, seal)


def _row(speech: Speech, line: CreditNoteLine) -> Row:
    unit = line.invoice_line.unit
    price = [text(speech.price(line.unit_price), RIGHT)]
    if line.base_quantity != 1:
        base = f"{speech.number(line.base_quantity)} {unit}".strip()
        price.append(text(speech.say("per", quantity=base), LABEL_RIGHT))
    return Row(
        [
            text(short(line.description), BODY),
            text(f"{speech.number(line.quantity)} {unit}".strip(), RIGHT),
            price,
            text(line.tax_name, RIGHT),
            text(speech.money(line.priced), RIGHT),
        ],
        line.priced,
    )


def _sums(speech: Speech, note: CreditNote, subtotal: int) -> list[Sum]:
    priced = note.total if note.invoice.prices_include_tax else note.net
    shared = [
        Sum(speech.say("subtotal"), speech.money(subtotal)),
        Sum(speech.say("share"), speech.money(priced - subtotal)),
    ]
    return [
        # Of the invoice's discount and adjustments, what goes with these lines.
        *(shared if priced != subtotal else []),
        Sum(speech.say("net"), speech.money(note.net)),
        Sum(speech.say("tax"), speech.money(note.tax)),
        Sum(speech.say("total"), speech.money(note.total), is_strong=True),
    ]


def _uses(speech: Speech, note: CreditNote) -> Iterator[Flowable]:
    """Where the total went, as far as it went anywhere."""
    uses = {
        "reduces": note.reduces,
        "refunds": note.refunds,
        "to_balance": note.to_balance,
        "out_of_band": note.out_of_band,
    }
    yield text(speech.say("how_used"), STRONG)
    facts = [
        (speech.say(key), speech.money(amount))
        for key, amount in uses.items()
        if amount
    ]
    yield parts.facts_table(speech, facts, 0.30, 0.20)
