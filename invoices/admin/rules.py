"""How a business numbers its documents, when it reminds, and what it mailed."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.admin.base import button, label
from accounts.http import person
from invoices.admin.ledger import LookOnly
from invoices.admin.records import RecordAdmin, chosen_business, typed
from invoices.forms import NextNumberForm
from invoices.models import Delivery, ReminderStep, Series
from invoices.services import numbering, reminder_plans

MAIL_COLORS = {
    Delivery.Status.SENT.value: "success",
    Delivery.Status.FAILED.value: "danger",
}


@admin.register(Series)
class SeriesAdmin(RecordAdmin):
    """Made with a business's first document; numbers that were given stay."""

    to_add = None
    to_delete = None
    list_display = ("kind", "prefix", "pattern", "resets_yearly", "next_", "business")
    list_filter = ("kind",)
    list_select_related = ("business",)
    ordering = ("pk",)
    fields = ("kind", "prefix", "pattern", "resets_yearly", "next_")
    readonly_fields = ("kind", "next_")
    actions_detail = ("raise_next",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("counters")

    @admin.display(description="next number")
    def next_(self, series: Series) -> str:
        runs = sorted(series.counters.all(), key=lambda run: run.year)
        return ", ".join(series.number(run.year, run.next_value) for run in runs)

    def save_model(
        self, request: HttpRequest, obj: Series, form: Any, change: bool
    ) -> None:
        numbering.change_series(
            business=obj.business,
            kind=Series.Kind(obj.kind),
            **typed(request, form, numbering.FIELDS),
        )

    @button("Raise the next number", "arrow_upward")
    def raise_next(self, request: HttpRequest, object_id: str) -> HttpResponse:
        series = self.get_writable(request, object_id)
        form = NextNumberForm(request.POST or None)
        now = timezone.now()

        def act() -> str:
            raised = numbering.raise_next_number(
                business=series.business,
                kind=Series.Kind(series.kind),
                next_value=form.cleaned_data["next_value"],
                day=series.business.today(now),
                actor=person(request),
                now=now,
            )
            return (
                f"The next number is {series.number(raised.year, raised.next_value)}."
            )

        return self.ask(
            request,
            series,
            title="Raise the next number",
            consequence=(
                f"{self.next_(series) or 'None was given yet'} comes next. What you "
                "leave out is never given; the audit knows why it is missing. A number "
                "can be raised and never lowered."
            ),
            act=act,
            form=form,
        )


@admin.register(ReminderStep)
class ReminderStepAdmin(RecordAdmin):
    list_display = ("named", "is_active", "message")
    list_filter = ("is_active",)
    ordering = ("business", "days", "pk")
    fields = ("days", "message", "is_active")

    @admin.display(description="when", ordering="days")
    def named(self, step: ReminderStep) -> str:
        return str(step)

    def save_model(
        self, request: HttpRequest, obj: ReminderStep, form: Any, change: bool
    ) -> None:
        said = typed(request, form, reminder_plans.FIELDS)
        if change:
            reminder_plans.update_step(step=obj, **said)
        else:
            business = chosen_business(request, form)
            obj.pk = reminder_plans.create_step(business=business, **said).pk

    def delete_model(self, request: HttpRequest, obj: ReminderStep) -> None:
        reminder_plans.delete_step(step=obj, actor=person(request), now=timezone.now())


@admin.register(Delivery)
class DeliveryAdmin(LookOnly):
    list_display = ("queued_at", "kind", "customer", "invoice", "addresses", "state")
    list_filter = ("status", "kind")
    list_select_related = ("customer", "invoice")
    search_fields = ("^invoice__number", "customer__name")
    ordering = ("-pk",)
    fields = (
        ("kind", "state"),
        ("customer", "invoice"),
        "addresses",
        ("queued_at", "sent_at"),
        ("tries", "error"),
    )

    @label("state", MAIL_COLORS, ordering="status")
    def state(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.status, delivery.get_status_display()

    @admin.display(description="to")
    def addresses(self, delivery: Delivery) -> str:
        return ", ".join(delivery.to)
