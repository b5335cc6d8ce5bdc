"""Freezing a draft: totals, copies of names, a number, a link, a document."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Business, User
from accounts.services.events import record_event
from invoices import selectors
from invoices.exceptions import DueBeforeIssue, MissingDetails, NothingToInvoice
from invoices.models import (
    Customer,
    Invoice,
    InvoiceLine,
    Series,
    TaxCategory,
    TaxTotal,
    link_lifetime,
)
from invoices.money import Totals
from invoices.services import documents, numbering, sealing
from invoices.services.locking import lock_invoice
from invoices.states import InvoiceStatus, check_finalizable


@transaction.atomic
def finalize_invoice(*, invoice: Invoice, actor: User | None, now: datetime) -> Invoice:
    """
    Freeze a draft and give it the next number of its series.

    An invoice that comes to nothing is paid at once. The PDF is rendered by a task
    written in the same transaction.

    The number is taken last, from a locked row, so that the lock is held for a few short
    statements and a rollback gives the number back. What the invoice says is sealed.

    :raises InvalidTransition: if the invoice is no longer a draft
    :raises NothingToInvoice: if it has no lines, or comes to less than nothing
    :raises MissingDetails: if seller or customer lack what the invoice must show
    :raises DueBeforeIssue: if the due date that was set is past
    """
    invoice = lock_invoice(invoice.pk)
    check_finalizable(invoice.status)
    lines = list(invoice.lines.select_related("tax_rate").order_by("position", "pk"))
    totals = _check(invoice, lines)
    _freeze(invoice, lines, totals, now)
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


def _check(invoice: Invoice, lines: Sequence[InvoiceLine]) -> Totals:
    if not lines:
        raise NothingToInvoice("Add a line first: an invoice without lines is none.")
    if not invoice.business.address:
        raise MissingDetails(
            "Fill in the address of the business first: every invoice must show it."
        )
    _check_reverse_charge(invoice, lines)
    totals = selectors.draft_totals(invoice, lines)
    if totals.total < 0:
        raise NothingToInvoice("This comes to less than nothing.")
    return totals


def _check_reverse_charge(invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    # EN 16931, BR-AE-02: who owes the tax must be known by number.
    if all(line.tax_rate.category != TaxCategory.REVERSE_CHARGE for line in lines):
        return
    if not (invoice.business.tax_id and invoice.customer.tax_id):
        raise MissingDetails(
            "Reverse charge needs the tax ids of both sides: fill in that of the "
            f"{'customer' if invoice.business.tax_id else 'business'} first."
        )


def _freeze(
    invoice: Invoice, lines: Sequence[InvoiceLine], totals: Totals, now: datetime
) -> None:
    business = invoice.business
    today = business.today(now)
    invoice.issue_date = invoice.issue_date or today
    invoice.due_date = invoice.due_date or invoice.issue_date + timedelta(
        days=business.payment_terms_days
    )
    if invoice.due_date < invoice.issue_date:
        raise DueBeforeIssue(
            f"Due on {invoice.due_date}, but issued on {invoice.issue_date}: "
            "change the due date first."
        )
    invoice.seller = _details(business) | {"footer": business.footer}
    invoice.buyer = _details(invoice.customer)
    invoice.subtotal = totals.subtotal
    invoice.discount = totals.discount
    invoice.net, invoice.tax, invoice.total = totals.net, totals.tax, totals.total
    invoice.prepaid, invoice.rounding, invoice.payable = 0, 0, totals.total
    invoice.language = (
        invoice.language or invoice.customer.language or business.language
    )
    invoice.finalized_at = now
    invoice.link_token = secrets.token_urlsafe(24)
    invoice.link_expires_at = now + link_lifetime(invoice.due_date, today)
    invoice.status = InvoiceStatus.OPEN if totals.total else InvoiceStatus.PAID
    invoice.paid_at = None if totals.total else now
    _freeze_lines(lines, totals)
    TaxTotal.objects.bulk_create(selectors.tax_totals(invoice, lines, totals))


def _details(party: Business | Customer) -> dict[str, str]:
    return {
        "name": party.name,
        "email": party.email,
        "address": party.address,
        "country": party.country,
        "tax_id": party.tax_id,
    }


def _freeze_lines(lines: Sequence[InvoiceLine], totals: Totals) -> None:
    for line, net in zip(lines, totals.line_nets, strict=True):
        line.net = net
        line.tax_name = line.tax_rate.name
        line.tax_category = line.tax_rate.category
        line.tax_percent = line.tax_rate.percent
    InvoiceLine.objects.bulk_update(
        lines, ["net", "tax_name", "tax_category", "tax_percent"]
    )
