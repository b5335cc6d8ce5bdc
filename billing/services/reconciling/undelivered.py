"""Events that Stripe could not deliver, or delivered to a database that is gone."""

from datetime import datetime
from itertools import batched

from billing.gateway.client import is_live
from billing.gateway.events import Event, Unread, list_events
from billing.gateway.listing import PAGE
from billing.models import StripeEvent
from billing.services import events
from billing.services.reconciling.rounds import Round
from billing.services.reconciling.waiting import EVENTS, receive


def check_events(round_: Round, since: datetime, until: datetime) -> None:
    """
    Each event that means anything here was acted on.

    All are asked for, not only those that Stripe knows it could not deliver: to Stripe,
    what came here before the database was restored from a copy was delivered.
    """
    missing: list[Event] = []
    listed = list_events(since, until, events.TYPES)
    for rows_ in batched(listed, PAGE, strict=False):
        round_.breathe()
        round_.look(EVENTS, len(rows_))
        page = [row for row in rows_ if isinstance(row, Event)]
        for row in rows_:
            if isinstance(row, Unread):
                _tell(round_, row)
        rows = StripeEvent.objects.filter(event_id__in=[event.id for event in page])
        # What failed is tried again by itself: see `check_failed_events`.
        known = set(rows.values_list("event_id", flat=True))
        missing += [event for event in page if event.id not in known]
    for event in reversed(missing):
        if event.livemode == is_live():
            receive(round_, event)


def _tell(round_: Round, row: Unread) -> None:
    words = (
        f"{row.type} is not acted on: {row.why}. See at Stripe what it is about, and "
        "whether our key is of this account alone."
    )
    round_.find(EVENTS, row.id, words, about=row.created_at)
