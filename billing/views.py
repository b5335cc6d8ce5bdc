"""
The customer's pages. Whoever has the secret link is the customer: there is no account.

The link is in the address, so no page may be indexed, cached, or named to other sites.
"""

import logging
import re
from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.exceptions import InvalidInput, Refusal
from accounts.http import may
from accounts.roles import Permission
from billing import selectors
from billing.exceptions import PaymentPending, PaymentRejected, UnknownStatus
from billing.forms import PayForm
from billing.models import Checkout
from billing.page_wording import refused, words_of
from billing.services import paying, settling
from billing.states import CheckoutStatus
from invoices.http import attachment_response, pdf_response
from invoices.models import Invoice
from invoices.money import format_money, format_number
from invoices.selectors import amounts as amounts_of
from invoices.services import documents, opening

logger = logging.getLogger(__name__)

# Those that look at links in mail and chats before a person does.
_PROGRAMS = re.compile(
    r"bot\b|bot/|crawl|spider|preview|scan|facebookexternalhit|whatsapp|telegram|slack"
    r"|discord|skype|safelinks|curl|wget|python",
    re.IGNORECASE,
)

InvoiceView = Callable[Concatenate[HttpRequest, Invoice, ...], HttpResponse]
TokenView = Callable[..., HttpResponse]


def for_customer(view: InvoiceView) -> TokenView:
    """Hand the view the invoice of a link that is still open; 404 or 410 otherwise."""

    # Customers have no account: the link is what lets them in.
    @login_not_required
    @wraps(view)
    def with_invoice(request: HttpRequest, token: str, **more: Any) -> HttpResponse:
        invoices = Invoice.objects.select_related("business")
        invoice = get_object_or_404(invoices, link_token=token)
        # Days are those of the business, as they are on its documents.
        with timezone.override(invoice.business.time_zone):
            if invoice.link_is_open(timezone.now()):
                response = view(request, invoice, **more)
            else:
                response = _render(
                    request, "link_expired", invoice, {}, HTTPStatus.GONE
                )
        response["X-Robots-Tag"] = "noindex"
        return response

    return with_invoice


def _render(
    request: HttpRequest,
    name: str,
    invoice: Invoice,
    context: dict[str, Any],
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """A page in the language of the invoice, which its PDF is in, too."""
    words = words_of(invoice.language)
    shared = {"invoice": invoice, "token": invoice.link_token, "words": words}
    # What the filters go by. No catalog is behind it: the words are a plain table.
    with translation.override(words["language"]):
        return render(request, f"billing/{name}.html", shared | context, status=status)


@require_safe
@never_cache
@for_customer
def invoice(request: HttpRequest, invoice: Invoice) -> HttpResponse:
    response = _page(request, invoice)
    if _is_the_customer(request, invoice):
        _note_opened(invoice)
    return response


def _is_the_customer(request: HttpRequest, invoice: Invoice) -> bool:
    """As far as can be told: no member of the business, and no program."""
    agent = request.headers.get("User-Agent", "")
    purpose = request.headers.get("Sec-Purpose", "")
    if request.method == "HEAD" or not agent or "prefetch" in purpose:
        return False
    if _PROGRAMS.search(agent):
        return False
    return not request.user.is_authenticated or not may(
        request, Permission.VIEW_BOOKS, invoice.business_id
    )


def _note_opened(invoice: Invoice) -> None:
    # The one thing that a look may change. The page is there, whatever becomes of it.
    try:
        opening.note_opened(invoice=invoice, now=timezone.now())
    except DatabaseError:
        logger.warning("That invoice %s was opened is not known", invoice.public_id)


# No cookie gives any right here, so there is nothing to forge.
@csrf_exempt
@require_POST
@never_cache
@for_customer
def pay(request: HttpRequest, invoice: Invoice) -> HttpResponse:
    form = PayForm(
        request.POST,
        currency=invoice.currency,
        takes_comma=_language(invoice) != "en",
    )
    if not form.is_valid():
        error = _said(invoice, "no_amount", str(form.errors["amount"][0]))
        return _page(request, invoice, error, HTTPStatus.BAD_REQUEST)
    try:
        checkout = paying.start_checkout(
            invoice=invoice, amount=form.cleaned_data["amount"], now=timezone.now()
        )
    except Refusal as refusal:
        invoice.refresh_from_db()
        error = _said(invoice, refusal.code, str(refusal))
        return _page(request, invoice, error, _status(refusal))
    response = redirect(checkout.session_url)
    response.status_code = HTTPStatus.SEE_OTHER
    return response


def _said(invoice: Invoice, code: str, english: str) -> str:
    """Why something cannot be paid, in the customer's language."""
    due, language = amounts_of(invoice).due, _language(invoice)
    return refused(
        language,
        code,
        english,
        due=format_money(due, invoice.currency, language),
        example=format_number(Decimal("12.5"), language),
    )


def _language(invoice: Invoice) -> str:
    return words_of(invoice.language)["language"]


def _status(refusal: Refusal) -> HTTPStatus:
    if isinstance(refusal, PaymentPending):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(refusal, InvalidInput):
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.CONFLICT


@require_safe
@never_cache
@for_customer
def return_(request: HttpRequest, invoice: Invoice) -> HttpResponse:
    """
    Where Stripe sends the payer. Settles, if no webhook did; a session that is not of
    this invoice is not asked for.
    """
    session_id = request.GET.get("session", "")
    checkout = get_object_or_404(Checkout, invoice=invoice, session_id=session_id)
    is_known = _settle(checkout)
    invoice.refresh_from_db()
    checkout.refresh_from_db()
    state = _return_state(checkout, is_known=is_known)
    here = reverse("billing:return", args=[invoice.link_token])
    context = {
        "amounts": amounts_of(invoice),
        "state": state,
        # A slow payment takes days: looking again is for what we could not ask.
        "refresh_url": "" if is_known else f"{here}?session={session_id}",
    }
    return _render(request, "return", invoice, context)


def _settle(checkout: Checkout) -> bool:
    """:returns: whether we know how the payment stands"""
    if checkout.status == CheckoutStatus.PAID:
        return True
    for _ in range(2):
        try:
            settling.sync_session(
                session_id=str(checkout.session_id), now=timezone.now()
            )
        except OperationalError:
            # A deadlock, or a wait for a lock that was too long: the second try is ours,
            # the third the webhook's.
            logger.warning("Settling checkout %s was interrupted", checkout.key)
        except (PaymentPending, PaymentRejected, UnknownStatus):
            return False
        else:
            return True
    return False


def _return_state(checkout: Checkout, *, is_known: bool) -> str:
    if checkout.status == CheckoutStatus.PAID:
        return "paid"
    if checkout.status == CheckoutStatus.PROCESSING or not is_known:
        return "processing"
    return "open"


@require_safe
@for_customer
def document(request: HttpRequest, invoice: Invoice) -> HttpResponse:
    return pdf_response(invoice, documents.read_document(invoice), as_attachment=False)


@require_safe
@for_customer
def file(request: HttpRequest, invoice: Invoice, file_id: UUID) -> HttpResponse:
    shown = invoice.attachments.filter(is_shown=True)
    return attachment_response(get_object_or_404(shown, public_id=file_id))


@require_safe
@for_customer
def credit_note(request: HttpRequest, invoice: Invoice, note_id: UUID) -> HttpResponse:
    note = get_object_or_404(invoice.credit_notes, public_id=note_id)
    document = documents.read_document(note)
    return pdf_response(note, document, as_attachment=False)


@require_safe
@never_cache
@for_customer
def receipt(request: HttpRequest, invoice: Invoice, payment_id: UUID) -> HttpResponse:
    found = selectors.receipt(invoice, payment_id)
    if found is None:
        raise Http404
    return _render(request, "receipt", invoice, {"receipt": found})


def _page(
    request: HttpRequest,
    invoice: Invoice,
    pay_error: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    amounts = amounts_of(invoice)
    obstacle = paying.obstacle(amounts.due, invoice.currency)
    is_late = invoice.is_overdue(invoice.business.today(timezone.now()))
    context = {
        "lines": list(invoice.lines.order_by("position", "pk")),
        "adjustments": list(invoice.adjustments.order_by("position", "pk")),
        "taxes": list(invoice.taxes.order_by("pk")),
        "amounts": amounts,
        "state": selectors.customer_state(invoice, amounts),
        "payments": selectors.movements(invoice),
        "credit_notes": list(invoice.credit_notes.order_by("pk")),
        "files": list(invoice.attachments.filter(is_shown=True).order_by("pk")),
        "is_disputed": is_late and selectors.is_disputed(invoice, amounts),
        "is_overdue": is_late,
        "obstacle": obstacle and _said(invoice, "not_here", obstacle),
        "pay_error": pay_error,
    }
    return _render(request, "invoice", invoice, context, status)
