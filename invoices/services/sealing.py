"""Sealing what was issued: what it said, hashed, and chained to what was issued before."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from invoices import seals
from invoices.models import (
    CreditNote,
    CreditNoteLine,
    CreditNoteTax,
    Invoice,
    Seal,
)
from invoices.services.numbering import Taken


def invoice_content(invoice: Invoice) -> Mapping[str, Any]:
    """
    What is sealed of an invoice whose rows are frozen; see `invoices.seals`. Put it
    together before the number is taken, so that its lock is held for less.
    """
    return seals.of_invoice(
        invoice,
        invoice.lines.order_by("position", "pk"),
        invoice.adjustments.order_by("position", "pk"),
        invoice.taxes.all(),
    )


def credit_note_content(
    note: CreditNote, lines: Iterable[CreditNoteLine], taxes: Iterable[CreditNoteTax]
) -> Mapping[str, Any]:
    """As `invoice_content`."""
    return seals.of_credit_note(note, lines, taxes)


def seal(
    content: Mapping[str, Any],
    taken: Taken,
    *,
    invoice: Invoice | None = None,
    credit_note: CreditNote | None = None,
) -> Seal:
    """
    Seal one document, which is saved, last of all in the transaction that numbered it.

    Whoever holds the lock of the counter since `take_number` was told of every seal before
    this one, and nobody writes another.
    """
    previous = taken.chain
    text = seals.numbered(content, taken.number, taken.sequence)
    own = seals.sha256(text)
    return Seal.objects.create(
        counter_id=taken.counter_id,
        sequence=taken.sequence,
        invoice=invoice,
        credit_note=credit_note,
        content=text,
        sha256=own,
        previous=previous,
        chain=seals.chained(previous, own),
        code=secrets.token_urlsafe(16),
    )
