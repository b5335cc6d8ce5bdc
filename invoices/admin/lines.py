"""The lines, charges and allowances of an invoice, on its page."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline

from accounts.admin.base import OfBusiness
from accounts.http import businesses_for, may
from accounts.roles import Permission
from invoices.admin.records import spoken
from invoices.forms import RowForm, RowsFormSet, plain
from invoices.models import Invoice, InvoiceAdjustment, InvoiceLine, TaxRate
from invoices.money import format_price


class RowInline(OfBusiness, TabularInline):
    """Rows of a draft, written with it; of a frozen invoice, to look at."""

    form = RowForm
    formset = RowsFormSet
    business_path = "invoice__business"
    to_delete = Permission.WRITE_BOOKS
    extra = 0
    show_title = False
    ordering = ("position", "pk")
    frozen_fields: tuple[str, ...] = ()

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

    @admin.display
    def amount(self, row: InvoiceLine | InvoiceAdjustment) -> str:
        return spoken(row.priced, row.invoice.currency)


class LineInline(RowInline):
    model = InvoiceLine
    verbose_name = "line"
    verbose_name_plural = "Lines"
    fields = (
        "description",
        "quantity",
        "unit",
        "unit_price",
        "tax_rate",
        "base_quantity",
        "discount_percent",
        "discount_amount",
        "charge_amount",
    )
    frozen_fields = (
        "description",
        "quantity_",
        "unit_price_",
        "changes",
        "tax_name",
        "amount",
    )
    readonly_fields = ("quantity_", "unit_price_", "changes", "amount")

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj and obj.lines.exists() else 1

    @admin.display(description="quantity")
    def quantity_(self, line: InvoiceLine) -> str:
        return f"{plain(line.quantity)} {line.unit}".strip()

    @admin.display(description="unit price")
    def unit_price_(self, line: InvoiceLine) -> str:
        price = format_price(line.unit_price, line.invoice.currency)
        if line.base_quantity == 1:
            return price
        return f"{price} per {plain(line.base_quantity)} {line.unit}".strip()

    @admin.display(description="discount, charge")
    def changes(self, line: InvoiceLine) -> str:
        code = line.invoice.currency
        less, more = line.discount_amount, line.charge_amount
        return _joined(
            f"-{plain(line.discount_percent)} %" if line.discount_percent else "",
            f"-{format_price(less, code)}" if less else "",
            f"+{format_price(more, code)}" if more else "",
        )


class AdjustmentInline(RowInline):
    model = InvoiceAdjustment
    verbose_name = "charge or allowance"
    verbose_name_plural = "Charges and allowances"
    fields = ("reason", "is_charge", "percent", "amount", "tax_rate")
    frozen_fields = ("reason", "share", "tax_name", "amount_")
    readonly_fields = ("share", "amount_")

    @admin.display(description="amount")
    def amount_(self, row: InvoiceAdjustment) -> str:
        return self.amount(row)

    @admin.display(description="percent")
    def share(self, row: InvoiceAdjustment) -> str:
        return f"{plain(row.percent)} %" if row.percent else "-"


def inlines_of(invoice: Invoice | None) -> list[type[RowInline]]:
    """A frozen invoice without charges does not show that it has none."""
    if invoice is None or invoice.is_draft or invoice.adjustments.exists():
        return [LineInline, AdjustmentInline]
    return [LineInline]


def _joined(*parts: str) -> str:
    return " ".join(filter(None, parts)) or "-"


def _rates_offered(request: HttpRequest) -> QuerySet[TaxRate]:
    """Active ones of the business, and those that the draft has already."""
    rates = TaxRate.objects.filter(
        business__in=businesses_for(request, Permission.WRITE_BOOKS), is_active=True
    )
    draft = request.resolver_match and request.resolver_match.kwargs.get("object_id")
    if draft:
        lines = InvoiceLine.objects.filter(invoice=draft).values("tax_rate")
        extras = InvoiceAdjustment.objects.filter(invoice=draft).values("tax_rate")
        rates = TaxRate.objects.filter(
            Q(is_active=True) | Q(pk__in=lines) | Q(pk__in=extras),
            business__invoices=draft,
        )
    return rates.order_by("name", "pk")
