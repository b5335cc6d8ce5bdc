"""
Money: minor units, rounding, and amounts as people read them.

An amount is an integer in the currency's minor unit. Decimals are what people type;
they become minor units here and nowhere else, rounded half up, away from zero.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

from accounts.languages import AMOUNTS_AT_HOME
from accounts.money import EXPONENTS
from invoices.exceptions import AmountOutOfRange, UnknownCurrency

if TYPE_CHECKING:
    from babel.numbers import NumberPattern

# Fits a signed 64-bit column with room to sum a few thousand of them.
LARGEST: Final = 10**15
# Digits enough for any product of two columns; rounding happens once, at the end.
EXACT: Final = Context(prec=60, rounding=ROUND_HALF_UP)
# Those of a unit price.
_MOST_DECIMALS: Final = 6


def exponent(currency: str) -> int:
    """:raises UnknownCurrency: if ISO 4217 has no such currency in use"""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(
            f"“{currency}” is no currency; write its ISO 4217 code, such as EUR."
        ) from None


def to_minor(amount: Decimal, currency: str) -> int:
    """
    Round an amount in major units to minor units, half up, away from zero.

    :raises AmountOutOfRange: if it is larger than the books can hold
    """
    minor = _round(amount.scaleb(exponent(currency), EXACT))
    if abs(minor) > LARGEST:
        raise AmountOutOfRange("This amount is larger than the books can hold.")
    return minor


def to_major(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-exponent(currency), EXACT)


def portion(amount: int, part: Decimal | int, whole: Decimal | int) -> int:
    """
    What of an amount goes with a part of the whole, rounded half up; 0 of nothing.

    Taken up to each point and subtracted, portions sum to the amount exactly.
    """
    if whole == 0:
        return 0
    return _round(EXACT.divide(EXACT.multiply(amount, part), whole))


def _round(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_HALF_UP, EXACT))


def share(amount: int, weights: Sequence[int]) -> list[int]:
    """
    Split an amount in proportion to weights, exactly: the parts sum to the amount.

    What does not divide goes, a unit each, to the largest remainders; among equals to
    the first. Weights that sum to zero leave all of it to the first part.
    """
    if not weights:
        return []
    whole = sum(weights)
    if whole == 0:
        return [amount] + [0] * (len(weights) - 1)
    if whole < 0:
        whole, weights = -whole, [-weight for weight in weights]
    parts = [amount * weight // whole for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i)
    )
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return parts


def format_money(amount: int, currency: str, locale: str = "en") -> str:
    """
    Minor units as people of a locale write them: 119000 EUR is `€1,190.00`.

    :raises UnknownCurrency: if ISO 4217 has no such currency in use
    """
    return _spoken(to_major(amount, currency), currency, locale, exponent(currency))


def format_price(price: Decimal, currency: str, locale: str = "en") -> str:
    """
    A price as typed, in major units: `€0.0125` keeps its decimals, `€5.00` has two.

    :raises UnknownCurrency: if ISO 4217 has no such currency in use
    """
    return _spoken(price, currency, locale, _MOST_DECIMALS)


def format_number(number: Decimal, locale: str = "en") -> str:
    """A quantity or percentage as typed, without zeros that say nothing."""
    from babel.numbers import format_decimal  # noqa: PLC0415 - as below

    return str(format_decimal(number, "#,##0.######", locale))


def _spoken(amount: Decimal, currency: str, locale: str, decimals: int) -> str:
    locale = AMOUNTS_AT_HOME.get((locale, currency), locale)
    pattern = _pattern(currency, locale, decimals)
    return str(pattern.apply(amount, locale, currency=currency, currency_digits=False))


@cache
def _pattern(currency: str, locale: str, decimals: int) -> "NumberPattern":
    # A cold start that shows no amount should not pay for Babel.
    import babel  # noqa: PLC0415 - as said above
    from babel.numbers import get_currency_symbol, parse_pattern  # noqa: PLC0415 - as said above

    spoken = babel.Locale.parse(locale).currency_formats["standard"].pattern
    if get_currency_symbol(currency, locale)[-1].isalpha():
        # `CHF 5.00` where `€5.00`: letters do not touch digits.
        spoken = spoken.replace("¤#", "¤\N{NO-BREAK SPACE}#")
    pattern = parse_pattern(spoken)
    # Not CLDR's decimals, which follow the coins in use: none for IQD, where ISO has 3.
    pattern.frac_prec = (exponent(currency), decimals)
    return pattern
