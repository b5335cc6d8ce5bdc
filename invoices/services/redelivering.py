"""Mail to customers that lost the task which was to carry it."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.tasks import TaskResultStatus

from invoices.models import Delivery
from invoices.services import delivering

# Longer than a task can run.
_PATIENCE: Final = timedelta(minutes=20)
_LIVE: Final = [TaskResultStatus.READY, TaskResultStatus.RUNNING]
_UNKNOWN: Final = (
    "We were cut off, and do not know whether this was sent. Ask whether it arrived, or "
    "send it again."
)


def take_up_lost(*, now: datetime) -> None:
    """
    Have mail sent that waits, and that no task knows of: the database was lost when the
    task was to be written, or restored from a copy. What its task gave up, or nobody
    could put together again, has failed, so that somebody sees it. May run at any time,
    and at once.
    """
    live = delivering.tasks().filter(status__in=_LIVE)
    known = {
        said["kwargs"]["delivery_id"]
        for said in live.values_list("args_kwargs", flat=True)
    }
    waiting = Delivery.objects.filter(
        status=Delivery.Status.QUEUED, queued_at__lt=now - _PATIENCE
    )
    for pk in waiting.order_by("pk").values_list("pk", flat=True):
        if pk not in known:
            _take_up(pk, now)


@transaction.atomic
def _take_up(pk: int, now: datetime) -> None:
    delivery = Delivery.objects.select_for_update().get(pk=pk)
    carried = delivering.tasks().filter(args_kwargs__kwargs__delivery_id=pk)
    # Somebody else may have done all this a moment ago.
    if delivery.status != Delivery.Status.QUEUED or (
        carried.filter(status__in=_LIVE).exists()
    ):
        return
    has_failed = carried.filter(status=TaskResultStatus.FAILED).exists()
    is_statement = delivery.kind == Delivery.Kind.STATEMENT
    if has_failed or is_statement or delivery.tries >= delivering.TRIES:
        delivering.fail(delivery=delivery, error=_UNKNOWN, now=now)
    else:
        delivering.requeue(delivery=delivery)
