"""
Checkout Sessions: Stripe's pages on which somebody pays.

Each call raises PaymentPending or PaymentRejected, and the first may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from billing.gateway.amounts import from_stripe
from billing.gateway.answers import expanded, moment, uuid_in
from billing.gateway.client import calling, stripe_client
from billing.gateway.listing import listed

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams


@dataclass(frozen=True, slots=True)
class Session:
    """
    A Checkout Session as it is now. `charged` is its total as Stripe counts it; key and
    invoice are what we wrote into its metadata.
    """

    id: str
    url: str
    status: str
    payment_status: str
    livemode: bool
    amount: int
    currency: str
    charged: int
    checkout_key: UUID | None
    invoice_id: UUID | None
    payment_intent: str
    intent_status: str
    charge: str
    paid_at: datetime
    created_at: datetime
    expires_at: datetime


def create_session(params: Mapping[str, Any], key: UUID) -> Session:
    """The same key and parameters give the same session."""
    with calling():
        answer = stripe_client().v1.checkout.sessions.create(
            cast("SessionCreateParams", params), {"idempotency_key": f"cs-{key}"}
        )
    return _session(answer.to_dict())


def retrieve_session(session_id: str) -> Session:
    with calling():
        answer = stripe_client(quick=True).v1.checkout.sessions.retrieve(
            session_id, {"expand": ["payment_intent.latest_charge"]}
        )
    return _session(answer.to_dict())


def find_session(payment_intent: str) -> Session | None:
    """The session in which this payment was made, if any."""
    with calling():
        answers = stripe_client(quick=True).v1.checkout.sessions.list(
            {
                "payment_intent": payment_intent,
                "limit": 1,
                "expand": ["data.payment_intent.latest_charge"],
            }
        )
    return next((_session(answer.to_dict()) for answer in answers.data), None)


def list_sessions(since: datetime, until: datetime) -> Iterator[Session]:
    """Those made from `since` on and before `until`, newest first."""
    rows = listed(
        stripe_client().v1.checkout.sessions.list,
        since,
        until,
        expand=["data.payment_intent.latest_charge"],
    )
    return map(_session, rows)


def expire_session(session_id: str) -> None:
    """:raises PaymentRejected: if the session is not open"""
    with calling():
        stripe_client().v1.checkout.sessions.expire(session_id)


def _session(answer: Mapping[str, Any]) -> Session:
    intent = expanded(answer.get("payment_intent"))
    charge = expanded(intent.get("latest_charge"))
    # One that only saves a card, for another program on the same account, has neither.
    currency = (answer["currency"] or "").upper()
    charged = answer["amount_total"] or 0
    return Session(
        id=answer["id"],
        url=answer.get("url") or "",
        status=answer["status"],
        payment_status=answer["payment_status"],
        livemode=answer["livemode"],
        amount=from_stripe(charged, currency),
        currency=currency,
        charged=charged,
        checkout_key=uuid_in(answer.get("metadata"), "checkout"),
        invoice_id=uuid_in(answer.get("metadata"), "invoice"),
        payment_intent=intent.get("id", ""),
        intent_status=intent.get("status", ""),
        charge=charge.get("id", ""),
        paid_at=moment(charge.get("created", answer["created"])),
        created_at=moment(answer["created"]),
        expires_at=moment(answer["expires_at"]),
    )
