"""Narrowing lists, within what the person may see."""

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from accounts.http import own_zone, today
from invoices import selectors
from invoices.models import LedgerEntry
from invoices.states import InvoiceStatus


class OwnRowsForm(AutocompleteDropdownForm):
    """Names no row that the person may not see, not even one named in the address."""

    def __init__(
        self, request: HttpRequest, name: str, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(request, name, *args, **kwargs)
        site = kwargs["model_admin"].admin_site
        target = site.get_model_admin(kwargs["field"].related_model)
        self.fields[name].queryset = target.get_queryset(request)


class OwnRowsFilter(AutocompleteSelectFilter):
    form_class = OwnRowsForm


class DueFilter(admin.SimpleListFilter):
    title = "what is due"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", "Due"),
            ("overdue", "Overdue"),
            ("paid_this_week", "Paid this week"),
            ("paid_this_month", "Paid this month"),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        if self.value() == "open":
            return queryset.filter(status=InvoiceStatus.OPEN)
        if self.value() == "overdue":
            return queryset.filter(
                status=InvoiceStatus.OPEN, due_date__lt=today(request, timezone.now())
            )
        if self.value() in PERIODS:
            return queryset.filter(pk__in=paid_within(*PERIODS[self.value()](request)))
        return None


def paid_within(start: datetime, end: datetime) -> QuerySet[Any, int]:
    """The keys of invoices on which something was paid, in full or in part."""
    entries = LedgerEntry.objects.filter(
        kind__in=selectors.PAID,
        amount__gt=0,
        occurred_at__gte=start,
        occurred_at__lt=end,
    )
    return entries.values_list("invoice", flat=True)


def this_week(request: HttpRequest) -> tuple[datetime, datetime]:
    """From Monday to Monday, where the business is."""
    day = today(request, timezone.now())
    monday = datetime.combine(day - timedelta(day.weekday()), time(), own_zone(request))
    return monday, monday + timedelta(7)


def this_month(request: HttpRequest) -> tuple[datetime, datetime]:
    day = today(request, timezone.now())
    start, end = selectors.months(day, 1, own_zone(request))
    return start, end


PERIODS: Final[Mapping[str | None, Callable[..., tuple[datetime, datetime]]]] = {
    "paid_this_week": this_week,
    "paid_this_month": this_month,
}


class CurrencyFilter(admin.SimpleListFilter):
    """The currencies of rows that the person may see."""

    title = parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = model_admin.model._meta.default_manager.filter(
            pk__in=model_admin.get_queryset(request).values("pk")
        )
        codes = rows.order_by("currency").values_list("currency", flat=True).distinct()
        return [(code, code) for code in codes]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        return queryset.filter(currency=self.value()) if self.value() else None
