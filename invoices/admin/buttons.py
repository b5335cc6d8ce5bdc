"""What can be done with an invoice: buttons that say first what will happen."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.enums import ActionVariant

from accounts.admin.base import button
from accounts.exceptions import Refusal
from invoices import selectors
from invoices.admin import correcting, crediting, issuing, mailing, paying
from invoices.admin.asking import asking
from invoices.admin.attachments import AttachButton
from invoices.http import pdf_response
from invoices.services import documents
from invoices.states import TRANSITIONS, InvoiceStatus


class InvoiceButtons(AttachButton):
    """Each button is offered where it can succeed; the service has the last word."""

    actions_detail = (
        "finalize_and_send",
        "finalize",
        "send",
        "record_payment",
        "download",
        {
            "title": "More",
            "icon": "more_horiz",
            "items": [
                "attach",
                "remind",
                "preview",
                "send_test",
                "apply_balance",
                "credit",
                "extend",
                "duplicate",
                "revise",
                "give_up",
                "void",
            ],
        },
    )

    def called(self, obj: Any, button: str) -> str | None:
        if button == "send" and obj.sent_at:
            return "Send again"
        return "Preview PDF" if button == "download" and obj.is_draft else None

    def offered(self, request: HttpRequest, obj: Any) -> set[str]:
        offered = {"download"}
        if not self.may_write(request, obj):
            return offered
        offered |= {"attach", "duplicate"}
        if obj.is_draft:
            return offered | {"finalize", "finalize_and_send"}
        offered.add("record_payment")
        if obj.status != InvoiceStatus.VOID:
            offered |= {"send", "preview", "send_test"}
            if selectors.creditable(obj):
                offered.add("credit")
        if obj.status == InvoiceStatus.OPEN:
            offered |= {"extend", "remind"}
        if obj.is_payable and paying.balance_of(obj) > 0:
            offered.add("apply_balance")
        return offered | _moves(obj)

    finalize = asking("Finalize", "task_alt", issuing.finalize)
    finalize_and_send = asking(
        "Finalize and send", "send", issuing.finalize_and_send, ActionVariant.PRIMARY
    )
    send = asking("Send", "send", mailing.send)
    remind = asking("Remind now", "notifications", mailing.remind)
    send_test = asking("Send a test to me", "forward_to_inbox", mailing.send_test)
    void = asking("Void", "block", correcting.void, ActionVariant.DANGER)
    give_up = asking("Mark uncollectible", "money_off", correcting.give_up)
    revise = asking("Revise", "edit_document", correcting.revise)
    duplicate = asking("Duplicate", "content_copy", correcting.duplicate)
    extend = asking("Extend the due date", "event_upcoming", correcting.extend)
    record_payment = asking("Record payment", "payments", paying.record_payment)
    apply_balance = asking(
        "Apply balance", "account_balance_wallet", paying.apply_balance
    )

    @button("Preview the mail", "mark_email_read")
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return mailing.preview(self, request, self.get_writable(request, object_id))

    @button("Credit", "assignment_return")
    def credit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return crediting.credit(self, request, self.get_writable(request, object_id))

    @button("Download PDF", "picture_as_pdf")
    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self.get_object(request, object_id)
        if not invoice.is_draft:
            document = documents.read_document(invoice)
            return pdf_response(invoice, document, as_attachment=True)
        try:
            document = documents.preview_document(draft=invoice, now=timezone.now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return redirect(self.page_of(invoice.pk))
        return pdf_response(invoice, document, as_attachment=False)


def _moves(invoice: Any) -> set[str]:
    moves = TRANSITIONS[InvoiceStatus(invoice.status)]
    possible = set()
    if InvoiceStatus.VOID in moves and not (invoice.paid or invoice.credited):
        possible |= {"void", "revise"}
    if InvoiceStatus.UNCOLLECTIBLE in moves:
        possible.add("give_up")
    return possible
