"""Freezing a draft: totals, copies of names, a number, a link, a document."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from accounts.models import User
from accounts.services.events import record_event
from invoices import selectors
from invoices.arithmetic import Totals
from invoices.exceptions import DueBeforeIssue, MissingDetails, NothingToInvoice
from invoices.models import (
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    Series,
    TaxCategory,
    Taxed,
    TaxTotal,
    link_lifetime,
)
from invoices.services import documents, numbering, sealing
from invoices.services.locking import lock_invoice
from invoices.states import InvoiceStatus, check_finalizable

# Of a line and an adjustment.
_FROZEN: Final = ["net", "gross", "tax_name", "tax_category", "tax_percent"]


@transaction.atomic
def finalize_invoice(*, invoice: Invoice, actor: User | None, now: datetime) -> Invoice:
    """
    Freeze a draft and give it the next number of its series.

    An invoice on which nothing is payable is paid at once. The PDF is rendered by a task
    written in the same transaction.

    The number is taken last, from a locked row, so that the lock is held for a few short
    statements and a rollback gives the number back. What the invoice says is sealed.

    :raises InvalidTransition: if the invoice is no longer a draft
    :raises NothingToInvoice: if it has no lines, or comes to less than nothing, or to
        less than was prepaid
    :raises MissingDetails: if seller or customer lack what the invoice must show
    :raises DueBeforeIssue: if the due date that was set is past
    """
    invoice = lock_invoice(invoice.pk)
    check_finalizable(invoice.status)
    lines = list(invoice.lines.select_related("tax_rate").order_by("position", "pk"))
    adjustments = selectors.adjustments_of(invoice)
    totals = _check(invoice, lines, adjustments)
    _freeze(invoice, totals, now)
    _freeze_rows(invoice, lines, adjustments, totals)
    assert invoice.issue_date is not None  # noqa: S101 - for mypy: frozen above
    run = numbering.open_run(invoice.business, Series.Kind.INVOICE, invoice.issue_date)
    documents.store_document_later(invoice)
    # Before the number, as the locks must come in one order; see `numbering.open_run`.
    event = record_event(
        type="invoice.finalized",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
        data={"total": invoice.total, "currency": invoice.currency},
    )
    content = sealing.invoice_content(invoice)
    taken = numbering.take_number(run)
    invoice.counter_id, invoice.sequence = taken.counter_id, taken.sequence
    invoice.number = event.data["number"] = taken.number
    invoice.save()
    event.save(update_fields=["data"])
    sealing.seal(content, taken, invoice=invoice)
    return invoice


def _check(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    adjustments: Sequence[InvoiceAdjustment],
) -> Totals:
    if not lines:
        raise NothingToInvoice("Add a line first: an invoice without lines is none.")
    if not invoice.business.address:
        raise MissingDetails(
            "Fill in the address of the business first: every invoice must show it."
        )
    _check_reverse_charge(invoice, [*lines, *adjustments])
    totals = selectors.draft_totals(invoice, lines, adjustments)
    if totals.total < 0:
        raise NothingToInvoice(
            "This comes to less than nothing: write a credit note for the invoice that "
            "it takes back."
        )
    if totals.payable < 0:
        raise NothingToInvoice(
            "More was prepaid than this comes to: lower the prepaid amount."
        )
    return totals


def _check_reverse_charge(invoice: Invoice, rows: Sequence[Taxed]) -> None:
    # EN 16931, BR-AE-02: who owes the tax must be known by number.
    if all(row.tax_rate.category != TaxCategory.REVERSE_CHARGE for row in rows):
        return
    if not (invoice.business.tax_id and invoice.customer.tax_id):
        raise MissingDetails(
            "Reverse charge needs the tax ids of both sides: fill in that of the "
            f"{'customer' if invoice.business.tax_id else 'business'} first."
        )


def _freeze(invoice: Invoice, totals: Totals, now: datetime) -> None:
    business = invoice.business
    today = business.today(now)
    invoice.issue_date = invoice.issue_date or today
    invoice.due_date = invoice.due_date or selectors.due_by_terms(
        invoice, invoice.issue_date
    )
    if invoice.due_date < invoice.issue_date:
        raise DueBeforeIssue(
            f"Due on {invoice.due_date}, but issued on {invoice.issue_date}: "
            "change the due date first."
        )
    invoice.seller = selectors.seller_details(business)
    invoice.buyer = selectors.buyer_details(invoice.customer)
    invoice.subtotal = totals.subtotal
    invoice.discount = totals.discount
    invoice.net, invoice.tax, invoice.total = totals.net, totals.tax, totals.total
    invoice.prepaid, invoice.rounding = totals.prepaid, totals.rounding
    invoice.payable = totals.payable
    invoice.language = (
        invoice.language or invoice.customer.language or business.language
    )
    invoice.finalized_at = now
    invoice.link_token = secrets.token_urlsafe(24)
    invoice.link_expires_at = now + link_lifetime(invoice.due_date, today)
    invoice.status = InvoiceStatus.OPEN if totals.payable else InvoiceStatus.PAID
    invoice.paid_at = None if totals.payable else now


def _freeze_rows(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    adjustments: Sequence[InvoiceAdjustment],
    totals: Totals,
) -> None:
    rows: list[Taxed] = [*lines, *adjustments]
    nets = totals.line_nets + totals.adjustment_nets
    amounts = totals.line_amounts + totals.adjustment_amounts
    for row, net, amount in zip(rows, nets, amounts, strict=True):
        row.net = net
        row.gross = amount if invoice.prices_include_tax else None
        row.tax_name = row.tax_rate.name
        row.tax_category = row.tax_rate.category
        row.tax_percent = row.tax_rate.percent
    InvoiceLine.objects.bulk_update(lines, _FROZEN)
    InvoiceAdjustment.objects.bulk_update(adjustments, _FROZEN)
    TaxTotal.objects.bulk_create(selectors.tax_totals(invoice, rows, totals))
