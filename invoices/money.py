"""
Money: minor units, rounding, and the arithmetic of an invoice.

An amount is an integer in the currency's minor unit. Decimals are what people type;
they become minor units here and nowhere else, rounded half up, away from zero. Tax is
worked out per rate on the summed net and rounded once (EN 16931, BR-CO-17), or on every
line where the document says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
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


def _round(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_HALF_UP, _EXACT))


@dataclass(frozen=True, order=True, slots=True)
class Tax:
    """What one rate is to the arithmetic: category (UNCL 5305) and percent."""

    category: str
    percent: Decimal

    def on(self, net: int) -> int:
        """Tax in minor units on a net in minor units."""
        return _percent_of(net, self.percent)

    def within(self, gross: int) -> int:
        """Tax in minor units that a gross has in it; what is left is the net, rounded."""
        return gross - _round(
            _EXACT.divide(_EXACT.multiply(gross, _HUNDRED), _HUNDRED + self.percent)
        )


def _percent_of(amount: int, percent: Decimal) -> int:
    return _round(_EXACT.divide(_EXACT.multiply(amount, percent), _HUNDRED))


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

    def amount(self, currency: str) -> int:
        """In minor units, with or without tax, as the price is."""
        whole = _EXACT.divide(
            _EXACT.multiply(self.quantity, self.unit_price), self.base_quantity
        )
        off = _EXACT.divide(_EXACT.multiply(whole, self.discount_percent), _HUNDRED)
        return (
            to_minor(whole, currency)
            - to_minor(off, currency)
            - to_minor(self.discount_amount, currency)
            + to_minor(self.charge_amount, currency)
        )


@dataclass(frozen=True, slots=True)
class Adjustment:
    """
    A charge or allowance on the document under one tax, as typed: an amount in major
    units, a percentage of the sum of the lines, or both.
    """

    tax: Tax
    is_charge: bool
    value: Decimal = _ZERO
    percent: Decimal = _ZERO

    def amount(self, subtotal: int, currency: str) -> int:
        """In minor units, below zero for an allowance."""
        amount = to_minor(self.value, currency) + _percent_of(subtotal, self.percent)
        return amount if self.is_charge else -amount


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """Tax of one rate on the net it applies to, in minor units."""

    tax: Tax
    net: int
    amount: int


@dataclass(frozen=True, slots=True)
class Totals:
    """
    An invoice worked out, in minor units. `net + tax == total`, always.

    Amounts of lines and adjustments, the subtotal and the discount are as the prices
    are: gross where they include tax, and then they come to the total; else to the net.
    """

    line_amounts: tuple[int, ...]
    line_nets: tuple[int, ...]
    adjustment_amounts: tuple[int, ...]
    adjustment_nets: tuple[int, ...]
    subtotal: int
    discount: int
    net: int
    taxes: tuple[TaxTotal, ...]
    tax: int
    total: int
    prepaid: int
    rounding: int
    payable: int
    # Each net on which tax was rounded; none where prices include tax.
    taxed: tuple[tuple[Tax, int], ...]


def compute(
    lines: Sequence[Line],
    *,
    currency: str,
    discount_percent: Decimal = _ZERO,
    discount_amount: Decimal = _ZERO,
    adjustments: Sequence[Adjustment] = (),
    tax_per_line: bool = False,
    prices_include_tax: bool = False,
    prepaid_amount: Decimal = _ZERO,
    cash_rounding: int = 0,
) -> Totals:
    """
    Work out an invoice.

    The document discount comes off before tax and is shared among the rates in
    proportion to their lines, to the unit. Prices that include tax keep the gross that
    was typed: the net of each rate is worked out of it, and the tax is what is left.

    :param cash_rounding: what is payable becomes a multiple of this many minor units
    :raises UnknownCurrency: if ISO 4217 has no such currency in use
    :raises AmountOutOfRange: if an amount is larger than the books can hold, or the
        discount larger than what it is taken from
    """
    amounts = tuple(line.amount(currency) for line in lines)
    subtotal = sum(amounts)
    off = to_minor(discount_amount, currency) + _percent_of(subtotal, discount_percent)
    if off > max(subtotal, 0):
        raise AmountOutOfRange("The discount is larger than what it is taken from.")
    extras = tuple(each.amount(subtotal, currency) for each in adjustments)
    line_nets, extra_nets = amounts, extras
    if prices_include_tax:
        line_nets = _line_nets(lines, amounts, tax_per_line=tax_per_line)
        extra_nets = _extra_nets(adjustments, extras)
    groups = _Groups([line.tax for line in lines], amounts)
    groups.take_off(off)
    groups.add([each.tax for each in adjustments], extras)
    taxes, taxed = groups.taxes(tax_per_line=tax_per_line, is_gross=prices_include_tax)
    net = sum(total.net for total in taxes)
    tax = sum(total.amount for total in taxes)
    _check_range(net + tax)
    prepaid = to_minor(prepaid_amount, currency)
    rounding = _to_multiple(net + tax - prepaid, cash_rounding)
    return Totals(
        line_amounts=amounts,
        line_nets=line_nets,
        adjustment_amounts=extras,
        adjustment_nets=extra_nets,
        subtotal=subtotal,
        discount=off,
        net=net,
        taxes=taxes,
        tax=tax,
        total=net + tax,
        prepaid=prepaid,
        rounding=rounding,
        payable=net + tax - prepaid + rounding,
        taxed=taxed,
    )


def _extra_nets(
    adjustments: Iterable[Adjustment], extras: Iterable[int]
) -> tuple[int, ...]:
    """What is left of each charge or allowance without the tax within it."""
    return tuple(
        extra - each.tax.within(extra)
        for each, extra in zip(adjustments, extras, strict=True)
    )


def _check_range(total: int) -> None:
    if abs(total) > LARGEST:
        raise AmountOutOfRange("The total is larger than the books can hold.")


def _to_multiple(amount: int, unit: int) -> int:
    """What is added to an amount to make it a multiple, half up; 0 without a unit."""
    if not unit:
        return 0
    return _round(_EXACT.divide(Decimal(amount), Decimal(unit))) * unit - amount


class _Groups:
    """The amounts taxed at each rate, one for a line or document adjustment."""

    def __init__(self, rates: Iterable[Tax], amounts: Iterable[int]) -> None:
        self._amounts: defaultdict[Tax, list[int]] = defaultdict(list)
        self.add(rates, amounts)

    def add(self, rates: Iterable[Tax], amounts: Iterable[int]) -> None:
        for rate, amount in zip(rates, amounts, strict=True):
            self._amounts[rate].append(amount)

    def take_off(self, discount: int) -> None:
        # Sorted, so that the order of lines decides nothing.
        rates = sorted(self._amounts)
        shares = share(discount, [sum(self._amounts[rate]) for rate in rates])
        for rate, rate_share in zip(rates, shares, strict=True):
            amounts = sorted(self._amounts[rate], reverse=True)
            off = share(rate_share, amounts)
            self._amounts[rate] = [a - b for a, b in zip(amounts, off, strict=True)]

    def taxes(
        self, *, tax_per_line: bool, is_gross: bool
    ) -> tuple[tuple[TaxTotal, ...], tuple[tuple[Tax, int], ...]]:
        """The total of each rate; and what tax was rounded on, unless it was gross."""
        taxed = [
            (rate, amount)
            for rate, amounts in sorted(self._amounts.items())
            for amount in (sorted(amounts) if tax_per_line else [sum(amounts)])
        ]
        sums: dict[Tax, list[int]] = {}
        for rate, amount in taxed:
            tax = rate.within(amount) if is_gross else rate.on(amount)
            of_rate = sums.setdefault(rate, [0, 0])
            of_rate[0] += amount - tax if is_gross else amount
            of_rate[1] += tax
        totals = tuple(TaxTotal(rate, net, tax) for rate, (net, tax) in sums.items())
        return totals, () if is_gross else tuple(taxed)


def _line_nets(
    lines: Sequence[Line], grosses: Sequence[int], *, tax_per_line: bool
) -> tuple[int, ...]:
    """The net in each gross; those of one rate sum to the net in their sum."""
    nets = [
        gross - line.tax.within(gross)
        for line, gross in zip(lines, grosses, strict=True)
    ]
    if tax_per_line:
        return tuple(nets)
    places: defaultdict[Tax, list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        places[line.tax].append(place)
    for rate, of_rate in places.items():
        gross = sum(grosses[place] for place in of_rate)
        off = gross - rate.within(gross) - sum(nets[place] for place in of_rate)
        # Where a unit shows least.
        largest = sorted(of_rate, key=lambda i: (-abs(grosses[i]), -grosses[i], i))
        for place in largest[: abs(off)]:
            nets[place] += 1 if off > 0 else -1
    return tuple(nets)


def reachable(wanted: int, totals: Totals) -> tuple[int, ...]:
    """
    The totals next to the one that is wanted, below and above, or that one alone.

    A net in whole units and its tax, rounded, do not come to every total: at 19 % none
    comes to 99.99. Tried is every net on which tax is rounded, changed by itself.
    Prices that include tax come to any total.
    """
    if not totals.taxed:
        return (wanted,)
    near = {
        total
        for rate, net in totals.taxed
        for total in _near(wanted - (totals.total - net - rate.on(net)), rate, wanted)
    }
    below = max(total for total in near if total <= wanted)
    above = min(total for total in near if total >= wanted)
    return (below,) if below == above else (below, above)


def _near(gross: int, rate: Tax, wanted: int) -> Iterator[int]:
    """Totals on both sides of the wanted one, when this rate is to come to `gross`."""
    net = gross - rate.within(gross)
    for candidate in (net - 1, net, net + 1):
        yield wanted - gross + candidate + rate.on(candidate)


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
