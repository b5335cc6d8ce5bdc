"""The stored PDF of a frozen invoice, or of a credit note."""

import hashlib
from datetime import datetime

from django.core.files.base import ContentFile
from django.db import transaction
from django.tasks import task

from accounts.services.events import record_event
from invoices.exceptions import InvalidTransition
from invoices.models import CreditNote, Document, Invoice, document_storage

Issued = Invoice | CreditNote


def store_document_later(issued: Issued) -> None:
    """Have the PDF rendered after commit. Call it inside the issuing transaction."""
    if isinstance(issued, CreditNote):
        # It has no key yet: its number is taken last.
        _store_credit_note.enqueue(public_id=str(issued.public_id))
    else:
        _store_document.enqueue(invoice_id=issued.pk)


@task
def _store_document(invoice_id: int) -> None:
    """Render an invoice and keep its PDF."""
    store_document(Invoice.objects.get(pk=invoice_id))


@task
def _store_credit_note(public_id: str) -> None:
    """Render a credit note and keep its PDF."""
    store_document(CreditNote.objects.get(public_id=public_id))


def store_document(issued: Issued) -> Document:
    """
    The PDF of a frozen invoice, or of a credit note: rendered and stored if it is not
    there yet.

    May run twice, and at once: the same document gives the same bytes under the same
    name, and one row wins. Call it outside a transaction: storage may be a network.

    :raises InvalidTransition: if the invoice is a draft
    """
    if document := Document.objects.filter(**{_kind(issued): issued}).first():
        return document
    if isinstance(issued, Invoice) and issued.is_draft:
        raise InvalidTransition("A draft has no document yet; finalize it first.")
    content = _render(issued)
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"{_kind(issued)}s/{issued.public_id}/{sha256}.pdf"
    storage = document_storage()
    # A full disk, or a kill, leaves a part of it. That stays: another process may be at
    # it, and the storage finds a name beside it.
    if not storage.exists(name) or storage.size(name) != len(content):
        name = storage.save(name, ContentFile(content))
    return _keep(issued, name, sha256, len(content))


def read_document(issued: Issued) -> bytes:
    """The bytes of the stored PDF; see `store_document`, whose errors it raises."""
    with store_document(issued).file.open("rb") as file:
        content: bytes = file.read()
    return content


def preview_document(*, draft: Invoice, now: datetime) -> bytes:
    """
    The PDF of a draft as if it were finalized now, marked as a draft. Never stored.

    :raises InvalidTransition: if the invoice is no longer a draft
    :raises InvoiceError: as `selectors.draft_totals`
    """
    if not draft.is_draft:
        raise InvalidTransition(
            "This invoice is finalized: it has a document, which shows what was issued."
        )
    from invoices import pdf  # noqa: PLC0415 - as below

    return pdf.render_draft(draft, draft.business.today(now))


def _kind(issued: Issued) -> str:
    return "credit_note" if isinstance(issued, CreditNote) else "invoice"


def _render(issued: Issued) -> bytes:
    # Only who renders pays for the PDF library.
    from invoices import pdf  # noqa: PLC0415 - as said above

    if isinstance(issued, CreditNote):
        return pdf.render_credit_note(issued)
    return pdf.render_invoice(issued)


@transaction.atomic
def _keep(issued: Issued, name: str, sha256: str, size: int) -> Document:
    document, is_new = Document.objects.get_or_create(
        **{_kind(issued): issued},
        defaults={"file": name, "sha256": sha256, "size": size},
    )
    if is_new:
        record_event(
            type=f"{_kind(issued)}.document_stored",
            subject=issued,
            business=issued.business,
            actor=None,
            now=document.created_at,
            data={"sha256": sha256},
        )
    return document
