"""Tasks where no worker resides: rows, tried at once, and again by schedule."""

from functools import partial
from typing import Any

from django.db import transaction
from django.tasks import Task
from django_tasks_db import DatabaseBackend
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult
from django_tasks_db.utils import exclusive_transaction


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
