"""Who reconciles: one at a time, for as long as it shows that it is alive."""

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.db.models import Min, QuerySet

from billing.models import Checkout, ReconciliationRun
from billing.services.reconciling import findings

# A process that has said nothing for so long was killed. No call to Stripe takes longer.
LEASE: Final = timedelta(minutes=5)
# How far each run looks back before the last good one: what was made then may have been
# paid since, and a webhook is repeated for as long.
OVERLAP: Final = timedelta(days=3)
EVENTS_OVERLAP: Final = timedelta(hours=1)

_SLOT: Final = 1
_RUNNING: Final = ReconciliationRun.Status.RUNNING


def begin_run(*, since: datetime | None, now: datetime) -> ReconciliationRun | None:
    """
    The run to go on with, which another left unfinished, or a new one. Two at once: one
    of them gets it.

    :param since: what was made at Stripe from there on; a run from another day is
        abandoned for it. None for a little before the last good run
    :returns: None if another process is at it
    """
    left = ReconciliationRun.objects.filter(slot=_SLOT, busy_until__lt=now)
    if since:
        left.exclude(since=_midnight(since)).update(
            slot=None, status=ReconciliationRun.Status.ABANDONED, finished_at=now
        )
    holder = uuid4()
    if left.update(holder=holder, busy_until=now + LEASE):
        return ReconciliationRun.objects.get(holder=holder)
    run = planned_run(since=since, now=now)
    run.slot = _SLOT
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        return None
    return run


def planned_run(*, since: datetime | None, now: datetime) -> ReconciliationRun:
    """What the next run looks at. Not saved."""
    good = ReconciliationRun.objects.filter(status=ReconciliationRun.Status.FINISHED)
    latest = good.order_by("-until", "-pk").first()
    if since is None and latest:
        since, events_since = latest.until - OVERLAP, latest.until - EVENTS_OVERLAP
    else:
        since = events_since = since or _beginning(now)
    since = _midnight(since)
    return ReconciliationRun(
        started_at=now,
        since=since,
        until=now,
        events_since=events_since,
        busy_until=now + LEASE,
        day=since,
    )


def _midnight(moment: datetime) -> datetime:
    # Stripe's days are gone through one by one, each of them whole.
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _beginning(now: datetime) -> datetime:
    first = Checkout.objects.aggregate(at=Min("started_at"))["at"]
    return (first or now) - OVERLAP


def renew(*, run: ReconciliationRun, now: datetime) -> bool:
    """
    Say that the run is alive, and where it is.

    :returns: whether it is still this process that holds it
    """
    return bool(
        _held(run).update(
            busy_until=now + LEASE,
            step=run.step,
            day=run.day,
            counts=run.counts,
            sums=run.sums,
            missed=run.missed,
        )
    )


def pause(*, run: ReconciliationRun, now: datetime) -> None:
    """Let go of a run that is not done, for the next process to go on with."""
    renew(run=run, now=now)
    _held(run).update(busy_until=now)


@transaction.atomic
def finish_run(*, run: ReconciliationRun, now: datetime) -> None:
    """
    Give the slot free, end the findings that were not seen again, and have whom they
    concern told of the new ones.
    """
    if not renew(run=run, now=now):
        return
    if not run.missed:
        findings.end_unseen(run=run, now=now)
    findings.tell_new(now=now)
    statuses = ReconciliationRun.Status
    run.status = statuses.INCOMPLETE if run.missed else statuses.FINISHED
    run.slot, run.finished_at = None, now
    run.found = findings.count_open()
    run.save(update_fields=["status", "slot", "finished_at", "found"])


def _held(run: ReconciliationRun) -> QuerySet[ReconciliationRun]:
    return ReconciliationRun.objects.filter(
        pk=run.pk, holder=run.holder, status=_RUNNING
    )
