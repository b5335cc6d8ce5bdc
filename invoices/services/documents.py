"""The stored PDF of a frozen invoice."""

import hashlib

from django.core.files.base import ContentFile
from django.db import transaction
from django.tasks import task

from accounts.services.events import record_event
from invoices.exceptions import InvalidTransition
from invoices.models import Document, Invoice, document_storage


def store_document_later(invoice: Invoice) -> None:
    """Have the PDF rendered after commit. Call it inside the freezing transaction."""
    _store_document.enqueue(invoice_id=invoice.pk)


@task
def _store_document(invoice_id: int) -> None:
    store_document(invoice=Invoice.objects.get(pk=invoice_id))


def store_document(*, invoice: Invoice) -> Document:
    """
    The PDF of a frozen invoice, rendered and stored if it is not there yet.

    May run twice, and at once: the same invoice gives the same bytes under the same
    name, and one row wins. Call it outside a transaction: storage may be a network.

    :raises InvalidTransition: if the invoice is a draft
    """
    if document := Document.objects.filter(invoice=invoice).first():
        return document
    if invoice.is_draft:
        raise InvalidTransition("A draft has no document yet; finalize it first.")
    # Only who renders pays for the PDF library.
    from invoices import pdf  # noqa: PLC0415

    content = pdf.render_invoice(invoice)
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"invoices/{invoice.public_id}/{sha256}.pdf"
    storage = document_storage()
    if not storage.exists(name):
        name = storage.save(name, ContentFile(content))
    return _keep(invoice, name, sha256, len(content))


@transaction.atomic
def _keep(invoice: Invoice, name: str, sha256: str, size: int) -> Document:
    document, is_new = Document.objects.get_or_create(
        invoice=invoice, defaults={"file": name, "sha256": sha256, "size": size}
    )
    if is_new:
        record_event(
            type="invoice.document_stored",
            subject=invoice,
            business=invoice.business,
            actor=None,
            now=document.created_at,
            data={"sha256": sha256},
        )
    return document


def read_document(*, invoice: Invoice) -> bytes:
    """
    The bytes of the stored PDF, storing it first if need be.

    :raises InvalidTransition: if the invoice is a draft
    """
    with store_document(invoice=invoice).file.open("rb") as file:
        content: bytes = file.read()
    return content
