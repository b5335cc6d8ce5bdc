"""Invoices: where drafts are written, finalized and sent."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from unfold.contrib.filters.admin import RangeDateFilter

from accounts.admin.base import label, refusal, refused_fields
from accounts.exceptions import Refusal
from accounts.http import businesses_for, person, today
from invoices import selectors
from invoices.admin.buttons import InvoiceButtons
from invoices.admin.filters import CurrencyFilter, DueFilter, OwnRowsFilter
from invoices.admin.history import invoice_timeline
from invoices.admin.lines import inlines_of
from invoices.admin.records import chosen_business, first_business, spoken, typed
from invoices.admin.searching import CUT, found
from invoices.admin.tabs import due_tabs
from invoices.admin.totals import about_wanted, estimated, totals
from invoices.forms import DraftForm, WantedForm
from invoices.models import Customer, Invoice, ManualPayment
from invoices.services import drafting
from invoices.states import InvoiceStatus

STATUS_COLORS = {
    InvoiceStatus.OPEN.value: "info",
    InvoiceStatus.PAID.value: "success",
    InvoiceStatus.UNCOLLECTIBLE.value: "warning",
    "overdue": "danger",
    "partly_paid": "info",
}


@admin.register(Invoice)
class InvoiceAdmin(InvoiceButtons):
    form = DraftForm
    list_display = (
        "named",
        "customer",
        "state",
        "amount_due",
        "due_date",
        "amount",
        "issue_date",
    )
    list_filter = (
        DueFilter,
        "status",
        CurrencyFilter,
        ("issue_date", RangeDateFilter),
        ("customer", OwnRowsFilter),
    )
    list_filter_submit = True
    list_select_related = ("customer",)
    # What `get_search_results` looks at.
    search_fields = ("number", "reference", "customer__name", "customer__email")
    search_help_text = "Number, reference or customer"
    ordering = ("-pk",)
    autocomplete_fields = ("customer",)
    warn_unsaved_form = True
    list_before_template = "admin/includes/due_tabs.html"
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

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # The longest overdue first, as an index has them.
        overdue = request.GET.get("due") == "overdue"
        return ("due_date", "-pk") if overdue else self.ordering

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
        if invoice.status == InvoiceStatus.OPEN and invoice.paid:
            return "partly_paid", "Partly paid"
        return invoice.status, invoice.get_status_display()

    @admin.display(description="total", ordering="total")
    def amount(self, invoice: Invoice) -> str:
        return spoken(invoice.total, invoice.currency)

    @admin.display(description="due", ordering="due")
    def amount_due(self, invoice: Any) -> str:
        return spoken(invoice.due or None, invoice.currency)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        tabs = {"tabs": due_tabs(request)}
        shown: HttpResponse = super().changelist_view(
            request, (extra_context or {}) | tabs
        )
        return shown

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        own = businesses_for(request, self.to_view)
        rows, is_cut = found(queryset, text, own)
        if is_cut:
            messages.info(request, CUT)
        return rows, False

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        # What is due is worked out of the ledger: for some invoices, not for all.
        narrowed = {"due", "customer__id__exact", "q"} & request.GET.keys()
        dear = set() if narrowed else {"amount_due"}
        return [name for name in self.list_display if name not in dear]

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
                "Prices, discount and payment",
                {
                    "classes": ["collapse"],
                    "fields": (
                        ("prices_include_tax", "tax_rounding"),
                        ("discount_percent", "discount_amount"),
                        ("prepaid_amount", "cash_rounding"),
                    ),
                },
            ),
            (
                "Language and notes",
                {"classes": ["collapse"], "fields": ("language", "notes")},
            ),
        ]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return inlines_of(obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None or obj.is_draft else ("named", "state")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        business = first_business(request)
        if business is None:
            return {}
        return {
            "business": business,
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
        said = typed(request, form, drafting.FIELDS) | _rows(formsets)
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
        if invoice is None or invoice.is_draft:
            context["totals_url"] = self._totals_url(invoice)
            context["wanted"] = WantedForm()["wanted_total"]
        if invoice is not None:
            context["totals"] = totals(invoice)
            context["timeline"] = invoice_timeline(invoice)
            context["linked"] = _linked(invoice)
            context["files"] = list(invoice.attachments.order_by("pk"))
        if invoice is not None and not invoice.is_draft:
            context["customer_link"] = selectors.customer_link(invoice)
        response: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return response

    # What it comes to while it is written

    def get_urls(self) -> list[Any]:
        site = self.admin_site
        return [
            path(
                "add/totals/",
                site.admin_view(self.live_totals),
                name="invoices_invoice_add_totals",
            ),
            path(
                "<path:object_id>/totals/",
                site.admin_view(self.live_totals),
                name="invoices_invoice_totals",
            ),
            *super().get_urls(),
        ]

    def _totals_url(self, invoice: Invoice | None) -> str:
        if invoice is None:
            return reverse("admin:invoices_invoice_add_totals")
        return reverse("admin:invoices_invoice_totals", args=[invoice.pk])

    def live_totals(
        self, request: HttpRequest, object_id: str | None = None
    ) -> HttpResponse:
        """What the form as it stands comes to, line by line. Nothing is saved."""
        invoice = self.get_object(request, object_id) if object_id else None
        if not (
            self.has_change_permission(request, invoice)
            if invoice
            else self.has_add_permission(request)
        ):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = self.get_form(request, invoice, change=bool(invoice))(
            request.POST, instance=invoice
        )
        form.full_clean()
        formsets, _ = self._create_formsets(
            request, invoice or Invoice(), bool(invoice)
        )
        for formset in formsets:
            formset.full_clean()
        context = self._estimated(request, form, formsets)
        return TemplateResponse(request, "admin/includes/totals.html", context)

    def _estimated(
        self, request: HttpRequest, form: Any, formsets: Any
    ) -> dict[str, Any]:
        said = typed(request, form, drafting.FIELDS)["fields"]
        business = getattr(form.instance, "business", None) or chosen_business(
            request, form
        )
        # Somebody who has not chosen the customer yet sees the totals nevertheless.
        customer = said.pop("customer", None) or Customer(business=business)
        rows = {each.prefix: each.rows_so_far() for each in formsets}
        wanted = WantedForm(request.POST)
        wanted.full_clean()
        wanted_total = wanted.cleaned_data.get("wanted_total")
        try:
            estimate = drafting.preview_draft(
                business=business,
                customer=customer,
                lines=rows["lines"],
                adjustments=rows["adjustments"],
                fields=said,
                wanted_total=wanted_total,
            )
        except (Refusal, ValidationError) as error:
            found = refused_fields(error).values()
            return {"totals_notes": [text for texts in found for text in texts]}
        return {
            "totals": estimated(estimate),
            "totals_notes": [
                *filter(None, [about_wanted(estimate, wanted_total)]),
                *wanted.errors.get("wanted_total", []),
                "Not saved yet.",
                *_incomplete(formsets),
            ],
        }


def _rows(formsets: Any) -> dict[str, Any]:
    return {each.prefix: each.rows() for each in formsets}


def _incomplete(formsets: Any) -> list[str]:
    names = {"lines": "Line", "adjustments": "Charge or allowance"}
    return [
        f"{names[each.prefix]} {place} is not complete, and not counted yet."
        for each in formsets
        for place in each.incomplete()
    ]


@dataclass(frozen=True, slots=True)
class Linked:
    """Another page that belongs to an invoice."""

    label: str
    text: str
    url: str


def _linked(invoice: Invoice) -> list[Linked]:
    """Credit notes and payments by hand, and what revises or is revised."""
    notes = [
        Linked(
            "Credit note", f"{note}, {spoken(note.total, note.currency)}", _url(note)
        )
        for note in invoice.credit_notes.order_by("pk")
    ]
    payments = [
        Linked("Payment", _told(payment), _url(payment))
        for payment in invoice.manual_payments.order_by("pk")
    ]
    older = [invoice.revises] if invoice.revises else []
    newer = Invoice.objects.filter(revises=invoice)
    return [
        *(Linked("Revises", str(row), _url(row)) for row in older),
        *(Linked("Revised by", str(row), _url(row)) for row in newer),
        *notes,
        *payments,
    ]


def _told(payment: ManualPayment) -> str:
    amount = spoken(payment.amount, payment.currency)
    back = ", taken back" if payment.reversed_at else ""
    day = date_format(payment.received_on)
    return f"{payment.get_method_display()} on {day}, {amount}{back}"


def _url(row: Any) -> str:
    name = f"admin:invoices_{row._meta.model_name}_change"
    return reverse(name, args=[row.pk])
