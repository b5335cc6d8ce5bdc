"""
The only module that speaks to Stripe.

Amounts on this side are minor units as ISO 4217 counts them; what Stripe counts
differently is converted here, both ways. Never call this inside a transaction.

`stripe` is imported where it is used: a page that takes no money does not pay for it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from django.conf import settings

from accounts.money import EXPONENTS
from billing.exceptions import (
    AmountNotPayable,
    InvalidSignature,
    PaymentPending,
    PaymentRejected,
)
from invoices.money import exponent, format_money

if TYPE_CHECKING:
    import stripe
    from stripe.params.checkout import SessionCreateParams

logger = logging.getLogger(__name__)

# The version of the pinned SDK. Webhook endpoints are created with the same.
API_VERSION: Final = "2026-10-28.endive"

# Seconds to connect and to wait for bytes. With one retry the worst is 22.5 s, below the
# 29 s of API Gateway; reads within a webhook or a redirect must be quicker.
_TIMEOUT: Final = (3, 8)
_QUICK_TIMEOUT: Final = (2, 6)

# Stripe's events are a few kilobytes.
_LARGEST_EVENT: Final = 64 * 1024
_OLDEST_SIGNATURE: Final = timedelta(minutes=5)
# The SDK checks age only: a clock that is ahead would make a signature last.
_FURTHEST_AHEAD: Final = timedelta(minutes=10)

# Where Stripe counts otherwise than ISO 4217. Everything else has two decimals.
# https://docs.stripe.com/currencies#zero-decimal
# fmt: off
_WITHOUT_DECIMALS: Final = frozenset({
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV",
    "XAF", "XOF", "XPF",
})
# The last of these three must be zero.
_THREE_DECIMALS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# fmt: on
_LARGEST_CHARGE: Final = 99_999_999
# A hint: the truth is half a dollar in the currency Stripe settles in.
# fmt: off
_SMALLEST_CHARGES: Final[Mapping[str, int]] = {
    "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500,
    "DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50,
    "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300,
    "SGD": 50, "USD": 50,
}
# fmt: on


# Money


def to_stripe(amount: int, currency: str) -> int:
    """
    :raises AmountNotPayable: if Stripe cannot charge exactly that
    """
    step = _step(currency)
    if amount % step:
        raise AmountNotPayable(
            f"Only steps of {format_money(step, currency)} can be paid here."
        )
    charged = _rescaled(amount, exponent(currency), _stripe_digits(currency))
    if charged > _LARGEST_CHARGE:
        largest = format_money(from_stripe(_LARGEST_CHARGE, currency), currency)
        raise AmountNotPayable(f"{largest} is the most that can be paid at once.")
    return charged


def from_stripe(amount: int, currency: str) -> int:
    """Exact for every amount that `to_stripe` returns; rounds down what is none."""
    digits = _stripe_digits(currency)
    return _rescaled(amount, digits, EXPONENTS.get(currency, digits))


def smallest_charge(currency: str) -> int:
    """About the least that Stripe charges, in minor units. Stripe may refuse more."""
    return max(_SMALLEST_CHARGES.get(currency, 1), _step(currency))


def _stripe_digits(currency: str) -> int:
    if currency in _WITHOUT_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def _step(currency: str) -> int:
    """Of what an amount in minor units must be a multiple."""
    if currency in _THREE_DECIMALS:
        return 10
    return _power(max(exponent(currency) - _stripe_digits(currency), 0))


def _rescaled(amount: int, digits: int, new_digits: int) -> int:
    return amount * _power(new_digits) // _power(digits)


def _power(digits: int) -> int:
    power: int = 10**digits
    return power


# What Stripe tells


@dataclass(frozen=True, slots=True)
class Session:
    """A Checkout Session as it is now. `charged` is its total as Stripe counts it."""

    id: str
    url: str
    status: str
    payment_status: str
    livemode: bool
    amount: int
    currency: str
    charged: int
    checkout_key: UUID | None
    payment_intent: str
    intent_status: str
    charge: str
    paid_at: datetime


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


@dataclass(frozen=True, slots=True)
class Event:
    """That something happened to an object; what happened is asked of Stripe."""

    id: str
    type: str
    object_id: str
    livemode: bool
    api_version: str


def is_live() -> bool:
    """Whether this stage takes real money."""
    return settings.STAGE == "prod"


# Calls. Each raises PaymentPending or PaymentRejected, and the first may be repeated.


def create_session(params: Mapping[str, Any], key: UUID) -> Session:
    """The same key and parameters give the same session."""
    with _calling():
        answer = client().v1.checkout.sessions.create(
            cast("SessionCreateParams", params), {"idempotency_key": f"cs-{key}"}
        )
    return _session(answer.to_dict())


def retrieve_session(session_id: str) -> Session:
    with _calling():
        answer = client(quick=True).v1.checkout.sessions.retrieve(
            session_id, {"expand": ["payment_intent.latest_charge"]}
        )
    return _session(answer.to_dict())


def find_session(payment_intent: str) -> Session | None:
    """The session in which this payment was made, if any."""
    with _calling():
        answers = client(quick=True).v1.checkout.sessions.list(
            {
                "payment_intent": payment_intent,
                "limit": 1,
                "expand": ["data.payment_intent.latest_charge"],
            }
        )
    return next((_session(answer.to_dict()) for answer in answers.data), None)


def expire_session(session_id: str) -> None:
    """:raises PaymentRejected: if the session is not open"""
    with _calling():
        client().v1.checkout.sessions.expire(session_id)


def create_refund(
    *, payment_intent: str, amount: int, currency: str, key: UUID
) -> Refund:
    """The same key gives the same refund, for a day; after that `find_refund` first."""
    with _calling():
        answer = client().v1.refunds.create(
            {
                "payment_intent": payment_intent,
                "amount": to_stripe(amount, currency),
                "metadata": {"refund": str(key)},
            },
            {"idempotency_key": f"re-{key}"},
        )
    return _refund(answer.to_dict())


def retrieve_refund(refund_id: str) -> Refund:
    with _calling():
        answer = client(quick=True).v1.refunds.retrieve(refund_id)
    return _refund(answer.to_dict())


def find_refund(*, payment_intent: str, key: UUID) -> Refund | None:
    """The refund that was made under our key, however long ago."""
    with _calling():
        answers = client().v1.refunds.list(
            {"payment_intent": payment_intent, "limit": 100}
        )
        refunds = [_refund(answer.to_dict()) for answer in answers.auto_paging_iter()]
    return next((refund for refund in refunds if refund.key == key), None)


@lru_cache(maxsize=2)
def client(*, quick: bool = False) -> stripe.StripeClient:
    """Kept for the life of the process, and with it the connections."""
    import stripe

    stripe.enable_telemetry = False
    return stripe.StripeClient(
        settings.STRIPE_API_KEY,
        stripe_version=API_VERSION,
        # What is asked within a webhook is asked again by the next delivery.
        max_network_retries=0 if quick else 1,
        http_client=http_client(_QUICK_TIMEOUT if quick else _TIMEOUT),
        base_addresses=(
            {"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else {}
        ),
    )


def http_client(timeout: tuple[float, float]) -> stripe.HTTPClient:
    import stripe

    return stripe.RequestsClient(timeout=timeout)


@contextmanager
def _calling() -> Iterator[None]:
    """
    Tell apart what Stripe refused from what nobody knows.

    :raises PaymentPending: if the outcome is unknown, or the call cannot be made now
    :raises PaymentRejected: if nothing happened, and will not
    """
    import stripe

    try:
        yield
    except stripe.AuthenticationError as error:
        logger.critical("Stripe does not accept our key")
        raise PaymentPending(_NOT_NOW) from error
    except stripe.IdempotencyError as error:
        # Parameters changed under a key. A new key might charge twice: a person decides.
        logger.critical("A call to Stripe was repeated with other parameters")
        raise PaymentPending(_NOT_NOW) from error
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        logger.warning("Stripe cannot be asked: %s", type(error).__name__)
        raise PaymentPending(_NOT_NOW) from error
    except stripe.StripeError as error:
        reason = error.code or type(error).__name__
        raise PaymentRejected(_REFUSED, reason) from error


_NOT_NOW: Final = (
    "Payments are not available this minute; nothing was charged. Try again."
)
_REFUSED: Final = "Stripe did not accept this; nothing was charged."


def _session(answer: Mapping[str, Any]) -> Session:
    intent = _expanded(answer.get("payment_intent"))
    charge = _expanded(intent.get("latest_charge"))
    currency = answer["currency"].upper()
    return Session(
        id=answer["id"],
        url=answer.get("url") or "",
        status=answer["status"],
        payment_status=answer["payment_status"],
        livemode=answer["livemode"],
        amount=from_stripe(answer["amount_total"], currency),
        currency=currency,
        charged=answer["amount_total"],
        checkout_key=_uuid(answer.get("metadata"), "checkout"),
        payment_intent=intent.get("id", ""),
        intent_status=intent.get("status", ""),
        charge=charge.get("id", ""),
        paid_at=_moment(charge.get("created", answer["created"])),
    )


def _refund(answer: Mapping[str, Any]) -> Refund:
    currency = answer["currency"].upper()
    return Refund(
        id=answer["id"],
        payment_intent=_expanded(answer.get("payment_intent")).get("id", ""),
        amount=from_stripe(answer["amount"], currency),
        currency=currency,
        status=answer["status"],
        key=_uuid(answer.get("metadata"), "refund"),
        created_at=_moment(answer["created"]),
    )


def _expanded(field: Any) -> Mapping[str, Any]:
    """An object of which Stripe tells all, the id alone, or nothing."""
    if isinstance(field, str):
        return {"id": field}
    return field or {}


def _uuid(metadata: Mapping[str, str] | None, name: str) -> UUID | None:
    """Metadata may be anybody's: people write it in the Dashboard too."""
    try:
        return UUID((metadata or {}).get(name, ""))
    except ValueError:
        return None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# Webhooks


def parse_event(body: bytes, header: str, *, now: datetime) -> Event:
    """
    The event in the raw body of a webhook, if Stripe signed it for us.

    :param header: `Stripe-Signature`
    :raises InvalidSignature: if it did not, or long ago, or for another account
    """
    if len(body) > _LARGEST_EVENT:
        raise InvalidSignature("The body is larger than any event.")
    _check_signature(body, header, now)
    try:
        return _event(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidSignature("The body is no event.") from error


def _check_signature(body: bytes, header: str, now: datetime) -> None:
    if not any(
        _is_signed(body, header, secret) for secret in settings.STRIPE_WEBHOOK_SECRETS
    ):
        raise InvalidSignature("The signature is not Stripe's, or too old.")
    # Well-formed, or no signature would have held; the SDK too takes the first.
    signed_at = next(
        int(part[2:]) for part in header.split(",") if part.startswith("t=")
    )
    if _moment(signed_at) > now + _FURTHEST_AHEAD:
        raise InvalidSignature("The signature is of the future.")


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    import stripe

    tolerance = int(_OLDEST_SIGNATURE.total_seconds())
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, tolerance)
    # A body that is not UTF-8 is a ValueError, a header that is not ASCII a TypeError.
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        return False
    return True


def _event(body: dict[str, Any]) -> Event:
    """:raises ValueError and its like: if it is no snapshot event to us"""
    if body["object"] != "event":
        raise ValueError("Thin events are not subscribed to.")
    if body.get("account") or body.get("context"):
        raise ValueError("We have no connected accounts.")
    return Event(
        id=body["id"],
        type=body["type"],
        object_id=body["data"]["object"].get("id") or "",
        livemode=body["livemode"],
        api_version=body.get("api_version") or "",
    )
