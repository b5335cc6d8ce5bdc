"""The parts that documents have in common."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from django.conf import settings
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from accounts import tax_ids
from invoices.models import Seal
from invoices.pdf import pictures
from invoices.pdf.letters import Heading, link, short, text
from invoices.pdf.looks import (
    BODY,
    GAP,
    INK,
    LABEL,
    LABEL_RIGHT,
    RIGHT,
    RULE,
    SELLER,
    SMALL,
    SMALL_RIGHT,
    STRONG,
    STRONG_RIGHT,
    SUM,
    SUM_RIGHT,
    TITLE,
)
from invoices.pdf.speech import Speech
from invoices.pdf.tables import Cell, Row, Rows, table
from invoices.pdf.tagging import Grid

Party = Mapping[str, str]
Facts = Sequence[tuple[str, str]]
# Longer ones need the whole width.
_LONG_AMOUNT = 16


class TaxRow(Protocol):
    """Tax of one rate, on an invoice or a credit note."""

    name: str
    percent: Decimal
    note: str
    net: int
    amount: int


def head(speech: Speech, seller: Party, title: str, number: str) -> Iterator[Flowable]:
    """Who sends what to whom begins here: letterhead left, title right."""
    logo = pictures.logo(seller)
    letterhead: list[Flowable] = [logo, Spacer(0, 3 * mm)] if logo else []
    letterhead += [text(seller["name"], SELLER), *_party(speech, seller)]
    titles = [text(title, TITLE, Heading), text(number, STRONG_RIGHT)]
    widths = [speech.width * 0.45, speech.width * 0.55]
    yield table([[letterhead, titles]], widths)
    yield Spacer(0, 9 * mm)


def _party(speech: Speech, party: Party) -> Iterable[Flowable]:
    if party["address"]:
        yield text(short(party["address"]), LABEL)
    if party["country"]:
        yield text(speech.country(party["country"]), LABEL)
    if party["tax_id"]:
        number = tax_ids.shown(party["tax_id"], party["country"])
        yield text(f"{speech.say('tax_id')} {number}", LABEL)
    if party["email"]:
        yield text(party["email"], LABEL)


def addresses(
    speech: Speech, buyer: Party, facts: Facts, called: str = "bill_to"
) -> Iterator[Flowable]:
    bill_to: list[Flowable] = [
        text(speech.say(called), LABEL),
        text(buyer["name"], STRONG),
        *_party(speech, buyer),
    ]
    ship_to: list[Flowable] = []
    if buyer.get("shipping_address"):
        ship_to = [
            text(speech.say("ship_to"), LABEL),
            text(short(buyer["shipping_address"]), SMALL),
        ]
    shares = (0.34, 0.02, 0.22, 0.02, 0.40) if ship_to else (0.54, 0, 0, 0.06, 0.40)
    widths = [speech.width * share for share in shares]
    yield table(
        [[bill_to, [], ship_to, [], [facts_table(speech, facts, 0.18, 0.22)]]], widths
    )
    yield Spacer(0, 8 * mm)


def facts_table(speech: Speech, facts: Facts, *shares: float) -> Flowable:
    rows: list[list[Cell]] = [
        [text(name, LABEL), text(value, RIGHT)] for name, value in facts
    ]
    widths = [speech.width * share for share in shares]
    return table(rows, widths, reading=Grid(has_head=False))


def lines(
    speech: Speech, rows: Iterable[Row], *, amount: str = "amount"
) -> Iterator[Flowable]:
    keys = ("description", "quantity", "unit_price", "tax", amount)
    styles = (LABEL, LABEL_RIGHT, LABEL_RIGHT, LABEL_RIGHT, LABEL_RIGHT)
    names = [
        text(speech.say(key), style) for key, style in zip(keys, styles, strict=True)
    ]
    rows = list(rows)
    longest = max((len(speech.money(row.amount)) for row in rows), default=0)
    shares = (0.40, 0.12, 0.17, 0.13, 0.18)
    if longest > _LONG_AMOUNT - 3:
        shares = (0.30, 0.11, 0.21, 0.12, 0.26)
    widths = [speech.width * share for share in shares]
    yield Rows(speech, names, rows, widths)
    yield Spacer(0, GAP)


@dataclass(frozen=True, slots=True)
class Sum:
    """A row of the sums; the strong ones stand below a rule."""

    name: str
    amount: str
    is_strong: bool = False


def sums(
    speech: Speech, rows: Sequence[Sum], taxes: Sequence[TaxRow]
) -> Iterator[Flowable]:
    """Taxes beside the sums, or below them where amounts are long; then the notes."""
    is_long = max(len(row.amount) for row in rows) > _LONG_AMOUNT
    width = speech.width
    if is_long:
        shares = [width * share for share in (0.30, 0.35)]
        yield table([[[], _sums(rows, shares)]], [width * 0.35, width * 0.65])
        yield Spacer(0, GAP)
        yield _tax_summary(speech, taxes, width)
    else:
        shares = [width * share for share in (0.23, 0.20)]
        summary = [_tax_summary(speech, taxes, width * 0.52)] if taxes else []
        widths = [width * 0.57, width * 0.43]
        yield table([[summary, [_sums(rows, shares)]]], widths)
    yield Spacer(0, 3 * mm)
    for tax in taxes:
        if tax.note:
            yield text(tax.note, LABEL)


def _sums(rows: Sequence[Sum], widths: Sequence[float]) -> Flowable:
    cells: list[list[Cell]] = []
    looks: list[tuple[Any, ...]] = []
    for place, row in enumerate(rows):
        if row.is_strong:
            cells.append([text(row.name, SUM), text(row.amount, SUM_RIGHT)])
            looks.append(("LINEABOVE", (0, place), (-1, place), 1, INK))
            looks.append(("TOPPADDING", (0, place), (-1, place), 5))
        else:
            cells.append([text(row.name, BODY), text(row.amount, RIGHT)])
        looks.append(("BOTTOMPADDING", (0, place), (-1, place), 3))
    return table(cells, widths, looks, Grid(has_head=False))


def _tax_summary(speech: Speech, taxes: Sequence[TaxRow], width: float) -> Flowable:
    keys = ("tax", "rate", "taxable", "tax_amount")
    styles = (LABEL, LABEL_RIGHT, LABEL_RIGHT, LABEL_RIGHT)
    names = [
        text(speech.say(key), style) for key, style in zip(keys, styles, strict=True)
    ]
    rows = [
        [
            text(tax.name, SMALL),
            text(speech.percent(tax.percent), SMALL_RIGHT),
            text(speech.money(tax.net), SMALL_RIGHT),
            text(speech.money(tax.amount), SMALL_RIGHT),
        ]
        for tax in taxes
    ]
    looks = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, RULE),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("LEFTPADDING", (1, 0), (-1, -1), 4),
    ]
    widths = [width * share for share in (0.30, 0.17, 0.27, 0.26)]
    return table([names, *rows], widths, looks, Grid())


def notes(content: str) -> Iterator[Flowable]:
    if content:
        yield Spacer(0, 4 * mm)
        for line in content.splitlines():
            yield text(line, BODY)


def verification(speech: Speech, seal: Seal | None) -> Iterator[Flowable]:
    """Where anyone may check that this is what was issued."""
    if seal:
        yield Spacer(0, 4 * mm)
        site = settings.SITE_URL + settings.FORCE_SCRIPT_NAME
        address = f"{site}/verify/{seal.code}/"
        yield link(speech.say("verify"), address, LABEL)
