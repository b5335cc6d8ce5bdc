"""What is kept beside a document: its seal, and its PDF."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from invoices import seals
from invoices.audit.findings import Finding
from invoices.models import Document, Seal, document_storage


def invoice_content(invoice: Any) -> dict[str, Any]:
    return seals.of_invoice(
        invoice,
        ordered(invoice.lines),
        ordered(invoice.adjustments),
        invoice.taxes.all(),
    )


def ordered(rows: Any) -> list[Any]:
    return sorted(rows.all(), key=lambda row: (row.position, row.pk))


def credit_note_content(note: Any) -> dict[str, Any]:
    lines = sorted(note.lines.all(), key=lambda row: row.pk)
    return seals.of_credit_note(note, lines, note.taxes.all())


def seal_findings(document: Any, content: Mapping[str, Any]) -> Iterator[Finding]:
    seal: Seal | None = getattr(document, "seal", None)
    if seal is None:
        yield Finding("seals", str(document), "it has no seal.")
        return
    if seals.sha256(seal.content) != seal.sha256:
        yield Finding("seals", str(document), "the seal's hash is not of its content.")
    text = seals.numbered(content, document.number, document.sequence)
    if text != seal.content:
        content = _not_extended(content, seals.parsed(seal.content))
        text = seals.numbered(content, document.number, document.sequence)
    if text != seal.content:
        names = ", ".join(_changed(text, seal.content)) or "its form"
        words = f"it no longer says what was sealed: {names}."
        yield Finding("seals", str(document), words)
    if (seal.counter_id, seal.sequence) != (document.counter_id, document.sequence):
        yield Finding("seals", str(document), "its seal is of another number.")


def _not_extended(
    content: Mapping[str, Any], sealed: Mapping[str, Any]
) -> Mapping[str, Any]:
    """An extension moves the day on which it is due; what was printed stays sealed."""
    now, printed = content.get("due_date"), sealed.get("due_date")
    if now and printed and now > printed:
        return {**content, "due_date": printed}
    return content


def _changed(now: str, sealed: str) -> list[str]:
    left, right = seals.parsed(now), seals.parsed(sealed)
    names = sorted({*left, *right})
    return [name for name in names if left.get(name) != right.get(name)]


def file_findings(
    document: Any, told: Mapping[str, Any], *, with_files: bool
) -> Iterator[Finding]:
    """:param told: what the event says by which the PDF was stored"""
    stored: Document | None = getattr(document, "document", None)
    if stored is None:
        # It is rendered later by a task, which may be a moment away.
        if told:
            yield Finding("files", str(document), "its PDF was stored, and is gone.")
        return
    if stored.sha256 != told.get("sha256"):
        words = "no event says that just this PDF was stored."
        yield Finding("files", str(document), words)
    if stored.sha256 not in str(stored.file.name):
        words = "the hash of its PDF is not that in the file's name."
        yield Finding("files", str(document), words)
    if with_files:
        yield from _file(document, stored)


def _file(document: Any, stored: Document) -> Iterator[Finding]:
    storage = document_storage()
    name = str(stored.file.name)
    if not storage.exists(name):
        yield Finding("files", str(document), f"{name} is not there.")
        return
    with storage.open(name) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != stored.sha256:
        words = f"the PDF's SHA-256 is {sha256}, and {stored.sha256} was kept."
        yield Finding("files", str(document), words)
