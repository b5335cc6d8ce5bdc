"""What happened."""

from django.contrib import admin

from accounts.admin.base import BackOfficeAdmin
from accounts.models import Event


@admin.register(Event)
class EventAdmin(BackOfficeAdmin):
    to_add = to_change = None
    list_display = ("occurred_at", "type", "who", "subject_type", "business")
    list_select_related = ("actor", "business")
    list_filter = ("occurred_at",)
    search_fields = ("=subject_id", "type")
    search_help_text = "Search for a type, or for the id of what it was about."
    ordering = ("-pk",)
    fields = (
        ("type", "occurred_at"),
        ("actor", "business"),
        ("subject_type", "subject_id"),
        "data",
    )

    @admin.display(description="by")
    def who(self, event: Event) -> str:
        return event.actor.full_name or event.actor.email if event.actor else "-"
