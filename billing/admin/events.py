"""What Stripe told by webhook, and doing again what failed."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.admin.base import OperatorAdmin, button, label
from accounts.http import person
from billing.models import StripeEvent
from billing.services import events

EVENT_COLORS = {
    StripeEvent.Status.PROCESSED: "success",
    StripeEvent.Status.FAILED: "danger",
}


def _longest_ago() -> datetime:
    """What was begun before then is not being acted on any more."""
    return timezone.now() - events.CUT_OFF


class UnfinishedFilter(admin.SimpleListFilter):
    title = "what needs a look"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("look", "Failed or cut off")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rows: Any = queryset
        if self.value() is None:
            return queryset
        unfinished: QuerySet[Any] = rows.unfinished(_longest_ago())
        return unfinished


@admin.register(StripeEvent)
class StripeEventAdmin(OperatorAdmin):
    list_display = ("received_at", "type", "state", "tries", "object_id", "note")
    list_filter = (UnfinishedFilter, "status", "livemode")
    search_fields = ("=event_id", "=object_id", "^type")
    ordering = ("-pk",)
    actions_detail = ("process_again",)
    fields = (
        ("event_id", "type"),
        ("state", "tries"),
        ("object_id", "livemode"),
        ("received_at", "api_version"),
        "note",
    )

    @label("status", EVENT_COLORS, ordering="status")
    def state(self, event: StripeEvent) -> tuple[str, str]:
        begun = event.received_at
        if event.status == event.Status.RECEIVED and begun < _longest_ago():
            return event.Status.FAILED, "Cut off"
        return event.status, event.get_status_display()

    def offered(self, request: HttpRequest, obj: StripeEvent) -> Collection[str]:
        return () if events.is_done(obj) else ("process_again",)

    @button("Process again", "replay")
    def process_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        event = self.get_object(request, object_id)

        def act() -> str:
            events.process_again(
                record=event, actor=person(request), now=timezone.now()
            )
            return "The event is processed again."

        return self.ask(
            request,
            event,
            title="Process again",
            consequence=(
                f"Stripe is asked for {event.object_id or 'what the event is about'} as "
                "it is now, and that is booked. What is in the books already is not "
                "booked twice."
            ),
            act=act,
        )
