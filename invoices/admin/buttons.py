"""What can be done with an invoice: buttons that say first what will happen."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from unfold.dataclasses import UnfoldAction
from unfold.enums import ActionVariant

from accounts.admin.base import button
from accounts.exceptions import Refusal
from accounts.http import may, person
from accounts.roles import Permission
from invoices import selectors
from invoices.admin import crediting
from invoices.admin.attachments import AttachButton
from invoices.admin.records import spoken
from invoices.exceptions import AmountOutOfRange
from invoices.forms import AmountForm, DueDateForm, PaymentForm
from invoices.http import pdf_response
from invoices.models import Delivery, Invoice
from invoices.services import (
    balances,
    correcting,
    delivering,
    documents,
    extending,
    finalizing,
    receiving,
    reminding,
    sending,
)
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
        if invoice.is_payable and _balance(invoice) > 0:
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
        invoice = self._own(request, object_id)

        def act() -> str:
            done = finalizing.finalize_invoice(
                invoice=invoice, actor=person(request), now=timezone.now()
            )
            return f"Finalized as {done.number}."

        return self.ask(
            request,
            invoice,
            title="Finalize",
            consequence=(
                f"The draft for {invoice.customer} over {_draft_total(invoice)} gets "
                "the next number and can no longer be changed or deleted."
            ),
            act=act,
        )

    @button("Finalize and send", "send", ActionVariant.PRIMARY)
    def finalize_and_send(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._own(request, object_id)

        def act() -> str:
            now = timezone.now()
            with transaction.atomic():
                done = finalizing.finalize_invoice(
                    invoice=invoice, actor=person(request), now=now
                )
                sending.send_invoice(invoice=done, actor=person(request), now=now)
            return f"Finalized as {done.number}; it goes to {to}."

        to = _recipients(invoice, Delivery.Kind.INVOICE)
        return self.ask(
            request,
            invoice,
            title="Finalize and send",
            consequence=(
                f"The draft for {invoice.customer} over {_draft_total(invoice)} gets "
                "the next number and can no longer be changed or deleted. "
                f"{to} gets the link to pay and the PDF."
            ),
            act=act,
        )

    @button("Send", "send")
    def send(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._own(request, object_id)

        def act() -> str:
            sending.send_invoice(
                invoice=invoice, actor=person(request), now=timezone.now()
            )
            return f"It goes to {to}."

        to = _recipients(invoice, Delivery.Kind.INVOICE)
        return self.ask(
            request,
            invoice,
            title="Send again" if invoice.sent_at else "Send",
            consequence=(
                f"{to} gets the link to pay {invoice.number} and "
                "the PDF. The time for which the link opens begins anew."
            ),
            act=act,
        )

    @button("Remind now", "notifications")
    def remind(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._issued(request, object_id)

        def act() -> str:
            mail = reminding.remind_now(
                invoice=invoice, actor=person(request), now=timezone.now()
            )
            return f"A reminder goes to {', '.join(mail.to)}."

        to = _recipients(invoice, Delivery.Kind.REMINDER)
        return self.ask(
            request,
            invoice,
            title="Remind now",
            consequence=(
                f"{to} gets a reminder that {spoken(invoice.due, invoice.currency)} is "
                f"due on {invoice} by {date_format(invoice.due_date)}. The steps of the "
                "plan go on as before."
            ),
            act=act,
        )

    @button("Preview the mail", "mark_email_read")
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._own(request, object_id)
        try:
            mail = sending.preview_mail(invoice=invoice)
        except Refusal as error:
            messages.error(request, str(error))
            return redirect(self.page_of(invoice.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": "Preview the mail",
            "opts": self.model._meta,
            "object": invoice,
            "mail": mail,
            "html": mail.alternatives[0][0] if mail.alternatives else "",
            "back": self.page_of(invoice.pk),
        }
        return TemplateResponse(request, "admin/invoices/invoice/mail.html", context)

    @button("Send a test to me", "forward_to_inbox")
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._own(request, object_id)

        def act() -> str:
            sending.send_test(
                invoice=invoice, actor=person(request), now=timezone.now()
            )
            return f"A test goes to {person(request).email}."

        return self.ask(
            request,
            invoice,
            title="Send a test to me",
            consequence=(
                f"You get at {person(request).email} what {invoice.customer} would get "
                f"of {invoice}: the text, the link and the PDF. The customer gets "
                "nothing."
            ),
            act=act,
        )

    @button("Void", "block", ActionVariant.DANGER)
    def void(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._own(request, object_id)

        def act() -> str:
            correcting.void_invoice(
                invoice=invoice, actor=person(request), now=timezone.now()
            )
            return f"{invoice.number} is void."

        return self.ask(
            request,
            invoice,
            title="Void",
            consequence=(
                f"Nothing is owed on {invoice.number} any more. The number stays used "
                "and the document stays; this cannot be taken back."
            ),
            act=act,
        )

    @button("Mark uncollectible", "money_off")
    def give_up(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._own(request, object_id)

        def act() -> str:
            correcting.give_up_invoice(
                invoice=invoice, actor=person(request), now=timezone.now()
            )
            return f"{invoice.number} is marked as uncollectible."

        return self.ask(
            request,
            invoice,
            title="Mark uncollectible",
            consequence=(
                f"{invoice.number} no longer counts as due. The customer can still "
                "pay it by the link."
            ),
            act=act,
        )

    @button("Revise", "edit_document")
    def revise(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._own(request, object_id)
        made: list[Invoice] = []

        def act() -> str:
            draft = correcting.revise_invoice(
                invoice=invoice, actor=person(request), now=timezone.now()
            )
            made.append(draft)
            return f"{invoice.number} is void. This draft takes its place."

        return self.ask(
            request,
            invoice,
            title="Revise",
            consequence=(
                f"{invoice.number} becomes void, and all that was typed is copied to a "
                "new draft, which names it. Change the draft, then finalize it: it gets "
                "a number of its own."
            ),
            act=act,
            done=lambda: self.page_of(made[0].pk),
        )

    @button("Duplicate", "content_copy")
    def duplicate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._own(request, object_id)
        made: list[Invoice] = []

        def act() -> str:
            draft = correcting.duplicate_invoice(
                invoice=invoice, actor=person(request), now=timezone.now()
            )
            made.append(draft)
            return f"This is a copy of {invoice}."

        return self.ask(
            request,
            invoice,
            title="Duplicate",
            consequence=(
                f"What was typed for {invoice} is copied to a new draft for "
                f"{invoice.customer}, without its dates. {invoice} stays as it is."
            ),
            act=act,
            done=lambda: self.page_of(made[0].pk),
        )

    @button("Extend the due date", "event_upcoming")
    def extend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._issued(request, object_id)
        form = DueDateForm(request.POST or None)

        def act() -> str:
            extending.extend_invoice(
                invoice=invoice,
                due_date=form.cleaned_data["due_date"],
                actor=person(request),
                now=timezone.now(),
            )
            day = date_format(form.cleaned_data["due_date"])
            return f"{invoice.number} is due on {day} now."

        return self.ask(
            request,
            invoice,
            title="Extend the due date",
            consequence=(
                f"{invoice.number} is due on {date_format(invoice.due_date)}. From a "
                "later day reminders are counted anew. The PDF keeps the day that it was "
                "issued with."
            ),
            act=act,
            form=form,
        )

    # Money

    @button("Record payment", "payments")
    def record_payment(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._own(request, object_id)
        now = timezone.now()
        form = PaymentForm(
            request.POST or None,
            currency=invoice.currency,
            due=invoice.due,
            day=invoice.business.today(now),
        )

        def act() -> str:
            said = form.cleaned_data
            payment = receiving.record_payment(
                invoice=invoice,
                fields={name: said[name] for name in receiving.FIELDS},
                key=said["key"],
                actor=person(request),
                now=now,
            )
            return f"{spoken(payment.amount, payment.currency)} is booked."

        return self.ask(
            request,
            invoice,
            title="Record payment",
            consequence=(
                f"{spoken(invoice.due, invoice.currency)} is due on {invoice}. What you "
                "write is booked as received; what is more than the due is kept as the "
                "customer's balance. It can be taken back later."
            ),
            act=act,
            form=form,
        )

    @button("Apply balance", "account_balance_wallet")
    def apply_balance(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._own(request, object_id)
        there = _balance(invoice)
        form = AmountForm(
            request.POST or None,
            currency=invoice.currency,
            amount=min(there, invoice.due),
        )

        def act() -> str:
            balances.apply_balance(
                invoice=invoice,
                amount=form.cleaned_data["amount"],
                actor=person(request),
                now=timezone.now(),
            )
            amount = spoken(form.cleaned_data["amount"], invoice.currency)
            return f"{amount} of the balance is applied."

        return self.ask(
            request,
            invoice,
            title="Apply balance",
            consequence=(
                f"{spoken(there, invoice.currency)} is kept for {invoice.customer}, and "
                f"{spoken(invoice.due, invoice.currency)} is due on {invoice.number}. "
                "What you apply pays the invoice and is taken off the balance."
            ),
            act=act,
            form=form,
        )

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


def _recipients(invoice: Invoice, kind: Delivery.Kind) -> str:
    return ", ".join(delivering.recipients(invoice.customer, kind))


def _draft_total(invoice: Invoice) -> str:
    if not invoice.is_draft:
        return spoken(invoice.total, invoice.currency)
    lines = list(invoice.lines.select_related("tax_rate"))
    try:
        drafted = selectors.draft_totals(invoice, lines)
    except AmountOutOfRange:
        return "an amount that the books cannot hold"
    return spoken(drafted.total, invoice.currency)


def _moves(invoice: Any) -> set[str]:
    moves = TRANSITIONS[InvoiceStatus(invoice.status)]
    possible = set()
    if InvoiceStatus.VOID in moves and not (invoice.paid or invoice.credited):
        possible |= {"void", "revise"}
    if InvoiceStatus.UNCOLLECTIBLE in moves:
        possible.add("give_up")
    return possible


def _balance(invoice: Any) -> int:
    return selectors.balances(invoice.customer).get(invoice.currency, 0)
