"""Money must not be taken with the wrong key: a stage that would does not start."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from billing.gateway.client import is_live


@register(Tags.security)
def check_stripe(**_kwargs: Any) -> list[CheckMessage]:
    return list(_mistakes())


def _mistakes() -> Iterator[CheckMessage]:
    mode = re.match(r"(?:sk|rk)_(live|test)_", settings.STRIPE_API_KEY)
    if mode is None:
        yield Error(
            "STRIPE_API_KEY is no secret or restricted key of Stripe's.",
            id="billing.E001",
        )
    elif (mode[1] == "live") != is_live():
        yield Error(
            f"STRIPE_API_KEY is a {mode[1]} key, but the stage is {settings.STAGE}: "
            "live keys belong to prod, and only they do.",
            id="billing.E002",
        )
    if settings.STRIPE_API_BASE and is_live():
        yield Error(
            "STRIPE_API_BASE names a stand-in for Stripe, which takes no money: "
            "unset it in prod.",
            id="billing.E003",
        )
    if settings.IS_DEPLOYED and not settings.STRIPE_WEBHOOK_SECRETS:
        yield Error(
            "STRIPE_WEBHOOK_SECRETS is empty: no webhook could be believed.",
            id="billing.E004",
        )
