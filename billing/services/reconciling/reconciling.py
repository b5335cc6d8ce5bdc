"""
Holding the books against Stripe, and mending what is unambiguous.

Webhooks may be lost, processes killed, databases restored from a copy: what Stripe says
now is what happened. A run goes through each day at Stripe, the oldest first, and then
through what waits here. Everything it mends is mended by the service that the webhook
would have called, so that a run may be killed, repeated, or meet a webhook.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from billing.exceptions import PaymentPending, PaymentRejected
from billing.models import ReconciliationRun
from billing.services.reconciling import (
    balance,
    books,
    returns,
    runs,
    sessions,
    undelivered,
    waiting,
)
from billing.services.reconciling.rounds import OutOfTime, Round, TakenOver

type DayCheck = Callable[[Round, datetime, datetime], None]
type Check = Callable[[Round], None]

# What a day brought: payments before what went back of them.
_OF_A_DAY: Final[Sequence[DayCheck]] = (
    sessions.check_sessions,
    sessions.check_intents,
    returns.check_refunds,
    returns.check_disputes,
    undelivered.check_events,
    balance.check_balance,
)
# By the name under which a run remembers that it is done.
_OF_ALL: Final[Mapping[str, Check]] = {
    "attempts": waiting.check_attempts,
    "refunds": waiting.check_requested_refunds,
    "disputes": waiting.check_undecided_disputes,
    "events": waiting.check_failed_events,
    "balance": balance.check_unmoved,
    "books": books.check_books,
}
_DAY: Final = timedelta(days=1)


class Outcome(Enum):
    """How a process's part in a run ended."""

    DONE = auto()
    BUSY = auto()
    OUT_OF_TIME = auto()
    STRIPE_AWAY = auto()
    TAKEN_OVER = auto()


@dataclass(frozen=True, slots=True)
class Result:
    outcome: Outcome
    # None where another process is at it.
    run: ReconciliationRun | None
    # By this process.
    found: int = 0


def reconcile(
    *,
    since: datetime | None,
    is_dry: bool,
    lasts: timedelta,
    clock: Callable[[], datetime],
    tell: Callable[[str], None],
) -> Result:
    """
    Hold the books against Stripe. May run any number of times; of two at once one leaves.
    Out of time, it stops, and the next call goes on from there. Call it outside a
    transaction.

    :param since: what was made at Stripe from there on; None for three days before the
        last good run
    :param is_dry: change nothing, only tell what would be
    :param tell: is given a line for each day, and for whatever is mended or found
    """
    now = clock()
    begin = runs.planned_run if is_dry else runs.begin_run
    run = begin(since=since, now=now)
    if run is None:
        return Result(Outcome.BUSY, None)
    round_ = Round(run, is_dry=is_dry, clock=clock, ends_at=now + lasts, tell=tell)
    outcome = _go_through(round_)
    if outcome == Outcome.DONE and not is_dry:
        runs.finish_run(run=run, now=clock())
    elif outcome != Outcome.TAKEN_OVER and not is_dry:
        runs.pause(run=run, now=clock())
    return Result(outcome, run, round_.found)


def _go_through(round_: Round) -> Outcome:
    try:
        for since, until in _days(round_.run):
            _check_day(round_, since, until)
        for name in _left(round_.run):
            _OF_ALL[name](round_)
            round_.run.step = name
            round_.save()
    except OutOfTime:
        return Outcome.OUT_OF_TIME
    except TakenOver:
        return Outcome.TAKEN_OVER
    except PaymentPending:
        return Outcome.STRIPE_AWAY
    return Outcome.DONE


def _days(run: ReconciliationRun) -> Iterator[tuple[datetime, datetime]]:
    """Those that are left, the oldest first."""
    while run.day and run.day < run.until:
        yield run.day, min(run.day + _DAY, run.until)


def _check_day(round_: Round, since: datetime, until: datetime) -> None:
    run = round_.run
    round_.handled.clear()
    for check in _OF_A_DAY:
        round_.breathe()
        begins = since
        if check is undelivered.check_events:
            begins = max(since, run.events_since)
        if begins < until:
            try:
                check(round_, begins, until)
            except PaymentRejected as error:
                # Our key may not, for one. The rest can be looked at all the same.
                round_.refused(check.__name__.removeprefix("check_"), error)
    round_.tell(f"{since:%Y-%m-%d}: {run.looked_at} rows looked at so far")
    run.day = until
    round_.save()


def _left(run: ReconciliationRun) -> list[str]:
    names = list(_OF_ALL)
    return names[names.index(run.step) + 1 :] if run.step else names
