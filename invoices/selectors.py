"""Answers that span models. Nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import TaxRounding
from invoices.models import Invoice, InvoiceLine
from invoices.money import Totals, compute


def draft_totals(invoice: Invoice, lines: Sequence[InvoiceLine]) -> Totals:
    """
    What an invoice with these lines comes to. Neither needs to be saved.

    :raises UnknownCurrency: if the invoice's currency is none
    :raises AmountOutOfRange: if an amount does not fit the books, or a discount is
        larger than what it is taken from
    """
    return compute(
        [line.amounts for line in lines],
        currency=invoice.currency,
        discount_percent=invoice.discount_percent,
        discount_amount=invoice.discount_amount,
        tax_per_line=invoice.tax_rounding == TaxRounding.LINE,
    )


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the ledger says of an invoice, in minor units."""

    paid: int
    refunded: int
    held: int
    due: int


def amounts(invoice: Invoice) -> Amounts:
    row = Invoice.objects.with_amounts().get(pk=invoice.pk)
    return Amounts(row.paid, row.refunded, row.held, row.due)
