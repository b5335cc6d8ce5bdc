"""Invoices: where drafts are written, finalized and sent."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from unfold.dataclasses import UnfoldAction
from unfold.enums import ActionVariant

from accounts.admin.base import button, label, refusal, refused_fields
from accounts.http import may, person, today
from accounts.roles import Permission
from invoices import selectors
from invoices.admin.filters import CurrencyFilter, DueFilter, OwnRowsFilter
from invoices.admin.history import timeline
from invoices.admin.lines import LineInline
from invoices.admin.records import (
    RecordAdmin,
    chosen_business,
    first_business,
    spoken,
    typed,
)
from invoices.admin.totals import totals
from invoices.forms import DraftForm
from invoices.http import pdf_response
from invoices.models import Invoice
from invoices.services import correcting, documents, drafting, finalizing, sending
from invoices.states import TRANSITIONS, InvoiceStatus

STATUS_COLORS = {
    InvoiceStatus.OPEN.value: "info",
    InvoiceStatus.PAID.value: "success",
    InvoiceStatus.UNCOLLECTIBLE.value: "warning",
    "overdue": "danger",
}


@admin.register(Invoice)
class InvoiceAdmin(RecordAdmin):
    form = DraftForm
    inlines = (LineInline,)
    list_display = (
        "named",
        "customer",
        "state",
        "issue_date",
        "due_date",
        "amount",
        "amount_due",
    )
    list_filter = (
        DueFilter,
        "status",
        CurrencyFilter,
        ("customer", OwnRowsFilter),
    )
    list_filter_submit = True
    list_select_related = ("customer",)
    search_fields = ("^number", "customer__name", "customer__email", "reference")
    date_hierarchy = "issue_date"
    ordering = ("-pk",)
    autocomplete_fields = ("customer",)
    warn_unsaved_form = True
    list_before_template = "admin/includes/due_tabs.html"
    actions_detail = (
        "finalize_and_send",
        "finalize",
        "send",
        "download",
        {
            "title": "More",
            "icon": "more_horiz",
            "items": ["give_up", "void"],
        },
    )
    fields = (
        ("customer", "currency"),
        ("issue_date", "due_date"),
        "reference",
    )
    frozen_fields = (
        ("named", "state"),
        ("customer", "reference"),
        ("issue_date", "due_date"),
        ("sent_at", "paid_at"),
    )

    # Which rows, and what of them

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        late = When(
            status=InvoiceStatus.OPEN,
            due_date__lt=today(request, timezone.now()),
            then=Value(True),
        )
        rows: Any = super().get_queryset(request).select_related("customer", "business")
        with_amounts: QuerySet[Any] = rows.with_amounts()
        shown: QuerySet[Any] = with_amounts.annotate(
            is_late=Case(late, default=Value(False))
        )
        return shown

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_open = obj is None or obj.is_draft
        return is_open and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_open = obj is None or obj.is_draft
        return is_open and super().has_delete_permission(request, obj)

    @admin.display(description="invoice", ordering="number")
    def named(self, invoice: Invoice) -> str:
        return str(invoice)

    @label("status", STATUS_COLORS, ordering="status")
    def state(self, invoice: Any) -> tuple[str, str]:
        if invoice.is_late:
            return "overdue", "Overdue"
        return invoice.status, invoice.get_status_display()

    @admin.display(description="total", ordering="total")
    def amount(self, invoice: Invoice) -> str:
        return spoken(invoice.total, invoice.currency)

    @admin.display(description="due", ordering="due")
    def amount_due(self, invoice: Any) -> str:
        return spoken(invoice.due or None, invoice.currency)

    # The form

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is not None and not obj.is_draft:
            # They say how to fill in what is filled in for good.
            kwargs["help_texts"] = dict.fromkeys(flatten(self.frozen_fields), "")
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not obj.is_draft:
            notes = ("notes",) if obj.notes else ()
            return [(None, {"fields": self.frozen_fields + notes})]
        return [
            (None, {"fields": self.get_fields(request, obj)}),
            (
                "Discount, notes and rounding",
                {
                    "classes": ["collapse"],
                    "fields": (
                        ("discount_percent", "discount_amount"),
                        "notes",
                        "tax_rounding",
                    ),
                },
            ),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None or obj.is_draft else ("named", "state")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        business = first_business(request)
        if business is None:
            return {}
        return {
            "business": business,
            "currency": business.currency,
            "tax_rounding": business.tax_rounding,
        }

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Any, inline: Any, prefix: str
    ) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_formset_kwargs(
            request, obj, inline, prefix
        )
        if error := refusal(request):
            kwargs["refused"] = refused_fields(error)
        return kwargs

    def save_model(
        self, request: HttpRequest, obj: Invoice, form: Any, change: bool
    ) -> None:
        """Nothing yet: the service takes the lines too, and gets all in one call."""

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        said = typed(request, form, drafting.FIELDS) | {"lines": formsets[0].lines()}
        if change:
            drafting.update_draft(invoice=form.instance, **said)
        else:
            draft = drafting.create_draft(
                business=chosen_business(request, form),
                customer=said["fields"].pop("customer"),
                **said,
            )
            # What is said to be added is the draft that the service wrote.
            form.instance.pk, form.instance.public_id = draft.pk, draft.public_id

    def delete_model(self, request: HttpRequest, obj: Invoice) -> None:
        drafting.delete_draft(invoice=obj, actor=person(request), now=timezone.now())

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        invoice = context["original"]
        if invoice is not None:
            context["totals"] = totals(invoice)
            context["timeline"] = timeline(invoice)
        if invoice is not None and not invoice.is_draft:
            context["customer_link"] = selectors.customer_link(invoice)
        response: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return response

    # Its buttons

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

    def _offered(self, request: HttpRequest, invoice: Invoice) -> set[str]:
        offered = set() if invoice.is_draft else {"download"}
        if not may(request, Permission.WRITE_BOOKS, invoice.business_id):
            return offered
        moves = TRANSITIONS[InvoiceStatus(invoice.status)]
        if invoice.is_draft:
            offered |= {"finalize", "finalize_and_send"}
        if InvoiceStatus.VOID in moves:
            offered.add("void")
        if InvoiceStatus.UNCOLLECTIBLE in moves:
            offered.add("give_up")
        if not invoice.is_draft and invoice.status != InvoiceStatus.VOID:
            offered.add("send")
        return offered

    def _own(self, request: HttpRequest, object_id: str) -> Any:
        """:raises PermissionDenied: to those who may only look"""
        invoice = self.get_object(request, object_id)
        if not may(request, Permission.WRITE_BOOKS, invoice.business_id):
            raise PermissionDenied
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
            return f"Finalized as {done.number}; it goes to {invoice.customer.email}."

        return self.ask(
            request,
            invoice,
            title="Finalize and send",
            consequence=(
                f"The draft for {invoice.customer} over {_draft_total(invoice)} gets "
                "the next number and can no longer be changed or deleted. "
                f"{invoice.customer.email} gets the link to pay and the PDF."
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
            return f"It goes to {invoice.customer.email}."

        return self.ask(
            request,
            invoice,
            title="Send again" if invoice.sent_at else "Send",
            consequence=(
                f"{invoice.customer.email} gets the link to pay {invoice.number} and "
                "the PDF. The time for which the link opens begins anew."
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

    @button("Download PDF", "picture_as_pdf")
    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self.get_object(request, object_id)
        if invoice.is_draft:
            raise Http404
        document = documents.read_document(invoice=invoice)
        return pdf_response(invoice, document, as_attachment=True)


def _draft_total(invoice: Invoice) -> str:
    if not invoice.is_draft:
        return spoken(invoice.total, invoice.currency)
    lines = list(invoice.lines.select_related("tax_rate"))
    drafted = selectors.draft_totals(invoice, lines)
    return spoken(drafted.total, invoice.currency)
