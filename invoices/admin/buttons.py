"""What can be done with an invoice: buttons that say first what will happen."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from unfold.dataclasses import UnfoldAction
from unfold.enums import ActionVariant

from accounts.admin.base import button
from accounts.http import may
from accounts.roles import Permission
from invoices import selectors
from invoices.admin import correcting, crediting, issuing, mailing, paying
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

    def get_actions_detail(
        self, request: HttpRequest, object_id: int | str
    ) -> list[UnfoldAction]:
        invoice = self.get_object(request, str(object_id))
        offered = self._offered(request, invoice)
        shown = []
        for each in super().get_actions_detail(request, object_id):
            if each.path not in offered:
                continue
            if each.path == "send" and invoice.sent_at:
                each.description = "Send again"
            shown.append(each)
        return shown

    def _offered(self, request: HttpRequest, invoice: Any) -> set[str]:
        offered = set() if invoice.is_draft else {"download"}
        if not may(request, Permission.WRITE_BOOKS, invoice.business_id):
            return offered
        offered |= {"attach", "duplicate"}
        if invoice.is_draft:
            return offered | {"finalize", "finalize_and_send"}
        offered.add("record_payment")
        if invoice.status != InvoiceStatus.VOID:
            offered |= {"send", "preview", "send_test"}
            if selectors.creditable(invoice):
                offered.add("credit")
        if invoice.status == InvoiceStatus.OPEN:
            offered |= {"extend", "remind"}
        if invoice.is_payable and paying.balance_of(invoice) > 0:
            offered.add("apply_balance")
        return offered | _moves(invoice)

    def _own(self, request: HttpRequest, object_id: str) -> Any:
        """:raises PermissionDenied: to those who may only look"""
        invoice = self.get_object(request, object_id)
        if not may(request, Permission.WRITE_BOOKS, invoice.business_id):
            raise PermissionDenied
        return invoice

    def _issued(self, request: HttpRequest, object_id: str) -> Any:
        """:raises Http404: if it is a draft, which is due on no day yet"""
        invoice = self._own(request, object_id)
        if invoice.is_draft:
            raise Http404
        return invoice

    @button("Finalize", "task_alt")
    def finalize(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return issuing.finalize(self, request, self._own(request, object_id))

    @button("Finalize and send", "send", ActionVariant.PRIMARY)
    def finalize_and_send(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return issuing.finalize_and_send(self, request, self._own(request, object_id))

    @button("Send", "send")
    def send(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return mailing.send(self, request, self._own(request, object_id))

    @button("Remind now", "notifications")
    def remind(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return mailing.remind(self, request, self._issued(request, object_id))

    @button("Preview the mail", "mark_email_read")
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return mailing.preview(self, request, self._own(request, object_id))

    @button("Send a test to me", "forward_to_inbox")
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return mailing.send_test(self, request, self._own(request, object_id))

    @button("Void", "block", ActionVariant.DANGER)
    def void(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return correcting.void(self, request, self._own(request, object_id))

    @button("Mark uncollectible", "money_off")
    def give_up(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return correcting.give_up(self, request, self._own(request, object_id))

    @button("Revise", "edit_document")
    def revise(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return correcting.revise(self, request, self._own(request, object_id))

    @button("Duplicate", "content_copy")
    def duplicate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return correcting.duplicate(self, request, self._own(request, object_id))

    @button("Extend the due date", "event_upcoming")
    def extend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return correcting.extend(self, request, self._issued(request, object_id))

    @button("Record payment", "payments")
    def record_payment(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return paying.record_payment(self, request, self._own(request, object_id))

    @button("Apply balance", "account_balance_wallet")
    def apply_balance(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return paying.apply_balance(self, request, self._own(request, object_id))

    @button("Credit", "assignment_return")
    def credit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return crediting.credit(self, request, self._own(request, object_id))

    @button("Download PDF", "picture_as_pdf")
    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self.get_object(request, object_id)
        if invoice.is_draft:
            raise Http404
        document = documents.read_document(invoice=invoice)
        return pdf_response(invoice, document, as_attachment=True)


def _moves(invoice: Any) -> set[str]:
    moves = TRANSITIONS[InvoiceStatus(invoice.status)]
    possible = set()
    if InvoiceStatus.VOID in moves and not (invoice.paid or invoice.credited):
        possible |= {"void", "revise"}
    if InvoiceStatus.UNCOLLECTIBLE in moves:
        possible.add("give_up")
    return possible
