"""Where anyone who holds a document may ask whether it is the one that was issued."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from invoices import seals
from invoices.models import Document, Seal
from invoices.page_wording import words_of
from invoices.verifying import VerifyForm


# Whoever was sent a document has no account. No cookie gives any right here, so there is
# nothing to forge.
@login_not_required
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest, code: str) -> HttpResponse:
    """
    Says who issued the document, its number and date, and no more of it, in its language.
    A file, or its hash, is compared with the PDF that was stored.
    """
    seals_ = Seal.objects.select_related("invoice__document", "credit_note__document")
    seal = get_object_or_404(seals_, code=code)
    issued: Any = seal.credit_note or seal.invoice
    document: Document | None = getattr(issued, "document", None)
    words = words_of(issued.language)
    is_asked = request.method == "POST"
    form = VerifyForm(words, *([request.POST, request.FILES] if is_asked else []))
    context = _said(seal, issued, words) | {
        "sha256": document.sha256 if document else "",
        "form": form,
    }
    status = HTTPStatus.OK
    if is_asked:
        if form.is_valid():
            context["is_same"] = form.cleaned_data["sha256"] == context["sha256"]
        else:
            status = HTTPStatus.BAD_REQUEST
    # What the filters go by. No catalog is behind it: the words are a plain table.
    with translation.override(words["language"]):
        response = render(request, "invoices/verify.html", context, status=status)
    response["X-Robots-Tag"] = "noindex"
    return response


def _said(seal: Seal, issued: Any, words: Mapping[str, str]) -> dict[str, Any]:
    content = seals.parsed(seal.content)
    return {
        "words": words,
        "kind": words["credit_note" if seal.credit_note else "invoice"],
        "issuer": content["seller"]["name"],
        "number": content["number"],
        "issued_on": issued.issue_date,
        "is_void": seal.invoice is not None and seal.invoice.voided_at is not None,
    }
