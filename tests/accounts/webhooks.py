"""Events that are told to endpoints, tried as often as a test wants."""

from datetime import timedelta

from accounts.services import deliveries
from accounts.services.events import record_event


def record(business, now, **data):
    return record_event(
        type="customer.created",
        subject=business,
        business=business,
        actor=None,
        now=now,
        data=data,
    )


def deliver(now, minutes=5):
    return deliveries.deliver_due(
        clock=lambda: now, until=now + timedelta(minutes=minutes)
    )


def tried(endpoint, now, *, times=1):
    """The only delivery, and when it is tried next, after as many tries."""
    for _ in range(times):
        deliver(now)
        found = endpoint.deliveries.get()
        now = found.next_try_at or now
    return found, now
