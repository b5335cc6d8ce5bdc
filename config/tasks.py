"""Tasks where no worker resides: rows, tried at once, and again by schedule."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.tasks import Task, TaskResultStatus
from django_tasks_db import DatabaseBackend
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult
from django_tasks_db.utils import exclusive_transaction

# Lambda lets nothing run for more than 15 minutes.
LONGEST: Final = timedelta(minutes=16)
ATTEMPTS: Final = 3


class CutOff(Exception):
    """A task's environment ended while it ran, time after time."""


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
    Let tasks be tried again that were begun and not ended: their environment was killed,
    or its database was gone. What they did until then may happen twice.
    """
    for row in DBTaskResult.objects.running().filter(started_at__lt=now - LONGEST):
        if len(row.worker_ids) >= ATTEMPTS:
            row.set_failed(CutOff(f"It was cut off {ATTEMPTS} times."))
            continue
        # Somebody else may have, at this moment.
        same = DBTaskResult.objects.running().filter(started_at=row.started_at)
        same.filter(pk=row.pk).update(status=TaskResultStatus.READY)


def _try(task_id: str) -> None:
    with exclusive_transaction():
        waiting = DBTaskResult.objects.ready().filter(pk=task_id)
        row = waiting.get_locked()
        if row is None:
            return
        worker = _worker()
        row.claim(worker.worker_id)
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
