"""Webhooks: what Stripe signed for us, and nobody else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from billing.exceptions import InvalidSignature
from billing.gateway.answers import moment
from billing.gateway.events import Event, read_event

# Stripe's events are a few kilobytes.
_LARGEST_EVENT: Final = 64 * 1024
_OLDEST_SIGNATURE: Final = timedelta(minutes=5)
# The SDK checks age only: a clock that is ahead would make a signature last.
_FURTHEST_AHEAD: Final = timedelta(minutes=10)


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
        return read_event(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
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
    if moment(signed_at) > now + _FURTHEST_AHEAD:
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
