"""The back office's page about tasks: what waits, what failed, and trying it again."""

import re
from collections.abc import Collection
from copy import copy
from functools import lru_cache
from inspect import getdoc
from pathlib import PurePath
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.tasks import Task, TaskResultStatus
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django_tasks_db.models import DBTaskResult

from accounts.admin.base import OperatorAdmin, button, label
from accounts.http import person
from config import tasks

TASK_COLORS: Final = {
    TaskResultStatus.SUCCESSFUL: "success",
    TaskResultStatus.FAILED: "danger",
    TaskResultStatus.RUNNING: "info",
}
WORDS: Final = {
    TaskResultStatus.READY: "Waiting",
    TaskResultStatus.RUNNING: "Running",
    TaskResultStatus.SUCCESSFUL: "Done",
    TaskResultStatus.FAILED: "Failed",
}
_WHERE: Final = '<div class="bo-where">{}:{} {}</div>'
# The library calls them task results. Of a copy: changed in place, the library would seem
# to want for a migration.
OPTIONS: Final = copy(DBTaskResult._meta)
OPTIONS.verbose_name, OPTIONS.verbose_name_plural = "task", "tasks"
_FRAME: Final = re.compile(r'^  File "(.+)", line (\d+), in (.+)$', re.MULTILINE)


class NeedsALook(admin.SimpleListFilter):
    title = "what needs a look"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("failed", "Failed"), ("stuck", "Stuck")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "failed":
            return queryset.filter(status=TaskResultStatus.FAILED)
        if self.value() == "stuck":
            return queryset.filter(tasks.is_stuck(timezone.now()))
        return queryset


@admin.register(DBTaskResult)
class TaskAdmin(OperatorAdmin):
    """
    What a task is given is shown to nobody: mail about accounts opens them. Nor is what
    an error says, which may repeat it; where it was raised tells enough.
    """

    list_display = ("name", "state", "tries", "enqueued_at", "started_at", "problem")
    list_filter = (NeedsALook, "status")
    search_fields = ("task_path",)
    ordering = ("-enqueued_at", "pk")
    actions_detail = ("try_again",)
    fields = (
        ("name", "task_path"),
        ("state", "tries"),
        ("enqueued_at", "next_try"),
        ("started_at", "finished_at"),
        "problem",
        "where",
    )

    def __init__(self, model: type[DBTaskResult[..., Any]], site: Any) -> None:
        super().__init__(model, site)  # type: ignore[call-arg] # of ModelAdmin
        self.opts = OPTIONS

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        rows = super().get_changelist_instance(request)
        rows.opts, rows.title = self.opts, "Tasks"
        return rows

    def get_object(self, *args: Any, **kwargs: Any) -> Any:
        task = super().get_object(*args, **kwargs)
        # For the head of the page, which asks the row what its kind is called.
        task._meta = self.opts
        return task

    @admin.display(description="task")
    def name(self, task: DBTaskResult[..., Any]) -> str:
        return task_name(task.task_path)

    @label("state", TASK_COLORS, ordering="status")
    def state(self, task: DBTaskResult[..., Any]) -> tuple[str, str]:
        status = TaskResultStatus(task.status)
        if status == TaskResultStatus.READY and task.exception_class_path:
            return TaskResultStatus.RUNNING, "Failed, tried again"
        if tasks.is_cut_off(task, timezone.now()):
            return TaskResultStatus.FAILED, "Cut off"
        return status, WORDS[status]

    @admin.display(description="tries")
    def tries(self, task: DBTaskResult[..., Any]) -> int:
        return len(task.worker_ids)

    @admin.display(description="next try", empty_value="-")
    def next_try(self, task: DBTaskResult[..., Any]) -> Any:
        waits = task.status == TaskResultStatus.READY and task.exception_class_path
        return task.run_after if waits else None

    @admin.display(description="problem", empty_value="-")
    def problem(self, task: DBTaskResult[..., Any]) -> str | None:
        return task.exception_class_path.rpartition(".")[2] or None

    @admin.display(description="raised in", empty_value="-")
    def where(self, task: DBTaskResult[..., Any]) -> SafeString | None:
        frames = [
            # Enough to know it by, and short enough for a phone.
            ("/".join(PurePath(file).parts[-3:]), line, function)
            for file, line, function in _FRAME.findall(task.traceback)
        ]
        return format_html_join("", _WHERE, frames) or None

    def offered(self, request: HttpRequest, obj: Any) -> Collection[str]:
        return () if obj.status == TaskResultStatus.SUCCESSFUL else ("try_again",)

    @button("Try again", "replay")
    def try_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        task = self.get_object(request, object_id)

        def act() -> str:
            tasks.try_again(row=task, actor=person(request), now=timezone.now())
            return "The task is tried again."

        return self.ask(
            request,
            task,
            title="Try again",
            consequence=(
                f"{task_name(task.task_path)} It may have got as far as that before: a "
                "mail then goes out once more, and money does not move twice."
            ),
            act=act,
        )


def _called(task: DBTaskResult[..., Any]) -> str:
    return task_name(task.task_path).removesuffix(".")


# For pages' heads and titles: a row of the library does not say what it is.
DBTaskResult.__str__ = _called  # type: ignore[assignment, method-assign] # as said


@lru_cache
def task_name(path: str) -> str:
    """What the task says of itself, or else what it is called."""
    try:
        found = import_string(path)
    except ImportError:
        # A release took it away.
        found = None
    said = getdoc(found.func) if isinstance(found, Task) else None
    called = path.rpartition(".")[2].strip("_").replace("_", " ").capitalize()
    return said.partition("\n")[0] if said else f"{called}."
