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

from accounts.http import businesses_for, own_zone, today
from accounts.models import Business
from accounts.roles import Permission
from invoices import selectors
from invoices.models import Invoice, LedgerEntry
from invoices.models.ledger import SUMS
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
            businesses = businesses_for(request, Permission.VIEW_BOOKS)
            paid = paid_within(businesses, *PERIODS[self.value()](request))
            return queryset.filter(pk__in=paid.values("invoice"))
        return None


def paid_within(
    businesses: QuerySet[Business], start: datetime, end: datetime
) -> QuerySet[LedgerEntry]:
    """What was paid, in full or in part, and was not taken back since."""
    # By key: of a join inside a question, MariaDB reads every entry there is.
    own = list(businesses.values_list("pk", flat=True))
    since = LedgerEntry.objects.filter(
        business__in=own, occurred_at__gte=start, kind__in=SUMS["paid"]
    )
    # Few, and mostly none: then the index of the period has all that is asked for.
    taken_back = since.filter(amount__lt=0).values_list("source", flat=True)
    paid = since.filter(amount__gt=0, occurred_at__lt=end)
    return paid.exclude(source__in=list(taken_back))


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


class _OwnValuesFilter(admin.SimpleListFilter):
    """What the rows of the person's businesses have in the field that is asked for."""

    parameter_name: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        own = businesses_for(request, model_admin.to_view).values_list("pk", flat=True)
        # What has no business of its own is about an invoice, and as that is.
        is_own = model_admin.business_path == "business"
        model: Any = model_admin.model if is_own else Invoice
        rows = model._meta.default_manager.filter(business__in=list(own))
        # With the business, as an index has them: it is skipped through, not read.
        pairs = rows.order_by().values_list("business", self.parameter_name).distinct()
        return [(value, value) for value in sorted({value for _, value in pairs})]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        if not self.value():
            return None
        return queryset.filter(**{self.parameter_name: self.value()})


class CurrencyFilter(_OwnValuesFilter):
    title = parameter_name = "currency"


class CountryFilter(_OwnValuesFilter):
    title = parameter_name = "country"
