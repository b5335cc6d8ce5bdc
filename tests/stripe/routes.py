"""Which calls of Stripe's the fake carries out, and with which parameters."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tests.stripe import disputes
from tests.stripe.account import Object, StripeAccount

RANGE = {"created", "expand", "limit", "starting_after"}
# fmt: off
SESSION = {
    "adaptive_pricing", "cancel_url", "client_reference_id", "customer_email", "expand",
    "expires_at", "line_items", "locale", "metadata", "mode", "payment_intent_data",
    "success_url",
}
# fmt: on
REFUND = {"amount", "charge", "expand", "metadata", "payment_intent", "reason"}
EXPAND = {"expand"}


class Route(NamedTuple):
    """How a call is carried out, and which parameters the fake can honor."""

    action: Callable[..., Object]
    params: set[str]


ROUTES: Mapping[tuple[str, str], Route] = {
    ("POST", "/v1/checkout/sessions"): Route(StripeAccount.create_session, SESSION),
    ("GET", "/v1/checkout/sessions"): Route(
        StripeAccount.list_sessions, RANGE | {"payment_intent", "status"}
    ),
    ("GET", "/v1/checkout/sessions/{session}"): Route(
        StripeAccount.retrieve_session, EXPAND
    ),
    ("POST", "/v1/checkout/sessions/{session}/expire"): Route(
        StripeAccount.expire_session, EXPAND
    ),
    ("GET", "/v1/payment_intents"): Route(StripeAccount.list_intents, RANGE),
    ("GET", "/v1/payment_intents/{intent}"): Route(
        StripeAccount.retrieve_intent, EXPAND
    ),
    ("GET", "/v1/charges/{charge}"): Route(StripeAccount.retrieve_charge, EXPAND),
    ("POST", "/v1/refunds"): Route(StripeAccount.create_refund, REFUND),
    ("GET", "/v1/refunds"): Route(
        StripeAccount.list_refunds, RANGE | {"charge", "payment_intent"}
    ),
    ("GET", "/v1/refunds/{refund}"): Route(StripeAccount.retrieve_refund, EXPAND),
    ("GET", "/v1/balance_transactions"): Route(
        StripeAccount.list_balance, RANGE | {"currency", "source", "type"}
    ),
    ("GET", "/v1/disputes"): Route(
        disputes.list_disputes, RANGE | {"charge", "payment_intent"}
    ),
    ("GET", "/v1/disputes/{dispute}"): Route(disputes.retrieve_dispute, EXPAND),
    ("GET", "/v1/radar/early_fraud_warnings/{early_fraud_warning}"): Route(
        disputes.retrieve_fraud_warning, EXPAND
    ),
    ("GET", "/v1/events"): Route(
        StripeAccount.list_events, RANGE | {"delivery_success", "type", "types"}
    ),
    ("GET", "/v1/events/{id}"): Route(StripeAccount.retrieve_event, EXPAND),
}
