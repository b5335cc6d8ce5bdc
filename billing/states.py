"""The life of an attempt to pay, and of a refund: statuses and the moves between them."""

from collections.abc import Mapping

from django.db import models


class CheckoutStatus(models.TextChoices):
    CREATING = "creating", "Being created at Stripe"
    OPEN = "open", "Open"
    PROCESSING = "processing", "Payment on its way"
    PAID = "paid", "Paid"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Expired"
    SUPERSEDED = "superseded", "Superseded"
    REJECTED = "rejected", "Rejected by Stripe"


_ENDS = frozenset(
    {
        CheckoutStatus.PROCESSING,
        CheckoutStatus.PAID,
        CheckoutStatus.FAILED,
        CheckoutStatus.EXPIRED,
        CheckoutStatus.SUPERSEDED,
    }
)
# Money that arrives for an attempt we took for over still arrived.
_ONLY_PAID = frozenset({CheckoutStatus.PAID})

CHECKOUT_TRANSITIONS: Mapping[CheckoutStatus, frozenset[CheckoutStatus]] = {
    CheckoutStatus.CREATING: _ENDS | {CheckoutStatus.OPEN, CheckoutStatus.REJECTED},
    CheckoutStatus.OPEN: _ENDS,
    CheckoutStatus.PROCESSING: frozenset({CheckoutStatus.PAID, CheckoutStatus.FAILED}),
    CheckoutStatus.PAID: frozenset(),
    CheckoutStatus.FAILED: _ONLY_PAID,
    CheckoutStatus.EXPIRED: _ONLY_PAID,
    CheckoutStatus.SUPERSEDED: _ONLY_PAID,
    CheckoutStatus.REJECTED: _ONLY_PAID,
}

# An invoice has one live attempt at most.
LIVE = frozenset(
    {CheckoutStatus.CREATING, CheckoutStatus.OPEN, CheckoutStatus.PROCESSING}
)


class RefundStatus(models.TextChoices):
    """Stripe's own words, after our `requested`."""

    REQUESTED = "requested", "Requested"
    PENDING = "pending", "Pending"
    REQUIRES_ACTION = "requires_action", "Waits for the customer"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"


# Money that has left us, or is leaving.
LEFT = frozenset(
    {RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION, RefundStatus.SUCCEEDED}
)
# Money that stayed with us, or came back.
BACK = frozenset({RefundStatus.FAILED, RefundStatus.CANCELED})

REFUND_TRANSITIONS: Mapping[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.REQUESTED: LEFT | BACK,
    RefundStatus.PENDING: (LEFT - {RefundStatus.PENDING}) | BACK,
    RefundStatus.REQUIRES_ACTION: (LEFT - {RefundStatus.REQUIRES_ACTION}) | BACK,
    RefundStatus.SUCCEEDED: BACK,
    RefundStatus.FAILED: frozenset(),
    RefundStatus.CANCELED: frozenset(),
}


def checkout_can_become(current: str, new: CheckoutStatus) -> bool:
    """
    Whether an attempt may move so. News may be late: what may not move stays silently.
    """
    return new in CHECKOUT_TRANSITIONS[CheckoutStatus(current)]


def refund_can_become(current: str, new: RefundStatus) -> bool:
    """As `checkout_can_become`."""
    return new in REFUND_TRANSITIONS[RefundStatus(current)]
