"""What a credit note takes back: of each line, of each tax, and of what is due."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.db.models.functions import Coalesce

from invoices import selectors
from invoices.arithmetic import Tax
from invoices.exceptions import AmountNotAvailable
from invoices.models import (
    CreditNoteLine,
    CreditNoteTax,
    Invoice,
    InvoiceLine,
    TaxTotal,
)
from invoices.money import format_money, portion

_NONE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Draft:
    """A credit note worked out, its rows unsaved."""

    currency: str
    lines: list[CreditNoteLine]
    taxes: list[CreditNoteTax]
    net: int
    tax: int
    reduces: int
    # What the ledger takes off the due: `reduces`, and what was rounded to pay in cash.
    settles: int

    @property
    def total(self) -> int:
        return self.net + self.tax

    @property
    def excess(self) -> int:
        """What is beyond the due, and must be split."""
        return self.total - self.reduces


@dataclass(frozen=True, slots=True)
class _Before:
    """What earlier credit notes took back of a line."""

    quantity: Decimal = _NONE
    net: int = 0
    # As the prices are: gross where they include tax.
    priced: int = 0


def worked_out(invoice: Invoice, quantities: Mapping[int, Decimal] | None) -> Draft:
    lines = list(invoice.lines.order_by("position", "pk"))
    before = _credited_before(invoice)
    credited = _credited_lines(invoice, lines, before, quantities)
    is_all = _is_all(lines, before, credited)
    taxes = _credited_taxes(invoice, lines, before, credited, is_all=is_all)
    net, tax = sum(row.net for row in taxes), sum(row.amount for row in taxes)
    left = selectors.creditable(invoice)
    _check_total(invoice, net + tax, left)
    due = selectors.amounts(invoice).due
    # With the last of it goes what was rounded, up or down, to pay in cash. Lines that
    # are free may still be left.
    rounding = (invoice.rounding or 0) if net + tax == left else 0
    reduces = max(0, min(net + tax, due - rounding))
    settles = max(0, min(due, reduces + rounding))
    return Draft(invoice.currency, credited, taxes, net, tax, reduces, settles)


def _check_total(invoice: Invoice, total: int, left: int) -> None:
    if total <= 0:
        raise AmountNotAvailable("Nothing is left to credit of what was chosen.")
    if total > left:
        # Without the lines of what was returned, the others come to more than the whole.
        raise AmountNotAvailable(
            f"{format_money(left, invoice.currency)} of this invoice is left to credit, "
            f"and this comes to {format_money(total, invoice.currency)}."
        )


def _is_all(
    lines: Sequence[InvoiceLine],
    before: Mapping[int, _Before],
    credited: Iterable[CreditNoteLine],
) -> bool:
    now = {row.invoice_line_id: row.quantity for row in credited}
    return all(
        before[line.pk].quantity + now.get(line.pk, _NONE) == line.quantity
        for line in lines
    )


def _credited_before(invoice: Invoice) -> Mapping[int, _Before]:
    rows = CreditNoteLine.objects.filter(credit_note__invoice=invoice)
    # In this order: once there is a sum of that name, `net` means the sum.
    sums = rows.values("invoice_line").annotate(
        taken=Sum(Coalesce("gross", "net")), quantity=Sum("quantity"), net=Sum("net")
    )
    known = {
        row["invoice_line"]: _Before(row["quantity"], row["net"], row["taken"])
        for row in sums
    }
    return defaultdict(_Before, known)


def _credited_lines(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    before: Mapping[int, _Before],
    quantities: Mapping[int, Decimal] | None,
) -> list[CreditNoteLine]:
    left = {line.pk: line.quantity - before[line.pk].quantity for line in lines}
    chosen = left if quantities is None else quantities
    _check_quantities(chosen, left)
    return [
        _credited_line(line, before[line.pk], chosen[line.pk])
        for line in lines
        if chosen.get(line.pk)
    ]


def _check_quantities(
    chosen: Mapping[int, Decimal], left: Mapping[int, Decimal]
) -> None:
    if unknown := set(chosen) - set(left):
        raise ValidationError(
            {f"lines.{key}": "There is no such line." for key in unknown}
        )
    problems = {
        f"lines.{key}": f"{left[key].normalize():f} of this is left to credit."
        for key, quantity in chosen.items()
        # A line of what was returned is below zero, and so is what is taken back of it.
        if not min(left[key], _NONE) <= quantity <= max(left[key], _NONE)
    }
    if problems:
        raise ValidationError(problems)


def _credited_line(
    line: InvoiceLine, before: _Before, quantity: Decimal
) -> CreditNoteLine:
    # Of the whole up to now, less what was taken before: parts never lose a unit.
    until_now = before.quantity + quantity
    net = portion(line.net or 0, until_now, line.quantity) - before.net
    priced = portion(line.priced or 0, until_now, line.quantity) - before.priced
    return CreditNoteLine(
        invoice_line=line,
        position=line.position,
        description=line.description,
        quantity=quantity,
        unit_price=line.unit_price,
        base_quantity=line.base_quantity,
        net=net,
        gross=None if line.gross is None else priced,
        tax_name=line.tax_name,
        tax_category=line.tax_category,
        tax_percent=line.tax_percent or _NONE,
    )


def _credited_taxes(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    before: Mapping[int, _Before],
    credited: Iterable[CreditNoteLine],
    *,
    is_all: bool,
) -> list[CreditNoteTax]:
    """
    For each rate, the part of its taxable amount and tax that goes with the lines.

    Discounts and charges on the whole document go back in proportion; with the last
    line all that is left of them goes.
    """
    now = {row.invoice_line_id: row for row in credited}
    parts: defaultdict[Tax, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        sums = parts[Tax(line.tax_category, line.tax_percent or _NONE)]
        sums[0] += line.priced or 0
        sums[1] += before[line.pk].priced
        sums[1] += now[line.pk].priced if line.pk in now else 0
    return [
        row
        for total in invoice.taxes.order_by("category", "percent")
        if (row := _credited_tax(invoice, total, parts, is_all=is_all))
    ]


def _credited_tax(
    invoice: Invoice,
    total: TaxTotal,
    parts: Mapping[Tax, Sequence[int]],
    *,
    is_all: bool,
) -> CreditNoteTax | None:
    whole, until_now = parts[Tax(total.category, total.percent)]
    earlier = CreditNoteTax.objects.filter(
        credit_note__invoice=invoice, category=total.category, percent=total.percent
    ).aggregate(net=Sum("net", default=0), amount=Sum("amount", default=0))
    if is_all:
        net, amount = total.net, total.amount
    elif invoice.prices_include_tax:
        # What was typed with tax goes back with tax, to the unit.
        gross = portion(total.net + total.amount, until_now, whole)
        amount = portion(total.amount, gross, total.net + total.amount)
        net = gross - amount
    else:
        net = portion(total.net, until_now, whole)
        amount = portion(total.amount, net, total.net)
    net, amount = net - earlier["net"], amount - earlier["amount"]
    if not (net or amount):
        return None
    return CreditNoteTax(
        category=total.category,
        percent=total.percent,
        name=total.name,
        note=total.note,
        net=net,
        amount=amount,
    )
