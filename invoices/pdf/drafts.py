"""A draft, filled in as finalizing would fill it in. Nothing of it is saved."""

from datetime import date

from invoices import selectors
from invoices.arithmetic import Totals
from invoices.models import Invoice, InvoiceAdjustment, InvoiceLine, Taxed
from invoices.pdf.invoice import Content


def as_if_frozen(draft: Invoice, today: date) -> Content:
    """:raises InvoiceError: as `selectors.draft_totals`"""
    # Of its own, as the caller's is still a draft.
    invoice = Invoice.objects.select_related("business", "customer").get(pk=draft.pk)
    lines = list(invoice.lines.select_related("tax_rate").order_by("position", "pk"))
    adjustments = selectors.adjustments_of(invoice)
    totals = selectors.draft_totals(invoice, lines, adjustments)
    _fill_in(invoice, totals, today)
    _fill_in_rows(lines, adjustments, totals)
    taxes = selectors.tax_totals(invoice, [*lines, *adjustments], totals)
    return Content(invoice, lines, adjustments, taxes, is_draft=True)


def _fill_in(invoice: Invoice, totals: Totals, today: date) -> None:
    business, customer = invoice.business, invoice.customer
    invoice.issue_date = invoice.issue_date or today
    invoice.due_date = invoice.due_date or selectors.due_by_terms(
        invoice, invoice.issue_date
    )
    invoice.seller = selectors.seller_details(business)
    invoice.buyer = selectors.buyer_details(customer)
    invoice.language = invoice.language or customer.language or business.language
    invoice.subtotal, invoice.discount = totals.subtotal, totals.discount
    invoice.net, invoice.tax, invoice.total = totals.net, totals.tax, totals.total
    invoice.prepaid, invoice.rounding = totals.prepaid, totals.rounding
    invoice.payable = totals.payable


def _fill_in_rows(
    lines: list[InvoiceLine], adjustments: list[InvoiceAdjustment], totals: Totals
) -> None:
    rows: list[Taxed] = [*lines, *adjustments]
    amounts = totals.line_amounts + totals.adjustment_amounts
    for row, amount in zip(rows, amounts, strict=True):
        row.gross = row.net = amount
        row.tax_name = row.tax_rate.name
