"""What Stripe told by webhook."""

from django.contrib import admin

from accounts.admin.base import OperatorAdmin, label
from billing.models import StripeEvent

EVENT_COLORS = {
    StripeEvent.Status.PROCESSED: "success",
    StripeEvent.Status.FAILED: "danger",
}


@admin.register(StripeEvent)
class StripeEventAdmin(OperatorAdmin):
    list_display = ("received_at", "type", "state", "tries", "object_id", "note")
    list_filter = ("status", "livemode")
    search_fields = ("=event_id", "=object_id", "^type")
    ordering = ("-pk",)
    fields = (
        ("event_id", "type"),
        ("state", "tries"),
        ("object_id", "livemode"),
        ("received_at", "api_version"),
        "note",
    )

    @label("status", EVENT_COLORS, ordering="status")
    def state(self, event: StripeEvent) -> tuple[str, str]:
        return event.status, event.get_status_display()
