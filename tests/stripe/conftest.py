from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.fakes import FakeStripe
from tests.stripe.merchant import NOW, VERSION, session_params


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> FakeStripe:
    return FakeStripe(VERSION, clock=clock)


@pytest.fixture
def client(fake: FakeStripe) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_fake",
        stripe_version=VERSION,
        max_network_retries=1,
        http_client=fake,
    )


@pytest.fixture
def create(client: stripe.StripeClient) -> Callable[..., Any]:
    def create_session(key: str | None = None, **more: Any) -> Any:
        options = {"idempotency_key": key} if key else {}
        return client.v1.checkout.sessions.create(session_params(**more), options)

    return create_session


@pytest.fixture
def paid_intent(fake: FakeStripe, create: Callable[..., Any]) -> str:
    session = create()
    fake.pay(session.id)
    return str(fake.sessions[session.id]["payment_intent"])
