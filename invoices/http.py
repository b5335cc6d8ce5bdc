"""Answers that pages, API and back office share."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from invoices.models import Invoice


def pdf_response(
    invoice: Invoice, document: bytes, *, as_attachment: bool
) -> HttpResponse:
    name = content_disposition_header(as_attachment, invoice.document_name)
    return HttpResponse(
        document,
        content_type="application/pdf",
        headers={"Content-Disposition": name, "Cache-Control": "private"},
    )
