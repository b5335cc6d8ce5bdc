"""
Money: minor units, rounding, and the arithmetic of an invoice.

An amount is an integer in the currency's minor unit. Decimals are what people type;
they become minor units here and nowhere else, rounded half up, away from zero. Tax is
worked out per rate on the summed net and rounded once (EN 16931, BR-CO-17), or on every
line where the document says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

from accounts.money import EXPONENTS
from invoices.exceptions import AmountOutOfRange, UnknownCurrency

if TYPE_CHECKING:
    from babel.numbers import NumberPattern

# Fits a signed 64-bit column with room to sum a few thousand of them.
LARGEST: Final = 10**15
# Digits enough for any product of two columns; rounding happens once, at the end.
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_UP)
# Those of a unit price.
_MOST_DECIMALS: Final = 6
_HUNDRED: Final = Decimal(100)
_ZERO: Final = Decimal(0)


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
    minor = _round(amount.scaleb(exponent(currency), _EXACT))
    if abs(minor) > LARGEST:
        raise AmountOutOfRange("This amount is larger than the books can hold.")
    return minor


def to_major(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-exponent(currency), _EXACT)


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
    pattern = _pattern(currency, locale, decimals)
    return str(pattern.apply(amount, locale, currency=currency, currency_digits=False))


@cache
def _pattern(currency: str, locale: str, decimals: int) -> "NumberPattern":
    # A cold start that shows no amount should not pay for Babel.
    import babel  # noqa: PLC0415
    from babel.numbers import get_currency_symbol, parse_pattern  # noqa: PLC0415

    spoken = babel.Locale.parse(locale).currency_formats["standard"].pattern
    if get_currency_symbol(currency, locale)[-1].isalpha():
        # `CHF 5.00` where `€5.00`: letters do not touch digits.
        spoken = spoken.replace("¤#", "¤\N{NO-BREAK SPACE}#")
    pattern = parse_pattern(spoken)
    # Not CLDR's decimals, which follow the coins in use: none for IQD, where ISO has 3.
    pattern.frac_prec = (exponent(currency), decimals)
    return pattern


def _round(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_HALF_UP, _EXACT))


@dataclass(frozen=True, order=True, slots=True)
class Tax:
    """What one rate is to the arithmetic: category (UNCL 5305) and percent."""

    category: str
    percent: Decimal

    def on(self, net: int) -> int:
        """Tax in minor units on a net in minor units."""
        return _round(_EXACT.divide(_EXACT.multiply(net, self.percent), _HUNDRED))


@dataclass(frozen=True, slots=True)
class Line:
    """
    A line as typed; amounts in major units.

    `unit_price` is for `base_quantity` units. Discount and charge are taken off and put
    on the rounded product, each rounded itself.
    """

    quantity: Decimal
    unit_price: Decimal
    tax: Tax
    base_quantity: Decimal = Decimal(1)
    discount_percent: Decimal = _ZERO
    discount_amount: Decimal = _ZERO
    charge_amount: Decimal = _ZERO

    def net(self, currency: str) -> int:
        gross = _EXACT.divide(
            _EXACT.multiply(self.quantity, self.unit_price), self.base_quantity
        )
        off = _EXACT.divide(_EXACT.multiply(gross, self.discount_percent), _HUNDRED)
        return (
            to_minor(gross, currency)
            - to_minor(off, currency)
            - to_minor(self.discount_amount, currency)
            + to_minor(self.charge_amount, currency)
        )


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A document charge (positive) or allowance (negative) under one tax, minor units."""

    amount: int
    tax: Tax


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """Tax of one rate on the net it applies to, in minor units."""

    tax: Tax
    net: int
    amount: int


@dataclass(frozen=True, slots=True)
class Totals:
    """An invoice worked out, in minor units. `net + tax == total`, always."""

    line_nets: tuple[int, ...]
    subtotal: int
    discount: int
    net: int
    taxes: tuple[TaxTotal, ...]
    tax: int
    total: int


def compute(
    lines: Sequence[Line],
    *,
    currency: str,
    discount_percent: Decimal = _ZERO,
    discount_amount: Decimal = _ZERO,
    adjustments: Iterable[Adjustment] = (),
    tax_per_line: bool = False,
) -> Totals:
    """
    Work out an invoice.

    The document discount comes off before tax and is shared among the rates in
    proportion to their nets, to the unit.

    :raises UnknownCurrency: if ISO 4217 has no such currency in use
    :raises AmountOutOfRange: if an amount is larger than the books can hold, or the
        discount larger than what it is taken from
    """
    nets = tuple(line.net(currency) for line in lines)
    subtotal = sum(nets)
    off = to_minor(discount_amount, currency) + _round(
        _EXACT.divide(_EXACT.multiply(subtotal, discount_percent), _HUNDRED)
    )
    if off > max(subtotal, 0):
        raise AmountOutOfRange("The discount is larger than what it is taken from.")
    groups = _Groups(lines, nets, adjustments)
    groups.take_off(off)
    taxes = groups.taxes(tax_per_line=tax_per_line)
    net = sum(total.net for total in taxes)
    tax = sum(total.amount for total in taxes)
    _check_range(net + tax)
    return Totals(nets, subtotal, off, net, taxes, tax, net + tax)


def _check_range(total: int) -> None:
    if abs(total) > LARGEST:
        raise AmountOutOfRange("The total is larger than the books can hold.")


class _Groups:
    """The taxable amounts of each rate, one for a line or document adjustment."""

    def __init__(
        self,
        lines: Sequence[Line],
        nets: Sequence[int],
        adjustments: Iterable[Adjustment],
    ) -> None:
        self._amounts: defaultdict[Tax, list[int]] = defaultdict(list)
        for line, net in zip(lines, nets, strict=True):
            self._amounts[line.tax].append(net)
        for adjustment in adjustments:
            self._amounts[adjustment.tax].append(adjustment.amount)

    def take_off(self, discount: int) -> None:
        # Sorted, so that the order of lines decides nothing.
        rates = sorted(self._amounts)
        shares = share(discount, [sum(self._amounts[rate]) for rate in rates])
        for rate, rate_share in zip(rates, shares, strict=True):
            amounts = sorted(self._amounts[rate], reverse=True)
            off = share(rate_share, amounts)
            self._amounts[rate] = [a - b for a, b in zip(amounts, off, strict=True)]

    def taxes(self, *, tax_per_line: bool) -> tuple[TaxTotal, ...]:
        return tuple(
            TaxTotal(
                rate,
                net := sum(amounts),
                sum(map(rate.on, amounts)) if tax_per_line else rate.on(net),
            )
            for rate, amounts in sorted(self._amounts.items())
        )


def portion(amount: int, part: Decimal | int, whole: Decimal | int) -> int:
    """
    What of an amount goes with a part of the whole, rounded half up; 0 of nothing.

    Taken up to each point and subtracted, portions sum to the amount exactly.
    """
    if whole == 0:
        return 0
    return _round(_EXACT.divide(_EXACT.multiply(amount, Decimal(part)), Decimal(whole)))


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
