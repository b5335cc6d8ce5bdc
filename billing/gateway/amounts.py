"""
Amounts as Stripe counts them, and as we do, who follow ISO 4217. What differs is
converted on the way there and on the way back.
"""

from collections.abc import Mapping
from typing import Final

from accounts.money import EXPONENTS
from billing.exceptions import AmountNotPayable
from invoices.money import exponent, format_money

# Where Stripe counts otherwise than ISO 4217. Everything else has two decimals.
# https://docs.stripe.com/currencies#zero-decimal
# fmt: off
_WITHOUT_DECIMALS: Final = frozenset({
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV",
    "XAF", "XOF", "XPF",
})
# The last of these three must be zero.
_THREE_DECIMALS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# fmt: on
_LARGEST_CHARGE: Final = 99_999_999
# A hint: the truth is half a dollar in the currency Stripe settles in.
# fmt: off
_SMALLEST_CHARGES: Final[Mapping[str, int]] = {
    "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500,
    "DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50,
    "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300,
    "SGD": 50, "USD": 50,
}
# fmt: on


def to_stripe(amount: int, currency: str) -> int:
    """
    :raises AmountNotPayable: if Stripe cannot charge exactly that
    """
    step = _step(currency)
    if amount % step:
        raise AmountNotPayable(
            f"Only steps of {format_money(step, currency)} can be paid here."
        )
    charged = _rescaled(amount, exponent(currency), _stripe_digits(currency))
    if charged > _LARGEST_CHARGE:
        largest = format_money(from_stripe(_LARGEST_CHARGE, currency), currency)
        raise AmountNotPayable(f"{largest} is the most that can be paid at once.")
    return charged


def from_stripe(amount: int, currency: str) -> int:
    """Exact for every amount that `to_stripe` returns; rounds down what is none."""
    digits = _stripe_digits(currency)
    return _rescaled(amount, digits, EXPONENTS.get(currency, digits))


def smallest_charge(currency: str) -> int:
    """About the least that Stripe charges, in minor units. Stripe may refuse more."""
    return max(_SMALLEST_CHARGES.get(currency, 1), _step(currency))


def _stripe_digits(currency: str) -> int:
    if currency in _WITHOUT_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def _step(currency: str) -> int:
    """Of what an amount in minor units must be a multiple."""
    if currency in _THREE_DECIMALS:
        return 10
    return _power(max(exponent(currency) - _stripe_digits(currency), 0))


def _rescaled(amount: int, digits: int, new_digits: int) -> int:
    return amount * _power(new_digits) // _power(digits)


def _power(digits: int) -> int:
    power: int = 10**digits
    return power
