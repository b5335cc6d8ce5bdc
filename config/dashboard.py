"""The front page of the back office: what is due, what was paid, what happened."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final

from django.db.models import Max
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.http import businesses_for, is_operator, may, own_zone, person, today
from accounts.models import Event
from accounts.roles import Permission
from billing.models import ReconciliationRun
from blog.admin import may_write
from blog.models import Comment
from config.alerts import alerts
from config.workings import workings
from invoices import selectors
from invoices.admin.history import Happening, happening
from invoices.models import AuditRun, Invoice
from invoices.money import format_money

MONTHS_SHOWN: Final = 12
NEWEST_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """What was paid in one month; the height is a percentage of the chart's."""

    month: date
    amount: str
    height: int


@dataclass(frozen=True, slots=True)
class CurrencyFigures:
    """The front page's numbers in one currency. Currencies are never summed."""

    currency: str
    due: str
    invoices: int
    overdue: str
    overdue_invoices: int
    paid_this_month: str
    # Empty where nothing was paid.
    bars: list[Bar]


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds what the person may see; Unfold calls it for the front page."""
    context |= {
        "shows_books": may(request, Permission.VIEW_BOOKS),
        "writes_books": may(request, Permission.WRITE_BOOKS),
        "shows_blog": may_write(request),
    }
    if context["shows_books"]:
        context |= {"figures": _figures(request), "timeline": _newest(request)}
        context["audit"] = _audit(request)
        context["reconciled_at"] = _reconciled_at()
        context["alerts"] = alerts(request)
    if is_operator(request):
        context["workings"] = workings(timezone.now())
    if context["shows_blog"]:
        held = Comment.objects.moderated_by(person(request)).held()
        newest = held.select_related("post", "author").order_by("-pk")
        context["held_comments"] = newest[:NEWEST_SHOWN]
    return context


@dataclass(frozen=True, slots=True)
class Audit:
    """When the books were last looked at, and what was found of all the person's."""

    at: datetime
    documents: int
    findings: int
    shown: list[str]


def _audit(request: HttpRequest) -> Audit | None:
    businesses = businesses_for(request, Permission.VIEW_BOOKS)
    runs = list(AuditRun.objects.filter(business__in=businesses).order_by("pk"))
    if not runs:
        return None
    return Audit(
        at=min(run.finished_at for run in runs),
        documents=sum(run.documents for run in runs),
        findings=sum(run.findings for run in runs),
        shown=[words for run in runs for words in run.shown][:NEWEST_SHOWN],
    )


def _reconciled_at() -> datetime | None:
    """Until when the books were last held against Stripe, all of them."""
    good = ReconciliationRun.objects.filter(status=ReconciliationRun.Status.FINISHED)
    latest: datetime | None = good.aggregate(at=Max("until"))["at"]
    return latest


def _newest(request: HttpRequest) -> list[Happening]:
    businesses = businesses_for(request, Permission.VIEW_BOOKS)
    events = (
        Event.objects.filter(business__in=businesses)
        # Follows every finalization by itself, and would crowd out what people did.
        .exclude(type__in=["invoice.document_stored", "credit_note.document_stored"])
        .select_related("actor")
    )
    newest = list(events.order_by("-pk")[:NEWEST_SHOWN])
    about = [event.subject_id for event in newest if event.subject_type == "invoice"]
    known = Invoice.objects.filter(public_id__in=about).select_related("customer")
    invoices = {str(row.public_id): row for row in known}
    return [
        _linked(happening(event), invoices.get(event.subject_id)) for event in newest
    ]


def _linked(told: Happening, invoice: Invoice | None) -> Happening:
    if invoice is None:
        return told
    return replace(
        told,
        about=f"{invoice} · {invoice.customer.name}",
        detail=told.detail.removeprefix(str(invoice)).removeprefix(" · "),
        link=reverse("admin:invoices_invoice_change", args=[invoice.pk]),
    )


def _figures(request: HttpRequest) -> list[CurrencyFigures]:
    businesses = businesses_for(request, Permission.VIEW_BOOKS)
    on = today(request, timezone.now())
    starts = selectors.months(on, MONTHS_SHOWN, own_zone(request))
    paid = selectors.paid_by_month(businesses, starts)
    owed = {row.currency: row for row in selectors.receivables(businesses, on)}
    nothing = [0] * MONTHS_SHOWN
    return [
        _in_currency(
            owed.get(currency) or selectors.Receivable(currency, 0, 0, 0, 0),
            paid.get(currency, nothing),
            starts,
        )
        for currency in sorted({*owed, *paid})
    ]


def _in_currency(
    owed: selectors.Receivable, paid: list[int], starts: list[datetime]
) -> CurrencyFigures:
    code = owed.currency
    most = max(*paid, 1)
    return CurrencyFigures(
        currency=code,
        due=format_money(owed.due, code),
        invoices=owed.invoices,
        overdue=format_money(owed.overdue, code),
        overdue_invoices=owed.overdue_invoices,
        paid_this_month=format_money(paid[-1], code),
        bars=[
            # Where more was taken back than came, there is nothing to draw.
            Bar(
                month.date(),
                format_money(amount, code),
                max(0, round(100 * amount / most)),
            )
            for (month, _), amount in zip(pairwise(starts), paid, strict=True)
            if any(paid)
        ],
    )
