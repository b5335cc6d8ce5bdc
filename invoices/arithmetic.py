"""
The arithmetic of an invoice: what its lines come to, and the tax on them.

Tax is worked out per rate on the summed net and rounded once (EN 16931, BR-CO-17), or on
every line where the document says so. Results are in minor units.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from invoices.exceptions import AmountOutOfRange
from invoices.money import EXACT, LARGEST, portion, share, to_minor

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, order=True, slots=True)
class Tax:
    """What one rate is to the arithmetic: category (UNCL 5305) and percent."""

    category: str
    percent: Decimal

    def on(self, net: int) -> int:
        """Tax in minor units on a net in minor units."""
        return portion(net, self.percent, 100)

    def within(self, gross: int) -> int:
        """Tax in minor units that a gross has in it; what is left is the net, rounded."""
        return gross - portion(gross, 100, 100 + self.percent)


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
        with localcontext(EXACT):
            whole = self.quantity * self.unit_price / self.base_quantity
            off = whole * self.discount_percent / 100
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
        amount = to_minor(self.value, currency) + portion(subtotal, self.percent, 100)
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
    An invoice worked out, in minor units.

    Amounts of lines and adjustments, the subtotal and the discount are as the prices
    are: gross where they include tax, and then they come to the total; else to the net.
    """

    line_amounts: tuple[int, ...]
    line_nets: tuple[int, ...]
    adjustment_amounts: tuple[int, ...]
    adjustment_nets: tuple[int, ...]
    discount: int
    taxes: tuple[TaxTotal, ...]
    # Each net on which tax was rounded; none where prices include tax.
    taxed: tuple[tuple[Tax, int], ...]
    prepaid: int
    # What is payable becomes a multiple of this, half up; 0 leaves it as it is.
    cash_rounding: int

    @property
    def subtotal(self) -> int:
        return sum(self.line_amounts)

    @property
    def net(self) -> int:
        return sum(each.net for each in self.taxes)

    @property
    def tax(self) -> int:
        return sum(each.amount for each in self.taxes)

    @property
    def total(self) -> int:
        return self.net + self.tax

    @property
    def rounding(self) -> int:
        """What is added to make what is payable a multiple, or taken off."""
        unrounded = self.total - self.prepaid
        unit = self.cash_rounding
        return portion(unrounded, 1, unit) * unit - unrounded if unit else 0

    @property
    def payable(self) -> int:
        return self.total - self.prepaid + self.rounding


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
    off = to_minor(discount_amount, currency) + portion(subtotal, discount_percent, 100)
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
    totals = Totals(
        line_amounts=amounts,
        line_nets=line_nets,
        adjustment_amounts=extras,
        adjustment_nets=extra_nets,
        discount=off,
        taxes=taxes,
        taxed=taxed,
        prepaid=to_minor(prepaid_amount, currency),
        cash_rounding=cash_rounding,
    )
    if abs(totals.total) > LARGEST:
        raise AmountOutOfRange("The total is larger than the books can hold.")
    return totals


def _extra_nets(
    adjustments: Iterable[Adjustment], extras: Iterable[int]
) -> tuple[int, ...]:
    """What is left of each charge or allowance without the tax within it."""
    return tuple(
        extra - each.tax.within(extra)
        for each, extra in zip(adjustments, extras, strict=True)
    )


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
