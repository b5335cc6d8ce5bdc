"""Invoices: where drafts are written, finalized and sent."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import Case, Q, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from unfold.admin import TabularInline
from unfold.dataclasses import UnfoldAction
from unfold.enums import ActionVariant

from accounts.admin.base import (
    OfBusiness,
    button,
    label,
    refusal,
    refused_fields,
)
from accounts.http import (
    businesses_for,
    may,
    person,
    today,
)
from accounts.roles import Permission
from invoices import selectors
from invoices.admin.filters import CurrencyFilter, DueFilter, OwnRowsFilter
from invoices.admin.history import timeline
from invoices.admin.records import (
    RecordAdmin,
    chosen_business,
    first_business,
    spoken,
    typed,
)
from invoices.forms import DraftForm, LineForm, LinesFormSet, plain
from invoices.models import Invoice, InvoiceLine, TaxRate
from invoices.services import correcting, documents, drafting, finalizing, sending
from invoices.states import TRANSITIONS, InvoiceStatus

STATUS_COLORS = {
    InvoiceStatus.OPEN.value: "info",
    InvoiceStatus.PAID.value: "success",
    InvoiceStatus.UNCOLLECTIBLE.value: "warning",
    "overdue": "danger",
}


class InvoiceLineInline(OfBusiness, TabularInline):
    model = InvoiceLine
    form = LineForm
    formset = LinesFormSet
    business_path = "invoice__business"
    to_delete = Permission.WRITE_BOOKS
    extra = 0
    verbose_name = "line"
    verbose_name_plural = "Lines"
    show_title = False
    ordering = ("position", "pk")
    fields = (
        "description",
        "quantity",
        "unit_price",
        "discount_percent",
        "discount_amount",
        "tax_rate",
    )
    frozen_fields = (
        "description",
        "quantity_",
        "unit_price_",
        "discount",
        "tax_name",
        "amount",
    )
    readonly_fields = frozen_fields[1:4] + frozen_fields[5:]

    def _may(self, request: HttpRequest, permission: Any, obj: Any) -> bool:
        # Django asks an inline about the row it is on: the invoice.
        if permission != self.to_view and obj is not None and not obj.is_draft:
            return False
        business_id = None if obj is None else obj.business_id
        return permission is not None and may(request, permission, business_id)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is None or obj.is_draft else self.frozen_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None or obj.is_draft else self.frozen_fields

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj and obj.lines.exists() else 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("tax_rate", "invoice")

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "tax_rate":
            kwargs["queryset"] = _rates_offered(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "tax_rate":
            # No room in a row for links to the list of rates.
            field.widget = field.widget.widget
        return field

    @admin.display(description="quantity")
    def quantity_(self, line: InvoiceLine) -> str:
        return plain(line.quantity)

    @admin.display(description="unit price")
    def unit_price_(self, line: InvoiceLine) -> str:
        return f"{plain(line.unit_price)} {line.invoice.currency}"

    @admin.display
    def discount(self, line: InvoiceLine) -> str:
        off = [
            f"{plain(line.discount_percent)} %" if line.discount_percent else "",
            plain(line.discount_amount) if line.discount_amount else "",
        ]
        return " + ".join(filter(None, off)) or "-"

    @admin.display
    def amount(self, line: InvoiceLine) -> str:
        return spoken(line.net, line.invoice.currency)


def _rates_offered(request: HttpRequest) -> QuerySet[TaxRate]:
    """Active ones of the business, and those that the draft has already."""
    rates = TaxRate.objects.filter(
        business__in=businesses_for(request, Permission.WRITE_BOOKS), is_active=True
    )
    draft = request.resolver_match and request.resolver_match.kwargs.get("object_id")
    if draft:
        used = InvoiceLine.objects.filter(invoice=draft).values("tax_rate")
        rates = TaxRate.objects.filter(
            Q(is_active=True) | Q(pk__in=used), business__invoices=draft
        )
    return rates.order_by("name", "pk")


@admin.register(Invoice)
class InvoiceAdmin(RecordAdmin):
    form = DraftForm
    inlines = (InvoiceLineInline,)
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
            context["totals"] = _totals(invoice)
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
        if InvoiceStatus.OPEN in moves:
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
        content = documents.read_document(invoice=invoice)
        disposition = content_disposition_header(True, f"{invoice.number}.pdf")
        return HttpResponse(
            content,
            content_type="application/pdf",
            headers={"Content-Disposition": disposition},
        )


def _draft_total(invoice: Invoice) -> str:
    if not invoice.is_draft:
        return spoken(invoice.total, invoice.currency)
    lines = list(invoice.lines.select_related("tax_rate"))
    totals = selectors.draft_totals(invoice, lines)
    return spoken(totals.total, invoice.currency)


@dataclass(frozen=True, slots=True)
class TotalsRow:
    """A line of the totals below an invoice."""

    label: str
    amount: str
    is_strong: bool = False


def _totals(invoice: Any) -> list[TotalsRow]:
    rows = _draft_rows(invoice) if invoice.is_draft else _frozen_rows(invoice)
    return [
        TotalsRow(name, spoken(amount, invoice.currency), name in {"Total", "Due"})
        for name, amount in rows
    ]


def _draft_rows(invoice: Invoice) -> list[tuple[str, int]]:
    lines = list(invoice.lines.select_related("tax_rate"))
    totals = selectors.draft_totals(invoice, lines)
    names = {line.tax_rate.tax: line.tax_rate.name for line in lines}
    taxes = [(names[each.tax], each.amount) for each in totals.taxes]
    return _rows(totals.subtotal, totals.discount, taxes, totals.total)


def _frozen_rows(invoice: Any) -> list[tuple[str, int]]:
    taxes = invoice.taxes.order_by("category", "percent").values_list("name", "amount")
    ledger = [
        ("Paid", invoice.paid),
        ("Refunded", invoice.refunded),
        ("Held for a decision", invoice.held),
    ]
    return [
        *_rows(invoice.subtotal, invoice.discount, list(taxes), invoice.total),
        *((name, amount) for name, amount in ledger if amount),
        ("Due", invoice.due),
    ]


def _rows(
    subtotal: int, discount: int, taxes: list[tuple[str, int]], total: int
) -> list[tuple[str, int]]:
    off = [("Discount", -discount)] if discount else []
    return [("Lines", subtotal), *off, *taxes, ("Total", total)]
