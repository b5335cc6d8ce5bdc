import time
from collections.abc import Iterator

import pytest

from billing.gateway import client
from billing.models import Payment
from invoices.models import Invoice
from tests.billing.world import (
    OLD_SECRET,
    SECRET,
    WatchedStripe,
    audit,
    deliver,
    finalized,
    start,
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


@pytest.fixture
def held(stripe: WatchedStripe, invoice: Invoice) -> Payment:
    """90.00 EUR, where 100.00 were asked for."""
    session_id = str(start(invoice).session_id)
    event = stripe.pay(session_id)[-1]
    stripe.sessions[session_id]["amount_total"] = 9_000
    for intent in stripe.intents.values():
        intent["amount_received"] = 9_000
    for charge in stripe.charges.values():
        charge["amount"] = 9_000
    deliver(stripe, event)
    return Payment.objects.get()
