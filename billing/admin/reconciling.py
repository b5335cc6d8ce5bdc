"""How the books were held against Stripe, and what a person must decide."""

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin.base import OperatorAdmin, button, label
from accounts.http import is_operator, may, person
from accounts.roles import Permission
from billing.admin.tables import figures
from billing.gateway.client import is_live
from billing.models import NOTE_LENGTH, ReconciliationFinding, ReconciliationRun
from billing.services.reconciling import findings
from invoices.admin.ledger import LookOnly
from invoices.admin.records import spoken

RUN_COLORS = {
    ReconciliationRun.Status.RUNNING: "info",
    ReconciliationRun.Status.FINISHED: "success",
    ReconciliationRun.Status.INCOMPLETE: "warning",
}
STATE_COLORS = {"open": "warning", "settled": "success"}
_STRIPES_WORD = "What Stripe says is what happened: look it up there."
_FAULT = "This is a fault of the site. Whoever runs it finds more in the log."
# By the name of the check.
ADVICE = {
    "sessions": (
        "See at Stripe who paid. Send the money back there, or write the invoice again "
        "and record the payment on it."
    ),
    "payments": (
        "See at Stripe what arrived, and from whom. If it is not for you, send it back "
        "there; if it is, record it on its invoice as a payment by other means."
    ),
    "refunds": f"{_STRIPES_WORD} What the customer misses, pay back otherwise.",
    "disputes": _STRIPES_WORD,
    "balance": (
        "See at Stripe what moved, and why. If a bank took the money back, ask the "
        "customer to pay again."
    ),
    "attempts": "Look the payment up at Stripe, and ask its support what became of it.",
    "key": (
        "The key of this site may not ask Stripe for that. Whoever runs it gives the key "
        "what it lacks, at Stripe."
    ),
    "events": _FAULT,
    "books": _FAULT,
}


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(OperatorAdmin):
    list_display = ("started_at", "state", "since", "looked_at", "mended", "found")
    list_filter = ("status",)
    ordering = ("-pk",)
    fields = (
        ("state", "found"),
        ("started_at", "finished_at"),
        ("since", "until"),
        "missed",
        "checks",
        "days",
    )

    @label("status", RUN_COLORS, ordering="status")
    def state(self, run: ReconciliationRun) -> tuple[str, str]:
        if run.is_paused(timezone.now()):
            return "paused", "Paused"
        return run.status, run.get_status_display()

    @admin.display(description="what it did")
    def checks(self, run: ReconciliationRun) -> SafeString:
        rows = [
            (check, count["looked"], count["mended"], count["found"])
            for check, count in run.counts.items()
        ]
        head = ("", "Looked at", "Mended", "For a person")
        return figures(head, rows, none="Nothing yet.")

    @admin.display(description="what moved")
    def days(self, run: ReconciliationRun) -> SafeString:
        rows = [
            (
                row["day"],
                *(spoken(row[name], row["currency"]) for name in _AMOUNTS),
            )
            for row in run.sums
        ]
        head = ("Day", "At Stripe", "In the books", "Fees", "Left")
        return figures(head, rows, none="Nothing moved.")


_AMOUNTS = ("moved", "booked", "fee", "net")


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "For a person"), ("over", "Over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(ended_at__isnull=self.value() == "open")


class NoteForm(forms.Form):
    note = forms.CharField(
        label="What was done",
        max_length=NOTE_LENGTH,
        widget=UnfoldAdminTextInputWidget,
    )


@admin.register(ReconciliationFinding)
class ReconciliationFindingAdmin(LookOnly):
    """Of a business, or of nobody known: those are for operators."""

    list_display = ("what", "on", "state", "first_seen_at")
    list_filter = (StateFilter, "check_name")
    list_select_related = ("invoice", "settled_by")
    search_fields = ("=subject", "^invoice__number")
    ordering = ("-pk",)
    actions_detail = ("settle", "at_stripe")
    fields = (
        "what",
        "what_to_do",
        ("on", "state"),
        ("check_name", "subject"),
        ("first_seen_at", "seen_at"),
    )
    ended_fields = (("ended_at", "settled_by"), "note")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("invoice", "settled_by")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields + (self.ended_fields if obj and obj.ended_at else ())

    @admin.display
    def what(self, finding: ReconciliationFinding) -> str:
        return finding.words

    @admin.display
    def what_to_do(self, finding: ReconciliationFinding) -> str:
        return ADVICE[finding.check_name]

    @admin.display(description="invoice", ordering="invoice__number")
    def on(self, finding: ReconciliationFinding) -> str:
        if finding.invoice is None:
            return "-"
        url = reverse("admin:invoices_invoice_change", args=[finding.invoice_id])
        return format_html(
            '<a class="text-link" href="{}">{}</a>', url, finding.invoice
        )

    @label("state", STATE_COLORS, ordering="ended_at")
    def state(self, finding: ReconciliationFinding) -> tuple[str, str]:
        if finding.ended_at is None:
            return "open", "For a person"
        return ("settled", "Settled") if finding.note else ("gone", "Gone by itself")

    def offered(
        self, request: HttpRequest, obj: ReconciliationFinding
    ) -> Collection[str]:
        is_open = obj.ended_at is None and _may_settle(request, obj)
        return {"settle", "at_stripe"} if is_open else {"at_stripe"}

    @button("Settled", "check")
    def settle(self, request: HttpRequest, object_id: str) -> HttpResponse:
        finding = self.get_object(request, object_id)
        if not _may_settle(request, finding):
            raise PermissionDenied
        form = NoteForm(request.POST or None)

        def act() -> str:
            findings.settle_finding(
                finding=finding,
                note=form.cleaned_data["note"],
                actor=person(request),
                now=timezone.now(),
            )
            return "It is noted as settled."

        return self.ask(
            request,
            finding,
            title="Settled",
            consequence=(
                f"{finding.words} Once you have seen to it, at Stripe or in the books, "
                "it is off the list, and stays off while nothing changes. Nothing is "
                "booked by this."
            ),
            act=act,
            form=form,
        )

    @button("See it at Stripe", "open_in_new")
    def at_stripe(self, request: HttpRequest, object_id: str) -> HttpResponse:
        finding = self.get_object(request, object_id)
        mode = "" if is_live() else "test/"
        wanted = urlencode({"query": finding.subject})
        return redirect(f"https://dashboard.stripe.com/{mode}search?{wanted}")


def _may_settle(request: HttpRequest, finding: ReconciliationFinding) -> bool:
    if finding.business_id is None:
        return is_operator(request)
    return may(request, Permission.WRITE_BOOKS, finding.business_id)
