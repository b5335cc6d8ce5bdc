"""The parameters that the pinned SDK declares, read at run time from its own types."""

from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from stripe import RequestOptions
from stripe.params import (
    BalanceTransactionListParams,
    ChargeRetrieveParams,
    DisputeListParams,
    DisputeRetrieveParams,
    EventListParams,
    EventRetrieveParams,
    PaymentIntentListParams,
    PaymentIntentRetrieveParams,
    RefundCreateParams,
    RefundListParams,
    RefundRetrieveParams,
)
from stripe.params.checkout import (
    SessionCreateParams,
    SessionExpireParams,
    SessionListParams,
    SessionRetrieveParams,
)
from stripe.params.radar import EarlyFraudWarningRetrieveParams
from typing_extensions import is_typeddict

DECLARED: Mapping[tuple[str, str], type] = {
    ("POST", "/v1/checkout/sessions"): SessionCreateParams,
    ("GET", "/v1/checkout/sessions"): SessionListParams,
    ("GET", "/v1/checkout/sessions/{session}"): SessionRetrieveParams,
    ("POST", "/v1/checkout/sessions/{session}/expire"): SessionExpireParams,
    ("GET", "/v1/payment_intents"): PaymentIntentListParams,
    ("GET", "/v1/payment_intents/{intent}"): PaymentIntentRetrieveParams,
    ("GET", "/v1/charges/{charge}"): ChargeRetrieveParams,
    ("POST", "/v1/refunds"): RefundCreateParams,
    ("GET", "/v1/refunds"): RefundListParams,
    ("GET", "/v1/refunds/{refund}"): RefundRetrieveParams,
    ("GET", "/v1/balance_transactions"): BalanceTransactionListParams,
    ("GET", "/v1/disputes"): DisputeListParams,
    ("GET", "/v1/disputes/{dispute}"): DisputeRetrieveParams,
    (
        "GET",
        "/v1/radar/early_fraud_warnings/{early_fraud_warning}",
    ): EarlyFraudWarningRetrieveParams,
    ("GET", "/v1/events"): EventListParams,
    ("GET", "/v1/events/{id}"): EventRetrieveParams,
}


def undeclared(method: str, template: str, params: Mapping[str, Any]) -> Iterator[str]:
    """What in `params` the SDK's types do not know, and what they miss in it."""
    if declared := DECLARED.get((method, template)):
        yield from _differences(declared, params, "")


def _differences(declared: type, params: Mapping[str, Any], path: str) -> Iterator[str]:
    fields = _fields(declared)
    for name in sorted(_required(declared) - params.keys()):
        yield f"{path}{name}: required by the SDK"
    for name, value in params.items():
        if name in fields:
            yield from _inside(fields[name], value, f"{path}{name}")
        else:
            yield f"{path}{name}: unknown to the SDK"


def _inside(hint: Any, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _inside(hint, item, f"{path}[{index}]")
    if isinstance(value, dict):
        for declared in _groups(hint):
            yield from _differences(declared, value, f"{path}.")


def _groups(hint: Any) -> Iterator[type]:
    """The typed dictionaries of a hint, looking through unions and lists."""
    if is_typeddict(hint):
        yield hint
    if get_origin(hint) in (Union, UnionType, list):
        for argument in get_args(hint):
            yield from _groups(argument)


@cache
def _fields(declared: type) -> Mapping[str, Any]:
    # Two names of the request options are out of sight in the modules that inherit them.
    unseen = {"StripeContext": object, "Mapping": Mapping}
    hints = get_type_hints(declared, localns=unseen)
    if declared in DECLARED.values():
        for option in RequestOptions.__annotations__:
            hints.pop(option, None)
    return hints


def _required(declared: type) -> frozenset[str]:
    return getattr(declared, "__required_keys__", frozenset())
