"""The lines of an invoice, on its page."""

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
from invoices.forms import LineForm, LinesFormSet, plain
from invoices.models import InvoiceLine, TaxRate


class LineInline(OfBusiness, TabularInline):
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
