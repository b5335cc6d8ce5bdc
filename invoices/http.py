"""Answers that pages, API and back office share."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from invoices.models import CreditNote, Invoice


def pdf_response(
    issued: Invoice | CreditNote, document: bytes, *, as_attachment: bool
) -> HttpResponse:
    name = content_disposition_header(as_attachment, issued.document_name)
    return HttpResponse(
        document,
        content_type="application/pdf",
        headers={"Content-Disposition": name, "Cache-Control": "private"},
    )
