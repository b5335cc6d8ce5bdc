"""
Money that Stripe sends back.

Each call raises PaymentPending or PaymentRejected, and the first may be repeated.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.gateway.amounts import from_stripe, to_stripe
from billing.gateway.answers import expanded, moment, uuid_in
from billing.gateway.client import calling, stripe_client
from billing.gateway.listing import listed


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as it is now. `key` is ours, or None if it was made in the Dashboard."""

    id: str
    payment_intent: str
    amount: int
    currency: str
    status: str
    key: UUID | None
    created_at: datetime


def create_refund(
    *, payment_intent: str, amount: int, currency: str, key: UUID
) -> Refund:
    """The same key gives the same refund, for a day; after that `find_refund` first."""
    with calling():
        answer = stripe_client().v1.refunds.create(
            {
                "payment_intent": payment_intent,
                "amount": to_stripe(amount, currency),
                "metadata": {"refund": str(key)},
            },
            {"idempotency_key": f"re-{key}"},
        )
    return _refund(answer.to_dict())


def retrieve_refund(refund_id: str) -> Refund:
    with calling():
        answer = stripe_client(quick=True).v1.refunds.retrieve(refund_id)
    return _refund(answer.to_dict())


def find_refund(*, payment_intent: str, key: UUID) -> Refund | None:
    """The refund that was made under our key, however long ago."""
    with calling():
        answers = stripe_client().v1.refunds.list(
            {"payment_intent": payment_intent, "limit": 100}
        )
        refunds = [_refund(answer.to_dict()) for answer in answers.auto_paging_iter()]
    return next((refund for refund in refunds if refund.key == key), None)


def list_refunds(since: datetime, until: datetime) -> Iterator[Refund]:
    """Those made from `since` on and before `until`, newest first."""
    return map(_refund, listed(stripe_client().v1.refunds.list, since, until))


def _refund(answer: Mapping[str, Any]) -> Refund:
    currency = answer["currency"].upper()
    return Refund(
        id=answer["id"],
        payment_intent=expanded(answer.get("payment_intent")).get("id", ""),
        amount=from_stripe(answer["amount"], currency),
        currency=currency,
        status=answer["status"],
        key=uuid_in(answer.get("metadata"), "refund"),
        created_at=moment(answer["created"]),
    )
