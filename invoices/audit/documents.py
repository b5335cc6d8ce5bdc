"""Each document by itself: worked out again, and held against what is kept beside it."""

from collections.abc import Iterator
from typing import Any

from accounts.models import Business
from invoices.audit.findings import Finding, Progress, chunks
from invoices.audit.issued import Known, credit_note_findings, invoice_findings
from invoices.audit.sealed import (
    credit_note_content,
    file_findings,
    invoice_content,
    seal_findings,
)
from invoices.models import CreditNote, Invoice


def documents(
    business: Business, *, with_files: bool, progress: Progress
) -> Iterator[Finding]:
    """All that can be said of each document by itself."""
    for invoices in chunks(_invoices(business)):
        known = Known.of(invoices, "invoice")
        for invoice in invoices:
            yield from invoice_findings(invoice, known)
            yield from seal_findings(invoice, invoice_content(invoice))
            stored = known.says(invoice, "invoice.document_stored")
            yield from file_findings(invoice, stored, with_files=with_files)
        progress(len(invoices))
    for notes in chunks(_credit_notes(business)):
        known = Known.of(notes, "creditnote")
        for note in notes:
            yield from credit_note_findings(note, known)
            yield from seal_findings(note, credit_note_content(note))
            stored = known.says(note, "credit_note.document_stored")
            yield from file_findings(note, stored, with_files=with_files)
        progress(len(notes))


def _invoices(business: Business) -> Any:
    invoices = Invoice.objects.filter(business=business, finalized_at__isnull=False)
    return (
        invoices.with_amounts()
        .select_related("seal", "document", "revises")
        .prefetch_related("lines", "adjustments", "taxes", "credit_notes", "ledger")
    )


def _credit_notes(business: Business) -> Any:
    notes = CreditNote.objects.filter(business=business)
    return notes.select_related("seal", "document", "invoice").prefetch_related(
        "lines", "taxes"
    )
