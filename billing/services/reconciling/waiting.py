"""What has waited too long here: attempts, refunds, disputes and events."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from billing.exceptions import AmountNotPayable, PaymentRejected
from billing.gateway import disputes, refunds
from billing.gateway.events import Event
from billing.models import Checkout, Dispute, Refund, StripeEvent
from billing.services import events, paying, refunding, settling
from billing.services.closing import end_checkout
from billing.services.reconciling import returns
from billing.services.reconciling.rounds import Round
from billing.states import CheckoutStatus, RefundStatus

ATTEMPTS: Final = "attempts"
EVENTS: Final = "events"

# Whoever is at it now is left alone.
_A_MOMENT: Final = timedelta(minutes=2)
_GRACE: Final = timedelta(minutes=10)
# Stripe forgets a key after a day; the page was to be open for an hour.
_KEY_IS_KNOWN: Final = timedelta(hours=23)
# No bank takes longer.
_LONGEST: Final = timedelta(days=14)


def check_attempts(round_: Round) -> None:
    """None is half made, and none waits for a page that is closed."""
    now = round_.clock()
    checkouts = Checkout.objects.select_related("invoice").order_by("pk")
    statuses = CheckoutStatus
    half_made = checkouts.filter(
        status=statuses.CREATING, started_at__lt=now - _A_MOMENT
    )
    for checkout in half_made.iterator():
        round_.look(ATTEMPTS)
        is_repeatable = checkout.started_at > now - _KEY_IS_KNOWN
        act = _repeat if is_repeatable else _give_up
        words = "made at Stripe" if is_repeatable else "given up"
        _mend(round_, checkout, words, partial(act, round_, checkout))
    closed = checkouts.filter(status=statuses.OPEN, expires_at__lt=now - _GRACE)
    # The rest was looked at with the sessions of the window.
    before = max(round_.run.since, now - _LONGEST)
    slow = checkouts.filter(status=statuses.PROCESSING, started_at__lt=before)
    for checkout in (*closed.iterator(), *slow.iterator()):
        round_.look(ATTEMPTS)
        _mend(round_, checkout, "asked for", partial(_sync, round_, checkout))


def _mend(
    round_: Round, checkout: Checkout, words: str, act: Callable[[], object]
) -> None:
    round_.mend(ATTEMPTS, str(checkout.key), words, act, invoice=checkout.invoice)


def _repeat(round_: Round, checkout: Checkout) -> None:
    try:
        paying.repeat_checkout(checkout=checkout, now=round_.clock())
    except (AmountNotPayable, PaymentRejected):
        # Nothing happened at Stripe: the attempt is over, and its invoice can be paid.
        return


def _give_up(round_: Round, checkout: Checkout) -> None:
    end_checkout(checkout, CheckoutStatus.EXPIRED, round_.clock())


def _sync(round_: Round, checkout: Checkout) -> bool:
    now = round_.clock()
    before = checkout.status
    synced = settling.sync_session(session_id=str(checkout.session_id), now=now)
    if synced and synced.status != before:
        return True
    if before == CheckoutStatus.PROCESSING and checkout.started_at < now - _LONGEST:
        days = (now - checkout.started_at).days
        round_.find(
            ATTEMPTS,
            str(checkout.key),
            f"A payment has been on its way for {days} days. Ask Stripe's support for "
            f"{checkout.session_id}.",
            invoice=checkout.invoice,
        )
    return False


def check_requested_refunds(round_: Round) -> None:
    """
    None waits to be sent, and none that is on its way ended unheard. Of one that nobody
    knows whether it was sent, `refunding` looks first.
    """
    now = round_.clock()
    rows = Refund.objects.select_related("payment__invoice").order_by("pk")
    unsent = rows.filter(
        status=RefundStatus.REQUESTED, stripe_id=None, requested_at__lt=now - _GRACE
    )
    for refund in unsent.iterator():
        round_.look(returns.REFUNDS)
        round_.mend(
            returns.REFUNDS,
            str(refund.public_id),
            "sent",
            partial(_send, round_, refund),
            invoice=refund.payment.invoice,
        )
    on_its_way = rows.filter(
        status__in=[RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION],
        requested_at__lt=round_.run.since,
    )
    for refund in on_its_way.iterator():
        round_.breathe()
        round_.look(returns.REFUNDS)
        name, invoice = str(refund.stripe_id), refund.payment.invoice
        with round_.each(returns.REFUNDS, name, invoice=invoice):
            fact = refunds.retrieve_refund(name)
            returns.compare_refund(round_, fact, refund, invoice)


def _send(round_: Round, refund: Refund) -> bool:
    refunding.ask_for_refund(refund=refund, now=round_.clock())
    refund.refresh_from_db()
    return refund.status != RefundStatus.REQUESTED


def check_undecided_disputes(round_: Round) -> None:
    """None was decided unheard. Those that the window holds were looked at."""
    rows = Dispute.objects.undecided().filter(opened_at__lt=round_.run.since)
    disputed = rows.select_related("payment__invoice").order_by("pk")
    for dispute in disputed.iterator():
        round_.breathe()
        round_.look(returns.DISPUTES)
        name, invoice = dispute.stripe_id, dispute.payment.invoice
        with round_.each(returns.DISPUTES, name, invoice=invoice):
            fact = disputes.retrieve_dispute(name)
            returns.compare_dispute(round_, fact, dispute, invoice)


def check_failed_events(round_: Round) -> None:
    """Each was acted on that once came here, and was not."""
    now = round_.clock()
    records = StripeEvent.objects.unfinished(now - events.CUT_OFF)
    # However old: Stripe forgets events, and never what they are about.
    left = records.filter(updated_at__lt=now - _GRACE)
    for record in left.order_by("pk").iterator():
        round_.look(EVENTS)
        event = Event(
            id=record.event_id,
            type=record.type,
            object_id=record.object_id,
            livemode=record.livemode,
            api_version=record.api_version,
        )
        receive(round_, event)


def receive(round_: Round, event: Event) -> None:
    """As if Stripe had delivered it."""
    round_.mend(
        EVENTS,
        event.id,
        f"{event.type} {event.object_id}",
        lambda: events.receive_event(event=event, now=round_.clock()) is not None,
    )
