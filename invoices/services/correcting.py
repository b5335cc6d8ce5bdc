"""Voiding and giving up what was finalized, and writing it anew."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.services.events import record_event
from invoices import selectors, signals
from invoices.exceptions import MoneyReceived
from invoices.models import Invoice, InvoiceAdjustment, InvoiceLine
from invoices.services.locking import lock_invoice
from invoices.states import InvoiceStatus, check_transition


@transaction.atomic
def void_invoice(*, invoice: Invoice, actor: User | None, now: datetime) -> Invoice:
    """
    Declare that nothing is owed. The number stays used and the document stays.

    :raises InvalidTransition: if the invoice is a draft, paid, or void already
    :raises MoneyReceived: if anything was paid on it
    :raises Refusal: if a payment of it is on its way
    """
    invoice = lock_invoice(invoice.pk)
    check_transition(invoice.status, InvoiceStatus.VOID)
    _check_untouched(invoice)
    invoice.status = InvoiceStatus.VOID
    invoice.voided_at = now
    invoice.save(update_fields=["status", "voided_at", "updated_at"])
    record_event(
        type="invoice.voided",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
    )
    signals.due_fell.send(sender=Invoice, invoice=invoice)
    return invoice


@transaction.atomic
def give_up_invoice(*, invoice: Invoice, actor: User | None, now: datetime) -> Invoice:
    """
    Mark an open invoice as uncollectible. It can still be paid.

    :raises InvalidTransition: if the invoice is not open
    """
    invoice = lock_invoice(invoice.pk)
    check_transition(invoice.status, InvoiceStatus.UNCOLLECTIBLE)
    invoice.status = InvoiceStatus.UNCOLLECTIBLE
    invoice.save(update_fields=["status", "updated_at"])
    record_event(
        type="invoice.given_up",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
    )
    return invoice


@transaction.atomic
def revise_invoice(*, invoice: Invoice, actor: User | None, now: datetime) -> Invoice:
    """
    Void an invoice and copy it to a draft that revises it, in one step.

    :returns: the draft
    :raises InvalidTransition: if the invoice is a draft, paid, or void already
    :raises MoneyReceived: if anything was paid or credited on it
    """
    invoice = void_invoice(invoice=invoice, actor=actor, now=now)
    return _copy(invoice, actor, now, revises=invoice)


@transaction.atomic
def duplicate_invoice(
    *, invoice: Invoice, actor: User | None, now: datetime
) -> Invoice:
    """
    Copy what was typed to a new draft, without its dates. Tax rates are those of today.

    :returns: the draft
    """
    return _copy(invoice, actor, now, revises=None)


def _copy(
    invoice: Invoice, actor: User | None, now: datetime, *, revises: Invoice | None
) -> Invoice:
    draft = Invoice.objects.create(
        business=invoice.business,
        customer=invoice.customer,
        currency=invoice.currency,
        reference=invoice.reference,
        notes=invoice.notes,
        discount_percent=invoice.discount_percent,
        discount_amount=invoice.discount_amount,
        tax_rounding=invoice.tax_rounding,
        prices_include_tax=invoice.prices_include_tax,
        prepaid_amount=invoice.prepaid_amount,
        cash_rounding=invoice.cash_rounding,
        language=invoice.language,
        revises=revises,
        created_by=actor,
    )
    lines = [
        _as_typed(line, draft) for line in invoice.lines.order_by("position", "pk")
    ]
    InvoiceLine.objects.bulk_create(lines)
    InvoiceAdjustment.objects.bulk_create(
        _as_typed(row, draft) for row in invoice.adjustments.order_by("position", "pk")
    )
    record_event(
        type="invoice.created",
        subject=draft,
        business=draft.business,
        actor=actor,
        now=now,
        data={"revises" if revises else "copies": str(invoice)},
    )
    return draft


def _as_typed[Row: (InvoiceLine, InvoiceAdjustment)](row: Row, draft: Invoice) -> Row:
    """The row for another draft, without what finalizing froze."""
    row.pk, row.invoice = None, draft
    row.net = row.gross = row.tax_percent = None
    row.tax_name = row.tax_category = ""
    return row


def _check_untouched(invoice: Invoice) -> None:
    sums = selectors.amounts(invoice)
    if sums.paid:
        raise MoneyReceived(
            "Money was paid on this invoice, so it cannot be voided. Refund it instead."
        )
    if sums.credited or invoice.credit_notes.exists():
        raise MoneyReceived(
            "Part of this invoice was credited, so it cannot be voided. "
            "Credit the rest of it instead."
        )
