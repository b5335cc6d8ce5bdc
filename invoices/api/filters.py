"""Which rows of a list."""

from django.db.models import Max, Min, Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters

from accounts.models import Business
from invoices import selectors
from invoices.models import Customer, Invoice
from invoices.states import InvoiceStatus


class CustomerFilter(filters.FilterSet):
    business = filters.UUIDFilter("business__public_id", label="A business's id.")
    search = filters.CharFilter(method="named", label="Part of a name or address.")

    def named(
        self, customers: QuerySet[Customer], name: str, value: str
    ) -> QuerySet[Customer]:
        return customers.filter(Q(name__icontains=value) | Q(email__icontains=value))


class TaxRateFilter(filters.FilterSet):
    business = filters.UUIDFilter("business__public_id", label="A business's id.")
    is_active = filters.BooleanFilter()


class ReminderStepFilter(filters.FilterSet):
    business = filters.UUIDFilter("business__public_id", label="A business's id.")
    is_active = filters.BooleanFilter()


class InvoiceFilter(filters.FilterSet):
    business = filters.UUIDFilter("business__public_id", label="A business's id.")
    customer = filters.UUIDFilter("customer__public_id", label="A customer's id.")
    # A row has one status, and so comes once: nothing needs to be sorted to see to it.
    status = filters.MultipleChoiceFilter(choices=InvoiceStatus.choices, distinct=False)
    currency = filters.CharFilter(label="ISO 4217, such as EUR.")
    number = filters.CharFilter(label="The whole number, as it is printed.")
    issued_after = filters.DateFilter("issue_date", "gte", label="That day included.")
    issued_before = filters.DateFilter("issue_date", "lt", label="That day excluded.")
    overdue = filters.BooleanFilter(method="late", label="Open and past its due date.")

    def late(
        self, invoices: QuerySet[Invoice], name: str, value: bool
    ) -> QuerySet[Invoice]:
        businesses = Business.objects.for_user(self.request.user)
        late = selectors.overdue_among(businesses, timezone.now())
        return invoices.filter(late if value else ~late)

    def filter_queryset(self, queryset: QuerySet[Invoice]) -> QuerySet[Invoice]:
        found: QuerySet[Invoice] = super().filter_queryset(queryset)
        said = self.form.cleaned_data
        if not (said["issued_after"] or said["issued_before"]):
            return found
        # An index has the days, and another the newest: without these bounds MySQL goes
        # back from the newest of all until it comes to the days.
        keys = found.order_by().aggregate(first=Min("pk"), last=Max("pk"))
        if keys["last"] is None:
            return found
        return found.filter(pk__gte=keys["first"], pk__lte=keys["last"])
