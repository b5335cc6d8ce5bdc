"""The books, to look at: services write them."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.enums import ActionVariant

from accounts.admin.base import BackOfficeAdmin, OfBusiness, button, label
from accounts.http import businesses_for, person
from invoices import selectors
from invoices.admin.filters import CurrencyFilter, OwnRowsFilter
from invoices.admin.history import timeline
from invoices.admin.records import spoken
from invoices.admin.searching import either, numbered, way
from invoices.admin.totals import credited
from invoices.forms import ReasonForm, plain
from invoices.http import pdf_response
from invoices.models import (
    BalanceEntry,
    CreditNote,
    CreditNoteLine,
    Delivery,
    Document,
    Invoice,
    LedgerEntry,
    ManualPayment,
)
from invoices.services import delivering, documents, receiving, sending

KIND_COLORS = {
    LedgerEntry.Kind.PAYMENT.value: "success",
    LedgerEntry.Kind.PAYMENT_REVERSED.value: "danger",
    LedgerEntry.Kind.FROM_BALANCE.value: "success",
    LedgerEntry.Kind.HELD.value: "warning",
    LedgerEntry.Kind.REFUND.value: "info",
    LedgerEntry.Kind.REFUND_FAILED.value: "danger",
    LedgerEntry.Kind.DISPUTE.value: "danger",
    LedgerEntry.Kind.DISPUTE_BACK.value: "success",
    LedgerEntry.Kind.HELD_DISPUTE.value: "danger",
}
BALANCE_COLORS = {
    BalanceEntry.Kind.APPLIED.value: "info",
    BalanceEntry.Kind.RETURNED.value: "danger",
    BalanceEntry.Kind.HELD_RETURNED.value: "danger",
}


class LookOnly(BackOfficeAdmin):
    to_add = to_change = None


class MoneyAdmin(LookOnly):
    """Rows with an amount and its currency."""

    # The way from a row to the invoice it is about, as lookups write it.
    invoice_path: ClassVar[str] = "invoice"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """
        By each of `search_fields` by itself, as each has an index; and by the digits of
        a number, as invoices are found.
        """
        text = search_term.strip()
        if not text:
            return queryset, False
        ways = [way(field, text) for field in self.search_fields]
        ways.append(self._numbered(request, text))
        return either(
            queryset, *(queryset.filter(each) for each in ways if each)
        ), False

    def _numbered(self, request: HttpRequest, text: str) -> Q:
        """The condition for rows of an invoice with these digits; empty if none has."""
        invoices = numbered(Invoice, text, businesses_for(request, self.to_view))
        return Q(**{f"{self.invoice_path}__in": invoices}) if invoices else Q()

    @admin.display(description="amount", ordering="amount")
    def amount_(self, row: Any) -> str:
        return spoken(row.amount, row.currency)

    @admin.display(description="invoice", ordering="invoice__number")
    def on(self, row: Any) -> str:
        url = reverse("admin:invoices_invoice_change", args=[row.invoice_id])
        return format_html('<a class="text-link" href="{}">{}</a>', url, row.invoice)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(MoneyAdmin):
    business_path = "invoice__business"
    list_display = ("occurred_at", "invoice", "kind_", "amount_", "source")
    list_filter = ("kind", CurrencyFilter)
    list_select_related = ("invoice",)
    search_fields = ("=source", "^invoice__number")
    search_help_text = "Invoice or source"
    ordering = ("-pk",)
    fields = (
        ("on", "kind_"),
        ("amount_", "source"),
        ("occurred_at", "created_at"),
    )

    @label("kind", KIND_COLORS, ordering="kind")
    def kind_(self, entry: LedgerEntry) -> tuple[str, str]:
        return entry.kind, entry.get_kind_display()


@admin.register(BalanceEntry)
class BalanceEntryAdmin(MoneyAdmin):
    business_path = "customer__business"
    list_display = ("occurred_at", "customer", "kind_", "amount_", "invoice")
    list_filter = ("kind", CurrencyFilter, ("customer", OwnRowsFilter))
    list_filter_submit = True
    list_select_related = ("customer", "invoice")
    search_fields = ("=source", "^invoice__number", "customer__name")
    search_help_text = "Customer, invoice or source"
    ordering = ("-pk",)
    fields = (
        ("customer", "on"),
        ("kind_", "amount_"),
        ("source", "occurred_at"),
    )

    @label("kind", BALANCE_COLORS, ordering="kind")
    def kind_(self, entry: BalanceEntry) -> tuple[str, str]:
        return entry.kind, entry.get_kind_display()


@admin.register(ManualPayment)
class ManualPaymentAdmin(MoneyAdmin):
    """Recorded on the page of the invoice; taken back here."""

    business_path = "invoice__business"
    list_display = ("received_on", "invoice", "method", "amount_", "reference", "state")
    list_filter = ("method", CurrencyFilter)
    list_select_related = ("invoice",)
    search_fields = ("^invoice__number", "reference")
    search_help_text = "Invoice or reference"
    ordering = ("-pk",)
    actions_detail = ("take_back",)
    fields = (
        ("on", "state"),
        ("method", "amount_"),
        ("received_on", "reference"),
        ("recorded_at", "recorded_by"),
    )
    reversed_fields = (("reversed_at", "reversal_reason"),)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields + (self.reversed_fields if obj and obj.reversed_at else ())

    @label("state", {"booked": "success", "reversed": "danger"})
    def state(self, payment: ManualPayment) -> tuple[str, str]:
        if payment.reversed_at:
            return "reversed", "Taken back"
        return "booked", "Booked"

    def offered(self, request: HttpRequest, obj: ManualPayment) -> Collection[str]:
        is_booked = not obj.reversed_at
        return ("take_back",) if is_booked and self.may_write(request, obj) else ()

    @button("Take back", "undo", ActionVariant.DANGER)
    def take_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment = self.get_writable(request, object_id)
        form = ReasonForm(request.POST or None)
        amount = spoken(payment.amount, payment.currency)

        def act() -> str:
            receiving.reverse_payment(
                payment=payment,
                reason=form.cleaned_data["reason"],
                actor=person(request),
                now=timezone.now(),
            )
            return f"{amount} is taken back. {_owed(payment)}".strip()

        return self.ask(
            request,
            payment,
            title="Take back",
            consequence=(
                f"An entry of {amount} is booked against this payment, which stays in "
                f"the books. What it paid on {payment.invoice} is due again, and what "
                "was kept of it as balance is no longer."
            ),
            act=act,
            form=form,
        )


def _owed(payment: ManualPayment) -> str:
    """What a payment had paid of other invoices that is taken back, and what to do."""
    customer, currency = payment.invoice.customer, payment.currency
    balance = selectors.balances(customer).get(currency, 0)
    if balance >= 0:
        return ""
    return (
        f"Of what was kept of it, {spoken(-balance, currency)} had paid other invoices, "
        f"and is owed now: when {customer} pays it, record that on any of their invoices."
    )


class CreditedLines(OfBusiness, TabularInline):
    model = CreditNoteLine
    business_path = "credit_note__business"
    to_add = to_change = None
    extra = 0
    show_title = False
    verbose_name = "line"
    verbose_name_plural = "Lines"
    ordering = ("position", "pk")
    fields = readonly_fields = ("description", "quantity_", "tax_name", "amount")

    def _business_id(self, obj: Any) -> int | None:
        # Django asks an inline about the row it is on: the credit note.
        return None if obj is None else obj.business_id

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("credit_note")

    @admin.display(description="quantity")
    def quantity_(self, line: CreditNoteLine) -> str:
        return plain(line.quantity)

    @admin.display
    def amount(self, line: Any) -> str:
        return spoken(line.priced, line.credit_note.currency)


@admin.register(CreditNote)
class CreditNoteAdmin(MoneyAdmin):
    """Issued on the page of the invoice."""

    inlines = (CreditedLines,)
    list_display = ("number", "customer", "invoice", "issue_date", "amount_", "reason")
    list_filter = (CurrencyFilter, ("customer", OwnRowsFilter))
    list_filter_submit = True
    list_select_related = ("customer", "invoice")
    search_fields = ("^number", "^invoice__number", "customer__name")
    search_help_text = "Number, invoice or customer"
    ordering = ("-pk",)
    change_form_template = "admin/invoices/frozen.html"
    actions_detail = ("send", "download")
    fields = (
        ("number", "on"),
        ("customer", "issue_date"),
        "reason",
    )

    def _numbered(self, request: HttpRequest, text: str) -> Q:
        notes = numbered(CreditNote, text, businesses_for(request, self.to_view))
        return super()._numbered(request, text) | (Q(pk__in=notes) if notes else Q())

    @admin.display(description="total", ordering="total")
    def amount_(self, note: CreditNote) -> str:
        return spoken(note.total, note.currency)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        note = context["original"]
        context["totals"] = credited(note)
        context["timeline"] = timeline(note)
        response: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return response

    def offered(self, request: HttpRequest, obj: CreditNote) -> Collection[str]:
        return {"send", "download"} if self.may_write(request, obj) else {"download"}

    @button("Send", "send")
    def send(self, request: HttpRequest, object_id: str) -> HttpResponse:
        note = self.get_writable(request, object_id)

        def act() -> str:
            mail = sending.send_credit_note(
                credit_note=note, actor=person(request), now=timezone.now()
            )
            return f"{note.number} goes to {', '.join(mail.to)}."

        to = ", ".join(delivering.recipients(note.customer, Delivery.Kind.CREDIT_NOTE))
        return self.ask(
            request,
            note,
            title="Send",
            consequence=f"{to} gets credit note {note.number} as a PDF.",
            act=act,
        )

    @button("Download PDF", "picture_as_pdf")
    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        note = self.get_object(request, object_id)
        document = documents.read_document(note)
        return pdf_response(note, document, as_attachment=True)


@admin.register(Document)
class DocumentAdmin(LookOnly):
    """Of an invoice, or of a credit note."""

    business_path = None
    list_display = ("of", "size_", "sha256", "created_at")
    list_select_related = ("invoice", "credit_note")
    list_filter = ("created_at",)
    search_fields = ("^invoice__number", "^credit_note__number", "=sha256")
    ordering = ("-pk",)
    fields = ("of", "size_", "sha256", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        own = businesses_for(request, self.to_view)
        return (
            super()
            .get_queryset(request)
            .filter(Q(invoice__business__in=own) | Q(credit_note__business__in=own))
        )

    @admin.display(description="size", ordering="size")
    def size_(self, document: Document) -> str:
        return filesizeformat(document.size)

    @admin.display(description="document")
    def of(self, document: Document) -> str:
        return str(document.invoice or document.credit_note)
