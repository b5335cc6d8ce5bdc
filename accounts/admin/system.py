"""What happened, and what the workers do."""

from typing import Any

from django.contrib import admin
from django_tasks_db.models import DBTaskResult

from accounts.admin.base import BackOfficeAdmin, OperatorAdmin, label
from accounts.models import Event

TASK_COLORS = {"SUCCESSFUL": "success", "FAILED": "danger", "RUNNING": "info"}


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


@admin.register(DBTaskResult)
class TaskAdmin(OperatorAdmin):
    """What a task is given is shown to nobody: mail about accounts opens them."""

    list_display = ("task_path", "status_", "enqueued_at", "started_at", "finished_at")
    list_filter = ("status",)
    search_fields = ("task_path",)
    ordering = ("-enqueued_at", "pk")
    fields = (
        "task_path",
        ("status", "run_after"),
        ("enqueued_at", "started_at", "finished_at"),
        "exception_class_path",
        "traceback",
    )

    @label("status", TASK_COLORS, ordering="status")
    def status_(self, task: DBTaskResult[..., Any]) -> tuple[str, str]:
        return task.status, task.get_status_display()
