"""
Tasks where no worker resides: rows, tried at once, and again by schedule.

A task is claimed, and that is committed; it is called outside of any transaction; and
what became of it is marked. Whoever is killed in between leaves a claim, which ends by
itself. So a task may run twice, and every one of ours takes that.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.options import Options
from django.tasks import Task, TaskResultStatus, task_backends
from django.utils import timezone
from django_tasks_db import DatabaseBackend
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult, get_date_max
from django_tasks_db.utils import exclusive_transaction

from accounts.exceptions import Refusal
from accounts.models import User
from accounts.services.events import record_event

logger = logging.getLogger(__name__)

# Lambda lets nothing run for more than 15 minutes.
LONGEST: Final = timedelta(minutes=16)
# Some stages look for what waits every six hours.
LATE: Final = timedelta(hours=7)
# Two minutes after the first try, then twice as long each time: an hour in all.
TRIES: Final = 6
# What ends its environment is tried less often: each time costs a quarter of an hour.
CUT_OFFS: Final = 3
# What failed longer ago is for a person to decide on.
_RECENT: Final = timedelta(days=1)
CUT_OFF: Final = f"{__name__}.CutOff"


class CutOff(Exception):
    """A task's environment ended while it ran, time after time. Noted, never raised."""


class NotTriedAgain(Refusal):
    """The task is done, or is being done."""

    code = "not_tried_again"


class TriedAtOnce(DatabaseBackend):
    """
    A task is tried as soon as the transaction that wrote it has committed.

    On Lambda nothing runs after the response, so whoever asked waits for it. What fails
    or is cut off stays in its row; the schedule looks for rows that still wait, and may
    therefore be rare enough for a database that sleeps.
    """

    def enqueue(self, task: Task[..., Any], args: Any, kwargs: Any) -> Any:
        result = super().enqueue(task, args, kwargs)
        if task.run_after is None:
            # Robust: a mail server that is down must not undo what was committed.
            transaction.on_commit(partial(_try, result.id), robust=True)
        return result


def take_up_again(now: datetime) -> None:
    """
    Let tasks be tried again that failed, less and less often, and those that were begun
    and not ended: their environment was killed, or its database was gone. What they did
    until then may happen twice. May run at any time, and at once.
    """
    for row in DBTaskResult.objects.running().filter(started_at__lt=now - LONGEST):
        _take_up_cut_off(row, now)
    failed = DBTaskResult.objects.failed().filter(finished_at__gt=now - _RECENT)
    for row in failed.exclude(exception_class_path=CUT_OFF):
        if len(row.worker_ids) < TRIES:
            wait = timedelta(minutes=2 ** len(row.worker_ids))
            _same(row).update(
                status=TaskResultStatus.READY, run_after=row.finished_at + wait
            )


def _take_up_cut_off(row: DBTaskResult[..., Any], now: datetime) -> None:
    if len(row.worker_ids) < CUT_OFFS:
        _same(row).update(status=TaskResultStatus.READY)
        return
    has_failed = _same(row).update(
        status=TaskResultStatus.FAILED,
        finished_at=now,
        exception_class_path=CUT_OFF,
        traceback="",
    )
    if has_failed:
        logger.error("Task %s was cut off %s times", row.task_path, CUT_OFFS)


def _same(row: DBTaskResult[..., Any]) -> QuerySet[Any]:
    """The row, unless somebody took it up at this moment, or it ended after all."""
    return DBTaskResult.objects.filter(
        pk=row.pk, status=row.status, started_at=row.started_at
    )


def is_cut_off(row: DBTaskResult[..., Any], now: datetime) -> bool:
    """Whether it began too long ago to be running still."""
    is_running: bool = row.status == TaskResultStatus.RUNNING
    return is_running and row.started_at < now - LONGEST


def is_stuck(now: datetime) -> Q:
    """What began and did not end, or should have begun: the schedule does not run."""
    since = now - LATE
    is_late = Q(run_after__lt=since) | Q(
        run_after=get_date_max(), enqueued_at__lt=since
    )
    return Q(status=TaskResultStatus.RUNNING, started_at__lt=now - LONGEST) | Q(
        is_late, status=TaskResultStatus.READY
    )


@dataclass(frozen=True, slots=True)
class _Named:
    """A task as the subject of an event."""

    _meta: ClassVar[Options[Any]] = DBTaskResult._meta
    public_id: UUID


@transaction.atomic
def try_again(*, row: DBTaskResult[..., Any], actor: User, now: datetime) -> None:
    """
    Have a task tried now that failed, is stuck, or waits for its next try.

    :raises NotTriedAgain: if it is done, or may still be running
    """
    row = DBTaskResult.objects.select_for_update().get(pk=row.pk)
    if row.status == TaskResultStatus.SUCCESSFUL:
        raise NotTriedAgain("This task is done.")
    if row.status == TaskResultStatus.RUNNING and not is_cut_off(row, now):
        raise NotTriedAgain(
            "This task is being done. If it was cut off, that is known at "
            f"{timezone.localtime(row.started_at + LONGEST):%H:%M %Z}; try it then."
        )
    was = row.status
    row.status, row.run_after = TaskResultStatus.READY, now
    row.save(update_fields=["status", "run_after"])
    record_event(
        type="task.tried_again",
        subject=_Named(row.pk),
        business=None,
        actor=actor,
        now=now,
        data={"task": row.task_path, "was": was},
    )
    if isinstance(task_backends[row.backend_name], TriedAtOnce):
        transaction.on_commit(partial(_try, row.pk), robust=True)


def _try(task_id: UUID | str) -> None:
    with exclusive_transaction():
        waiting = DBTaskResult.objects.ready().filter(pk=task_id)
        row = waiting.get_locked()
        if row is None:
            return
        worker = _worker()
        row.claim(worker.worker_id)
    # Not in the time zone of whoever happens to have asked.
    with timezone.override(None):
        worker.run_task(row)


def _worker() -> Worker:
    return Worker(
        queue_names=["default"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=1,
        worker_id="at-once",
        excluded_queue_names=[],
    )
