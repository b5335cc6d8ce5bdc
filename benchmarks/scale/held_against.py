"""The newest payments held against Stripe, which says of them what the books say."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from unittest.mock import patch

from billing.gateway import balance as stripes_balance
from billing.gateway import sessions as stripes_sessions
from billing.models import BalanceTransaction, Payment
from billing.services.reconciling import balance, books, runs, sessions, waiting
from billing.services.reconciling.rounds import Round

# As many as the fewest books have.
PAGE: Final = 20
LASTS: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Facts:
    """What Stripe lists."""

    sessions: list[stripes_sessions.Session]
    movements: list[stripes_balance.Movement]


def newest() -> Facts:
    payments = Payment.objects.select_related("invoice", "checkout").order_by("-pk")
    shown = list(payments[:PAGE])
    moved = BalanceTransaction.objects.filter(type="charge", payment__in=shown)
    return Facts(
        sessions=list(map(_session, shown)),
        movements=[_movement(row) for row in moved.select_related("payment")],
    )


def _session(payment: Payment) -> stripes_sessions.Session:
    checkout = payment.checkout
    assert checkout is not None  # noqa: S101 - for mypy: all of these books have one
    return stripes_sessions.Session(
        id=str(checkout.session_id),
        url=checkout.session_url,
        status="complete",
        payment_status="paid",
        livemode=False,
        amount=payment.amount,
        currency=payment.currency,
        charged=payment.amount,
        checkout_key=checkout.key,
        invoice_id=payment.invoice.public_id,
        payment_intent=payment.payment_intent,
        intent_status="succeeded",
        charge=payment.charge,
        paid_at=payment.received_at,
        created_at=checkout.started_at,
        expires_at=checkout.expires_at,
    )


def _movement(row: BalanceTransaction) -> stripes_balance.Movement:
    assert row.payment is not None  # noqa: S101 - for mypy: as above
    return stripes_balance.Movement(
        id=row.stripe_id,
        type=row.type,
        amount=row.amount,
        fee=row.fee,
        net=row.net,
        currency=row.currency,
        source=row.source,
        payment_intent=row.payment.payment_intent,
        created_at=row.created_at,
        available_at=row.available_on,
    )


def reconcile(facts: Facts) -> None:
    """:raises RuntimeError: if anything is found"""
    round_ = _round()
    since, until = round_.run.since, round_.run.until
    with (
        patch.object(stripes_sessions, "list_sessions", _listing(facts.sessions)),
        patch.object(stripes_balance, "list_movements", _listing(facts.movements)),
    ):
        sessions.check_sessions(round_, since, until)
        balance.check_balance(round_, since, until)
    for check in (
        *(waiting.check_attempts, waiting.check_requested_refunds),
        *(waiting.check_undecided_disputes, waiting.check_failed_events),
        balance.check_unmoved,
    ):
        check(round_)


def look_at_the_latest() -> None:
    """What was booked since the latest run: how much that is, no index makes less."""
    books.check_books(_round())


def _round() -> Round:
    now = datetime.now(UTC)
    return Round(
        runs.planned_run(since=None, now=now),
        # Nothing is to be changed; so it looks up all that it may change.
        is_dry=False,
        clock=lambda: now,
        ends_at=now + LASTS,
        tell=_refuse,
    )


def _refuse(line: str) -> None:
    raise RuntimeError(f"The books do not agree with themselves: {line}")


def _listing[Fact](facts: list[Fact]) -> Callable[[datetime, datetime], Iterator[Fact]]:
    return lambda since, until: iter(facts)
