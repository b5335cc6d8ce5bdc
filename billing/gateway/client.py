"""
How Stripe is called: with which key, for how long, and what its refusals mean.

This package alone speaks to Stripe, and never inside a transaction. `stripe` is imported
where it is used: a page that takes no money does not pay for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.conf import settings

from billing.exceptions import PaymentPending, PaymentRejected

if TYPE_CHECKING:
    import stripe

logger = logging.getLogger(__name__)

# The version of the pinned SDK. Webhook endpoints are created with the same.
API_VERSION: Final = "2026-10-28.endive"

# Seconds to connect and to wait for bytes. With one retry the worst is 22.5 s, below the
# 29 s of API Gateway; reads within a webhook or a redirect must be quicker.
_TIMEOUT: Final = (3, 8)
_QUICK_TIMEOUT: Final = (2, 6)

_NOT_NOW: Final = (
    "Payments are not available this minute; nothing was charged. Try again."
)
_REFUSED: Final = "Stripe did not accept this; nothing was charged."


def is_live() -> bool:
    """Whether this stage takes real money."""
    return settings.STAGE == "prod"


@lru_cache(maxsize=2)
def stripe_client(*, quick: bool = False) -> stripe.StripeClient:
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
def calling() -> Iterator[None]:
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
