"""
One function per message to a customer, in the customer's language.

Each composes; whoever calls it attaches documents and hands it to the mail server.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.mail import EmailMultiAlternatives

from accounts.emails import compose
from accounts.models import Business
from invoices import selectors
from invoices.mail_wording import say, spoken_day
from invoices.models import CreditNote, Invoice
from invoices.money import format_money
from invoices.statements import Statement


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message says, in text and in HTML alike. Sentences are finished."""

    language: str
    heading: str
    seller: str
    address: str
    name: str
    opening: str
    label: str
    amount: str
    # Lines below the amount, and paragraphs at the end.
    remark: str
    closing: Sequence[str]
    message: str = ""
    link: str = ""
    action: str = ""

    @property
    def hello(self) -> str:
        return say(self.language, "hello", name=self.name)

    @property
    def no_button(self) -> str:
        return say(self.language, "no_button")

    @property
    def subject(self) -> str:
        return say(
            self.language, "from", heading=self.heading, seller=self.seller or ""
        )


def invoice_sent(invoice: Invoice, to: Sequence[str]) -> EmailMultiAlternatives:
    """What is due on a finalized invoice, by when, and where to pay."""
    words = {"number": str(invoice.number)}
    language = invoice.language
    opening = say(
        language, "here_is_invoice", day=spoken_day(invoice.issue_date, language)
    )
    heading = say(language, "invoice", **words)
    return _sent(_of_invoice(invoice, heading, opening), invoice.business, to)


def reminder_sent(
    invoice: Invoice, to: Sequence[str], *, today: date, message: str
) -> EmailMultiAlternatives:
    """
    That an invoice is due or overdue, as it stands today.

    :param message: the business's own words, in place of ours; empty for none
    """
    language, due_date = invoice.language, invoice.due_date or today
    key = "due_later" if today < due_date else "overdue"
    opening = say(
        language,
        "due_today" if today == due_date else key,
        day=spoken_day(invoice.issue_date, language),
        due=spoken_day(due_date, language),
    )
    heading = say(language, "reminder", number=str(invoice.number))
    letter = _of_invoice(
        invoice, heading, "" if message else opening, message, is_crossing=True
    )
    return _sent(letter, invoice.business, to)


def credit_note_sent(note: CreditNote, to: Sequence[str]) -> EmailMultiAlternatives:
    """What of an invoice was taken back."""
    language = note.language
    letter = Letter(
        language=language,
        heading=say(language, "credit_note", number=note.number),
        seller=note.seller["name"],
        address=note.seller.get("address", ""),
        name=note.buyer["name"],
        opening=say(
            language,
            "here_is_credit_note",
            day=spoken_day(note.issue_date, language),
            invoice=str(note.invoice.number),
        ),
        label=say(language, "credited"),
        amount=format_money(note.total, note.currency, language),
        remark="",
        closing=[say(language, "questions")],
    )
    return _sent(letter, note.business, to)


def statement_sent(statement: Statement, to: Sequence[str]) -> EmailMultiAlternatives:
    """What a customer was charged and paid in a period."""
    customer, business = statement.customer, statement.business
    language = customer.language or business.language
    end = spoken_day(statement.end, language)
    letter = Letter(
        language=language,
        heading=say(language, "statement"),
        seller=business.name,
        address=business.address,
        name=customer.name,
        opening=say(
            language,
            "here_is_statement",
            start=spoken_day(statement.start, language),
            end=end,
        ),
        label=say(
            language, "in_credit" if statement.closing < 0 else "you_owe", day=end
        ),
        amount=format_money(abs(statement.closing), statement.currency, language),
        remark="",
        closing=[say(language, "questions")],
    )
    return _sent(letter, business, to)


def _of_invoice(
    invoice: Invoice,
    heading: str,
    opening: str,
    message: str = "",
    *,
    is_crossing: bool = False,
) -> Letter:
    language = invoice.language
    due = selectors.amounts(invoice).due
    total = invoice.payable or 0
    closing = [say(language, "crossed")] if is_crossing else []
    return Letter(
        language=language,
        heading=heading,
        seller=invoice.seller["name"],
        address=invoice.seller.get("address", ""),
        name=invoice.buyer["name"],
        opening=opening,
        message=message,
        label=_label(invoice, due, is_crossing=is_crossing),
        amount=format_money(due or total, invoice.currency, language),
        remark=_remark(invoice, due, total),
        closing=[*closing, say(language, "secret"), say(language, "questions")],
        link=selectors.customer_link(invoice),
        action=say(language, "see_and_pay" if due else "see_invoice"),
    )


def _label(invoice: Invoice, due: int, *, is_crossing: bool) -> str:
    if not due:
        return say(invoice.language, "total")
    if is_crossing:
        return say(invoice.language, "still_to_pay")
    day = spoken_day(invoice.due_date, invoice.language)
    return say(invoice.language, "pay_by", day=day)


def _remark(invoice: Invoice, due: int, total: int) -> str:
    if not due:
        return say(invoice.language, "nothing_left")
    if due == total:
        return ""
    amount = format_money(total, invoice.currency, invoice.language)
    return say(invoice.language, "of_total", amount=amount)


def _sent(
    letter: Letter, business: Business, to: Sequence[str]
) -> EmailMultiAlternatives:
    context: dict[str, Any] = {
        "letter": letter,
        # Of the frame, which other messages have as well.
        "link": letter.link,
        "language": letter.language,
    }
    return compose(
        "invoices/emails/letter",
        context,
        to=to,
        sender=letter.seller,
        reply_to=business.email,
    )
