"""What is due, what is overdue, what was paid this week: answered above the list."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Sum
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from accounts.http import businesses_for, today
from accounts.roles import Permission
from invoices import selectors
from invoices.admin.filters import paid_within, this_week
from invoices.admin.records import spoken
from invoices.models import Invoice


@dataclass(frozen=True, slots=True)
class Tab:
    """A question to the list, and its answer in short."""

    title: str
    query: str
    is_shown: bool
    # None where counting would take long and say little.
    count: int | None = None
    sums: str = ""


def due_tabs(request: HttpRequest) -> list[Tab]:
    businesses = businesses_for(request, Permission.VIEW_BOOKS)
    owed = selectors.receivables(businesses, today(request, timezone.now()))
    own = Invoice.objects.filter(business__in=businesses)
    paid = (
        paid_within(businesses, *this_week(request))
        .values("currency")
        .annotate(sum=Sum("amount"), count=Count("invoice", distinct=True))
        .order_by("currency")
    )
    late = [row for row in owed if row.overdue_invoices]
    return [
        _tab(request, "All", ""),
        _tab(
            request,
            "Due",
            "due=open",
            sum(row.invoices for row in owed),
            ((row.due, row.currency) for row in owed),
        ),
        _tab(
            request,
            "Overdue",
            "due=overdue",
            sum(row.overdue_invoices for row in late),
            ((row.overdue, row.currency) for row in late),
        ),
        _tab(
            request,
            "Paid this week",
            "due=paid_this_week",
            sum(row["count"] for row in paid),
            ((row["sum"], row["currency"]) for row in paid),
        ),
        _tab(request, "Drafts", "status__exact=draft", own.drafts().count()),
    ]


def _tab(
    request: HttpRequest,
    title: str,
    query: str,
    count: int | None = None,
    amounts: Iterable[tuple[int, str]] = (),
) -> Tab:
    asked = QueryDict(query).dict()
    known = {name: request.GET.get(name) for name in ("due", "status__exact")}
    return Tab(
        title=title,
        query=query,
        is_shown=asked == {name: value for name, value in known.items() if value},
        count=count,
        sums=" · ".join(spoken(amount, currency) for amount, currency in amounts),
    )
