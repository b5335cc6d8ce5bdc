"""What Stripe says no to, beyond what a schema can say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.stripe import currencies

MINUTE = 60
DAY = 24 * 60 * MINUTE

Params = Mapping[str, Any]


@dataclass
class Refusal(Exception):
    """
    An answer that is an error.

    `executed` says whether the call got past the checks of its parameters. Only then
    does Stripe remember the answer under the idempotency key.
    """

    message: str
    code: str | None = None
    param: str | None = None
    status: int = 400
    type: str = "invalid_request_error"
    executed: bool = False

    def body(self) -> dict[str, Any]:
        error = {
            "type": self.type,
            "code": self.code,
            "message": self.message,
            "param": self.param,
        }
        return {
            "error": {name: value for name, value in error.items() if value is not None}
        }


def required(params: Params, name: str) -> Any:
    """:raises Refusal: if the parameter is absent or empty"""
    if not params.get(name):
        raise Refusal(f"Missing required param: {name}.", "parameter_missing", name)
    return params[name]


def found[Row](rows: Mapping[str, Row], object_id: str, name: str) -> Row:
    """:raises Refusal: if there is no such row, with status 404"""
    if object_id not in rows:
        message = f"No such {name.replace('.', ' ')}: '{object_id}'"
        raise Refusal(message, "resource_missing", "id", status=404)
    return rows[object_id]


def total(line_items: Iterable[Params]) -> tuple[int, str]:
    """
    The sum of the line items and its currency.

    :raises Refusal: if Stripe cannot charge that
    """
    currency = ""
    amount = 0
    for index, item in enumerate(line_items):
        price = required(item, "price_data")
        path = f"line_items[{index}][price_data]"
        if currency not in ("", price["currency"].lower()):
            raise Refusal("All line items must have the same currency.", param=path)
        currency = price["currency"].lower()
        amount += _unit_amount(price, path) * item.get("quantity", 1)
    _check_currency(currency)
    _check_amount(amount, currency)
    return amount, currency


def _unit_amount(price: Params, path: str) -> int:
    if "unit_amount" not in price:
        param = f"{path}[unit_amount]"
        raise Refusal(f"Missing required param: {param}.", "parameter_missing", param)
    if price["unit_amount"] < 0:
        raise Refusal(
            "This value must be greater than or equal to 0.",
            "parameter_invalid_integer",
            f"{path}[unit_amount]",
        )
    return int(price["unit_amount"])


def _check_currency(currency: str) -> None:
    if currency not in currencies.SUPPORTED:
        raise Refusal(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: "
            f"{', '.join(sorted(currencies.SUPPORTED))}",
            param="line_items[0][price_data][currency]",
        )


def _check_amount(amount: int, currency: str) -> None:
    least, most = currencies.minimum(currency), currencies.MAXIMUM
    step = currencies.step(currency)
    if amount < least:
        text = currencies.formatted(least, currency)
        raise Refusal(f"The total must be at least {text}.", "amount_too_small")
    if amount > most:
        text = currencies.formatted(most, currency)
        raise Refusal(f"The total must be no more than {text}.", "amount_too_large")
    if amount % step:
        raise Refusal(
            f"Amounts in {currency} must be a multiple of {step}.",
            "invalid_charge_amount_no_decimal_compatible",
        )


def refundable(amount: int, left: int, charge_id: str) -> None:
    """:raises Refusal: if `amount` is not between 1 and what is `left` of the charge"""
    if not left:
        raise Refusal(
            f"Charge {charge_id} has already been refunded.",
            "charge_already_refunded",
            executed=True,
        )
    if amount < 1:
        raise Refusal(
            "This value must be greater than or equal to 1.",
            "parameter_invalid_integer",
            "amount",
        )
    if amount > left:
        raise Refusal(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge "
            f"({left})",
            param="amount",
            executed=True,
        )


def not_disputed(charge_id: str, disputes: Mapping[str, Params]) -> None:
    """:raises Refusal: if a bank has the charge, or decides who gets it"""
    if any(
        dispute["charge"] == charge_id and not dispute["is_charge_refundable"]
        for dispute in disputes.values()
    ):
        raise Refusal(
            f"Charge {charge_id} has been charged back; cannot issue a refund.",
            "charge_disputed",
            executed=True,
        )


def expiry(at: int, now: int) -> int:
    """:raises Refusal: if a session may not end at that second"""
    if not now + 30 * MINUTE <= at <= now + DAY:
        raise Refusal(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from "
            "Checkout Session creation.",
            param="expires_at",
        )
    return at


def web_address(url: str) -> str:
    """:raises Refusal: if it is none"""
    if not url.startswith(("http://", "https://")):
        raise Refusal("Not a valid URL", "url_invalid", "success_url")
    return url


def email(address: str | None) -> str | None:
    """:raises Refusal: if it is none"""
    if address is not None and "@" not in address:
        raise Refusal(
            f"Invalid email address: {address}", "email_invalid", "customer_email"
        )
    return address


def within(moment: int, bounds: int | Mapping[str, int]) -> bool:
    """Whether a second lies in the range of a `created` filter."""
    if isinstance(bounds, int):
        return moment == bounds
    return (
        moment > bounds.get("gt", -1)
        and moment >= bounds.get("gte", 0)
        and moment < bounds.get("lt", moment + 1)
        and moment <= bounds.get("lte", moment)
    )
