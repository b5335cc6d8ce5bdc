"""
Payments that a bank takes back, asks about, or thinks are fraud.

Each call raises PaymentPending or PaymentRejected, and may be repeated.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.gateway.amounts import from_stripe
from billing.gateway.answers import expanded, moment
from billing.gateway.client import calling, stripe_client
from billing.gateway.listing import listed


@dataclass(frozen=True, slots=True)
class Movement:
    """
    Money withdrawn for a dispute (below zero), or given back: in the currency of the
    account's balance, which need not be the dispute's.
    """

    id: str
    amount: int
    currency: str
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as it is now, with all that it has moved so far."""

    id: str
    payment_intent: str
    charge: str
    amount: int
    currency: str
    status: str
    reason: str
    due_by: datetime | None
    is_refundable: bool
    livemode: bool
    movements: tuple[Movement, ...]
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class FraudWarning:
    """A bank's suspicion. Nothing has moved, and perhaps nothing will."""

    id: str
    payment_intent: str
    charge: str


def retrieve_dispute(dispute_id: str) -> Dispute:
    with calling():
        answer = stripe_client(quick=True).v1.disputes.retrieve(dispute_id)
    return _dispute(answer.to_dict())


def list_disputes(since: datetime, until: datetime) -> Iterator[Dispute]:
    """Those opened from `since` on and before `until`, newest first."""
    return map(_dispute, listed(stripe_client().v1.disputes.list, since, until))


def retrieve_fraud_warning(warning_id: str) -> FraudWarning:
    with calling():
        client = stripe_client(quick=True)
        answer = client.v1.radar.early_fraud_warnings.retrieve(warning_id)
    warning = answer.to_dict()
    return FraudWarning(
        id=warning["id"],
        payment_intent=expanded(warning.get("payment_intent")).get("id", ""),
        charge=expanded(warning["charge"])["id"],
    )


def _dispute(answer: Mapping[str, Any]) -> Dispute:
    currency = answer["currency"].upper()
    # Zero where the bank hears no answer.
    due_by = answer["evidence_details"].get("due_by")
    return Dispute(
        id=answer["id"],
        payment_intent=expanded(answer.get("payment_intent")).get("id", ""),
        charge=expanded(answer["charge"])["id"],
        amount=from_stripe(answer["amount"], currency),
        currency=currency,
        status=answer["status"],
        reason=answer["reason"],
        due_by=moment(due_by) if due_by else None,
        is_refundable=answer["is_charge_refundable"],
        livemode=answer["livemode"],
        movements=tuple(_movements(answer["balance_transactions"])),
        opened_at=moment(answer["created"]),
    )


def _movements(entries: Iterable[Mapping[str, Any]]) -> Iterator[Movement]:
    for entry in entries:
        currency = entry["currency"].upper()
        size = from_stripe(abs(entry["amount"]), currency)
        # A fee alone moves nothing of the payer's.
        if size:
            yield Movement(
                id=entry["id"],
                amount=size if entry["amount"] > 0 else -size,
                currency=currency,
                moved_at=moment(entry["created"]),
            )
