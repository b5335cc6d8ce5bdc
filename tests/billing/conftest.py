import time
from collections.abc import Iterator

import pytest

from billing.gateway import client
from invoices.models import Invoice
from tests.billing.world import (
    OLD_SECRET,
    SECRET,
    WatchedStripe,
    audit,
    deliver,
    finalized,
)


@pytest.fixture
def stripe(
    db: None, monkeypatch: pytest.MonkeyPatch, settings
) -> Iterator[WatchedStripe]:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET, OLD_SECRET]
    fake = WatchedStripe(clock=lambda: int(time.time()))
    monkeypatch.setattr(client, "http_client", lambda timeout: fake)
    client.stripe_client.cache_clear()
    yield fake
    client.stripe_client.cache_clear()


@pytest.fixture
def audited(stripe: WatchedStripe, run_tasks) -> Iterator[None]:
    """In the end Stripe gets through with everything, twice, and the books agree."""
    yield
    for _ in range(2):
        answers = set(deliver(stripe, *stripe.events))
        assert answers <= {200}
        run_tasks()
    audit(stripe)


@pytest.fixture
def invoice(stripe: WatchedStripe) -> Invoice:
    """100.00 EUR, open."""
    return finalized()
