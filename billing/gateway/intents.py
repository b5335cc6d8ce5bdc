"""
Payments as Stripe counts them, whatever they were made with.

Each call raises PaymentPending or PaymentRejected, and may be repeated.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.gateway.amounts import from_stripe
from billing.gateway.answers import moment, uuid_in
from billing.gateway.client import stripe_client
from billing.gateway.listing import listed


@dataclass(frozen=True, slots=True)
class Intent:
    """A PaymentIntent as it is now. `amount` is what arrived."""

    id: str
    status: str
    amount: int
    currency: str
    invoice_id: UUID | None
    created_at: datetime


def list_intents(since: datetime, until: datetime) -> Iterator[Intent]:
    """Those made from `since` on and before `until`, newest first."""
    rows = listed(stripe_client().v1.payment_intents.list, since, until)
    return map(_intent, rows)


def _intent(answer: Mapping[str, Any]) -> Intent:
    currency = answer["currency"].upper()
    return Intent(
        id=answer["id"],
        status=answer["status"],
        amount=from_stripe(answer["amount_received"], currency),
        currency=currency,
        invoice_id=uuid_in(answer.get("metadata"), "invoice"),
        created_at=moment(answer["created"]),
    )
