"""What a statement of account says."""

from collections.abc import Iterator

from reportlab.platypus import Flowable, KeepTogether, Spacer

from invoices.pdf import parts
from invoices.pdf.letters import text
from invoices.pdf.looks import BODY, GAP, LABEL, LABEL_RIGHT, RIGHT
from invoices.pdf.page import Cover
from invoices.pdf.parts import Sum
from invoices.pdf.speech import Speech
from invoices.pdf.tables import Row, Rows
from invoices.selectors import buyer_details, seller_details
from invoices.statements import Statement, StatementRow


def cover(speech: Speech, statement: Statement) -> Cover:
    title = speech.say("statement")
    name = statement.customer.name
    return Cover(
        title=f"{title}, {_period(speech, statement)}",
        author=statement.business.name,
        subject=speech.say("subject", document=title, name=name),
        foot=f"{title}, {name}",
        footer=statement.business.footer,
    )


def story(speech: Speech, statement: Statement) -> Iterator[Flowable]:
    seller = seller_details(statement.business)
    buyer = buyer_details(statement.customer)
    title = speech.say("statement")
    yield from parts.head(speech, seller, title, _period(speech, statement))
    facts = [
        (speech.say("opening_balance"), speech.money(statement.opening)),
        (speech.say("closing_balance"), speech.money(statement.closing)),
    ]
    yield from parts.addresses(
        speech, {**buyer, "shipping_address": ""}, facts, "customer"
    )
    keys = ("date", "document", "charges", "payments", "balance")
    styles = (LABEL, LABEL, LABEL_RIGHT, LABEL_RIGHT, LABEL_RIGHT)
    names = [
        text(speech.say(key), style) for key, style in zip(keys, styles, strict=True)
    ]
    widths = [speech.width * share for share in (0.17, 0.35, 0.16, 0.16, 0.16)]
    # Each page brings forward the balance of the one before.
    rows = [_opening(speech, statement)]
    rows += [_row(speech, row) for row in statement.rows]
    yield Rows(speech, names, rows, widths, named=1)
    yield Spacer(0, GAP)
    closing = speech.money(statement.closing)
    total = Sum(speech.say("closing_balance"), closing, is_strong=True)
    yield KeepTogether(list(parts.sums(speech, [total], [])))


def _period(speech: Speech, statement: Statement) -> str:
    return f"{speech.day(statement.start)} – {speech.day(statement.end)}"  # noqa: RUF001 - from, to


def _opening(speech: Speech, statement: Statement) -> Row:
    return Row(
        [
            text(speech.short_day(statement.start), BODY),
            text(speech.say("opening_balance"), BODY),
            [],
            [],
            text(speech.money(statement.opening), RIGHT),
        ],
        statement.opening,
    )


def _row(speech: Speech, row: StatementRow) -> Row:
    return Row(
        [
            text(speech.short_day(row.day), BODY),
            text(row.document, BODY),
            text(speech.money(row.charge), RIGHT) if row.charge else [],
            text(speech.money(row.payment), RIGHT) if row.payment else [],
            text(speech.money(row.balance), RIGHT),
        ],
        row.charge - row.payment,
    )
