"""Moving an attempt to pay from one status to the next."""

from datetime import datetime

from accounts.services.events import record_event
from billing.models import Checkout
from billing.states import LIVE, CheckoutStatus, checkout_can_become


def move_checkout(*, checkout: Checkout, to: CheckoutStatus, now: datetime) -> bool:
    """
    Move an attempt, if it may; an attempt that is over gives its slot free.

    Call it inside a transaction that holds the invoice's lock, with a row read under it.

    :returns: whether it moved
    """
    if not checkout_can_become(checkout.status, to):
        return False
    checkout.status = to
    checkout.open_slot = checkout.invoice_id if to in LIVE else None
    checkout.save(update_fields=["status", "open_slot", "updated_at"])
    record_event(
        type=f"checkout.{to}",
        subject=checkout.invoice,
        business=checkout.invoice.business,
        actor=None,
        now=now,
        data={"amount": checkout.amount, "currency": checkout.currency},
    )
    return True
