"""Records of a business: what their pages share, and tax rates."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.base import BackOfficeAdmin
from accounts.http import businesses_for, person
from accounts.models import Business
from accounts.roles import Permission
from invoices.forms import plain
from invoices.models import TaxRate
from invoices.money import format_money
from invoices.services import tax_rates


class RecordAdmin(BackOfficeAdmin):
    """A record of a business, written by a service that takes its fields."""

    to_delete: ClassVar[Permission | None] = Permission.WRITE_BOOKS

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Where there is one business, nobody is asked which.
        if obj is None and businesses_for(request, Permission.WRITE_BOOKS).count() != 1:
            return ["business", *super().get_fields(request, obj)]
        return super().get_fields(request, obj)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"business": first_business(request)}


def first_business(request: HttpRequest) -> Business | None:
    return businesses_for(request, Permission.WRITE_BOOKS).order_by("pk").first()


def chosen_business(request: HttpRequest, form: ModelForm[Any]) -> Business:
    """:raises PermissionDenied: if there is none that the person may write for"""
    business = form.cleaned_data.get("business") or first_business(request)
    if business is None:
        raise PermissionDenied
    return business


def typed(
    request: HttpRequest, form: ModelForm[Any], names: Iterable[str]
) -> dict[str, Any]:
    """What was typed, and the rest that every writing service takes."""
    fields = {
        name: form.cleaned_data[name] for name in names if name in form.cleaned_data
    }
    return {"fields": fields, "actor": person(request), "now": timezone.now()}


def spoken(amount: int | None, currency: str) -> str:
    return "-" if amount is None else format_money(amount, currency)


@admin.register(TaxRate)
class TaxRateAdmin(RecordAdmin):
    list_display = ("name", "category", "percentage", "is_active")
    list_filter = ("category", "is_active")
    search_fields = ("name",)
    ordering = ("name", "pk")
    fields = ("name", "category", "percent", "note", "is_active")

    @admin.display(ordering="percent")
    def percentage(self, rate: TaxRate) -> str:
        return f"{plain(rate.percent)} %"

    def save_model(
        self, request: HttpRequest, obj: TaxRate, form: Any, change: bool
    ) -> None:
        said = typed(request, form, tax_rates.FIELDS)
        if change:
            tax_rates.update_tax_rate(tax_rate=obj, **said)
        else:
            business = chosen_business(request, form)
            obj.pk = tax_rates.create_tax_rate(business=business, **said).pk

    def delete_model(self, request: HttpRequest, obj: TaxRate) -> None:
        tax_rates.delete_tax_rate(
            tax_rate=obj, actor=person(request), now=timezone.now()
        )
