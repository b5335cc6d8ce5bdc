"""The life of an attempt to pay, a refund and a dispute: statuses, and the moves between."""

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


class DisputeStatus(models.TextChoices):
    """Stripe's own words. A warning is a question of the bank's: no money has moved."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response", "Inquiry: needs your answer"
    WARNING_UNDER_REVIEW = "warning_under_review", "Inquiry: with the bank"
    WARNING_CLOSED = "warning_closed", "Inquiry closed"
    NEEDS_RESPONSE = "needs_response", "Needs your answer"
    UNDER_REVIEW = "under_review", "With the bank"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response", "Appeal: needs your answer"
    APPEAL_UNDER_REVIEW = "appeal_under_review", "Appeal: with the bank"
    WON = "won", "Won"
    LOST = "lost", "Lost"
    PREVENTED = "prevented", "Prevented"


# Somebody must answer, or the money is lost.
NEEDS_ANSWER = frozenset(
    {
        DisputeStatus.WARNING_NEEDS_RESPONSE,
        DisputeStatus.NEEDS_RESPONSE,
        DisputeStatus.APPEAL_NEEDS_RESPONSE,
    }
)
# No money has moved. A refund ends it before any does.
INQUIRY = frozenset(
    {DisputeStatus.WARNING_NEEDS_RESPONSE, DisputeStatus.WARNING_UNDER_REVIEW}
)
_CONTESTED = frozenset(
    {
        DisputeStatus.NEEDS_RESPONSE,
        DisputeStatus.UNDER_REVIEW,
        DisputeStatus.APPEAL_NEEDS_RESPONSE,
        DisputeStatus.APPEAL_UNDER_REVIEW,
    }
)
UNDECIDED = INQUIRY | _CONTESTED
DECIDED = frozenset(DisputeStatus) - UNDECIDED
# The bank has the money, or decides on it: there is nothing here to send back.
NOT_OURS_TO_REFUND = _CONTESTED | {DisputeStatus.LOST}

APPEALED = frozenset(
    {DisputeStatus.APPEAL_NEEDS_RESPONSE, DisputeStatus.APPEAL_UNDER_REVIEW}
)
_VERDICT = frozenset({DisputeStatus.WON, DisputeStatus.LOST})

# What somebody is to do about it, in plain words.
ADVICE: Mapping[DisputeStatus, str] = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: (
        "The bank asks about this payment; no money has moved. Talk to the customer, and "
        "answer at Stripe. Or refund all of it now: then it cannot be disputed any more."
    ),
    DisputeStatus.WARNING_UNDER_REVIEW: (
        "The bank has your answer, and no money has moved. There is nothing to do."
    ),
    DisputeStatus.WARNING_CLOSED: (
        "The bank asked and left it at that. There is nothing to do."
    ),
    DisputeStatus.NEEDS_RESPONSE: (
        "The bank takes the money back for the customer, unless you object. If you have "
        "delivered what was paid for, gather what proves it (the order, the delivery, "
        "what you wrote to each other) and hand it in at Stripe, which takes it once. "
        "If the customer is right, accept the dispute at Stripe. Do not pay the money "
        "back another way as well: the customer would have it twice."
    ),
    DisputeStatus.UNDER_REVIEW: (
        "The bank has your evidence, and decides within two or three months. There is "
        "nothing to do."
    ),
    DisputeStatus.APPEAL_NEEDS_RESPONSE: (
        "The decision is appealed. Read at Stripe what is asked of you, and answer there."
    ),
    DisputeStatus.APPEAL_UNDER_REVIEW: (
        "The appeal is with the bank. There is nothing to do."
    ),
    DisputeStatus.WON: (
        "The bank decided for you: the payment is yours. There is nothing to do."
    ),
    DisputeStatus.LOST: (
        "The bank decided for the customer, who keeps the money. The invoice stays paid, "
        "and is not due again by itself. If the customer need not pay, issue a credit "
        "note; if you still want the money, ask for it on a new invoice."
    ),
    DisputeStatus.PREVENTED: (
        "The dispute was settled before it began. There is nothing to do."
    ),
}
# What the payer told the bank. Stripe's other words are shown as they are.
REASONS: Mapping[str, str] = {
    "credit_not_processed": "A refund was promised and did not come",
    "duplicate": "Paid twice",
    "fraudulent": "Somebody else used the card",
    "general": "No reason was given",
    "product_not_received": "Nothing was delivered",
    "product_unacceptable": "What was delivered is not what was ordered",
    "subscription_canceled": "It had been canceled",
    "unrecognized": "The payment is not recognized",
}

# News that is late must not undo what is newer; whatever comes to the end may be appealed.
DISPUTE_TRANSITIONS: Mapping[DisputeStatus, frozenset[DisputeStatus]] = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: frozenset(DisputeStatus)
    - {DisputeStatus.WARNING_NEEDS_RESPONSE},
    DisputeStatus.WARNING_UNDER_REVIEW: frozenset(DisputeStatus) - INQUIRY,
    DisputeStatus.WARNING_CLOSED: _CONTESTED | _VERDICT,
    DisputeStatus.NEEDS_RESPONSE: APPEALED
    | _VERDICT
    | {DisputeStatus.UNDER_REVIEW, DisputeStatus.PREVENTED},
    DisputeStatus.UNDER_REVIEW: APPEALED | _VERDICT | {DisputeStatus.PREVENTED},
    DisputeStatus.APPEAL_NEEDS_RESPONSE: _VERDICT | {DisputeStatus.APPEAL_UNDER_REVIEW},
    DisputeStatus.APPEAL_UNDER_REVIEW: _VERDICT,
    DisputeStatus.WON: APPEALED | {DisputeStatus.LOST},
    DisputeStatus.LOST: APPEALED | {DisputeStatus.WON},
    DisputeStatus.PREVENTED: frozenset(),
}


def checkout_can_become(current: str, new: CheckoutStatus) -> bool:
    """
    Whether an attempt may move so. News may be late: what may not move stays silently.
    """
    return new in CHECKOUT_TRANSITIONS[CheckoutStatus(current)]


def refund_can_become(current: str, new: RefundStatus) -> bool:
    """As `checkout_can_become`."""
    return new in REFUND_TRANSITIONS[RefundStatus(current)]


def dispute_can_become(current: str, new: DisputeStatus) -> bool:
    """As `checkout_can_become`."""
    return new in DISPUTE_TRANSITIONS[DisputeStatus(current)]
