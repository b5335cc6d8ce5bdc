"""Giving a draft its number, and perhaps sending it at once."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.http import person
from invoices import selectors
from invoices.admin import mailing
from invoices.admin.asking import Question
from invoices.admin.records import spoken
from invoices.exceptions import AmountOutOfRange
from invoices.models import Delivery, Invoice
from invoices.services import finalizing, sending


def finalize(request: HttpRequest, invoice: Any) -> Question:
    def act() -> str:
        done = finalizing.finalize_invoice(
            invoice=invoice, actor=person(request), now=timezone.now()
        )
        return f"Finalized as {done.number}."

    return Question(
        title="Finalize",
        consequence=(
            f"The draft for {invoice.customer} over {_draft_total(invoice)} gets "
            "the next number and can no longer be changed or deleted."
        ),
        act=act,
    )


def finalize_and_send(request: HttpRequest, invoice: Any) -> Question:
    def act() -> str:
        now = timezone.now()
        with transaction.atomic():
            done = finalizing.finalize_invoice(
                invoice=invoice, actor=person(request), now=now
            )
            sending.send_invoice(invoice=done, actor=person(request), now=now)
        return f"Finalized as {done.number}; it goes to {to}."

    to = mailing.recipients_of(invoice, Delivery.Kind.INVOICE)
    return Question(
        title="Finalize and send",
        consequence=(
            f"The draft for {invoice.customer} over {_draft_total(invoice)} gets "
            "the next number and can no longer be changed or deleted. "
            f"{to} gets the link to pay and the PDF."
        ),
        act=act,
    )


def _draft_total(invoice: Invoice) -> str:
    if not invoice.is_draft:
        return spoken(invoice.total, invoice.currency)
    lines = list(invoice.lines.select_related("tax_rate"))
    try:
        drafted = selectors.draft_totals(invoice, lines)
    except AmountOutOfRange:
        return "an amount that the books cannot hold"
    return spoken(drafted.total, invoice.currency)
