"""Answers that pages, API and back office share."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from invoices.models import Attachment, CreditNote, Invoice


def pdf_response(
    issued: Invoice | CreditNote, document: bytes, *, as_attachment: bool
) -> HttpResponse:
    name = content_disposition_header(as_attachment, issued.document_name)
    return HttpResponse(
        document,
        content_type="application/pdf",
        headers={"Content-Disposition": name, "Cache-Control": "private"},
    )


def attachment_response(attachment: Attachment) -> HttpResponse:
    """To keep, never to open: what is in it was written by somebody else."""
    with attachment.file.open("rb") as file:
        content = file.read()
    return HttpResponse(
        content,
        content_type=attachment.content_type,
        headers={
            "Content-Disposition": content_disposition_header(True, attachment.name),
            "Cache-Control": "private",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
