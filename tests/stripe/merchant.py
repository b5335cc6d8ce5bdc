"""What a merchant asks of our Stripe in its tests, and how they read the answers."""

from typing import Any

VERSION = "2026-10-28.endive"
NOW = 1_790_000_000
HOUR = 3600


def session_params(
    amount: int = 12_000, currency: str = "eur", **more: Any
) -> dict[str, Any]:
    price = {
        "currency": currency,
        "unit_amount": amount,
        "product_data": {"name": "Invoice 2026-0001", "description": "Due 31 March"},
    }
    return {
        "mode": "payment",
        "client_reference_id": "7f1c",
        "success_url": "https://shop.example/return?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/invoice",
        "expires_at": NOW + HOUR,
        "line_items": [{"price_data": price, "quantity": 1}],
        "metadata": {"checkout": "7f1c"},
        "payment_intent_data": {"metadata": {"checkout": "7f1c"}, "description": "I"},
        "customer_email": "payer@example.com",
        "adaptive_pricing": {"enabled": False},
        "locale": "auto",
    } | more


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def assert_refused(refused: Any, *, code: str | None, param: str | None) -> None:
    error = refused.value
    assert (error.http_status, error.code, error.param) == (400, code, param)
