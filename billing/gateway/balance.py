"""
What moved on the account's balance at Stripe, and what Stripe kept of it.

Each call raises PaymentPending or PaymentRejected, and may be repeated.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.gateway.amounts import from_stripe
from billing.gateway.answers import expanded, moment
from billing.gateway.client import stripe_client
from billing.gateway.listing import listed


@dataclass(frozen=True, slots=True)
class Movement:
    """
    A balance transaction: a charge, a refund, a dispute, a payout. In the currency of the
    balance, which need not be the payer's; negative is away from us, but for the fee.
    """

    id: str
    type: str
    amount: int
    fee: int
    net: int
    currency: str
    source: str
    # Of the payment that it is about, if any.
    payment_intent: str
    created_at: datetime
    available_at: datetime


def list_movements(since: datetime, until: datetime) -> Iterator[Movement]:
    """Those made from `since` on and before `until`, newest first."""
    transactions = stripe_client().v1.balance_transactions
    rows = listed(transactions.list, since, until, expand=["data.source"])
    return map(_movement, rows)


def _movement(answer: Mapping[str, Any]) -> Movement:
    currency = answer["currency"].upper()
    source = expanded(answer.get("source"))
    amount, fee, net = (
        _converted(answer[name], currency) for name in ("amount", "fee", "net")
    )
    return Movement(
        id=answer["id"],
        type=answer["type"],
        amount=amount,
        fee=fee,
        net=net,
        currency=currency,
        source=source.get("id", ""),
        payment_intent=expanded(source.get("payment_intent")).get("id", ""),
        created_at=moment(answer["created"]),
        available_at=moment(answer["available_on"]),
    )


def _converted(amount: int, currency: str) -> int:
    # Toward zero on both sides, so that what goes is as much as what came.
    size = from_stripe(abs(amount), currency)
    return size if amount >= 0 else -size
