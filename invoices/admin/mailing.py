"""Mail about an invoice: to the customer, and to oneself to see it first."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format

from accounts.admin.base import BackOfficeAdmin
from accounts.exceptions import Refusal
from accounts.http import person
from invoices.admin.asking import Question
from invoices.admin.records import spoken
from invoices.models import Delivery, Invoice
from invoices.services import delivering, reminding, sending


def send(request: HttpRequest, invoice: Any) -> Question:
    def act() -> str:
        sending.send_invoice(invoice=invoice, actor=person(request), now=timezone.now())
        return f"It goes to {to}."

    to = recipients_of(invoice, Delivery.Kind.INVOICE)
    return Question(
        title="Send again" if invoice.sent_at else "Send",
        consequence=(
            f"{to} gets the link to pay {invoice.number} and "
            "the PDF. The time for which the link opens begins anew."
        ),
        act=act,
    )


def remind(request: HttpRequest, invoice: Any) -> Question:
    if invoice.is_draft:
        # It is due on no day yet.
        raise Http404

    def act() -> str:
        mail = reminding.remind_now(
            invoice=invoice, actor=person(request), now=timezone.now()
        )
        return f"A reminder goes to {', '.join(mail.to)}."

    to = recipients_of(invoice, Delivery.Kind.REMINDER)
    return Question(
        title="Remind now",
        consequence=(
            f"{to} gets a reminder that {spoken(invoice.due, invoice.currency)} is "
            f"due on {invoice} by {date_format(invoice.due_date)}. The steps of the "
            "plan go on as before."
        ),
        act=act,
    )


def preview(site: BackOfficeAdmin, request: HttpRequest, invoice: Any) -> HttpResponse:
    try:
        mail = sending.preview_mail(invoice=invoice)
    except Refusal as error:
        messages.error(request, str(error))
        return redirect(site.page_of(invoice.pk))
    context = {
        **site.admin_site.each_context(request),
        "title": "Preview the mail",
        "opts": site.model._meta,
        "object": invoice,
        "mail": mail,
        "html": mail.alternatives[0][0] if mail.alternatives else "",
        "back": site.page_of(invoice.pk),
    }
    return TemplateResponse(request, "admin/invoices/invoice/mail.html", context)


def send_test(request: HttpRequest, invoice: Any) -> Question:
    def act() -> str:
        sending.send_test(invoice=invoice, actor=person(request), now=timezone.now())
        return f"A test goes to {person(request).email}."

    return Question(
        title="Send a test to me",
        consequence=(
            f"You get at {person(request).email} what {invoice.customer} would get "
            f"of {invoice}: the text, the link and the PDF. The customer gets "
            "nothing."
        ),
        act=act,
    )


def recipients_of(invoice: Invoice, kind: Delivery.Kind) -> str:
    return ", ".join(delivering.recipients(invoice.customer, kind))
