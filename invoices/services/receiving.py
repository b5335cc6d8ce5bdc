"""Money that came past Stripe: a person says so, and may take it back."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from accounts.services.events import record_event
from accounts.services.writing import set_fields
from invoices import selectors, signals
from invoices.exceptions import AmountOutOfRange, InvalidTransition
from invoices.models import BalanceEntry, Invoice, LedgerEntry, ManualPayment
from invoices.money import LARGEST
from invoices.services import balances
from invoices.services.booking import book
from invoices.services.locking import lock_invoice
from invoices.states import InvoiceStatus, check_transition

FIELDS: Final = frozenset({"method", "amount", "received_on", "reference"})


@transaction.atomic
def record_payment(
    *,
    invoice: Invoice,
    fields: Mapping[str, Any],
    actor: User | None,
    now: datetime,
    key: UUID | None = None,
) -> ManualPayment:
    """
    Book a transfer, cash or other money on a finalized invoice, whatever its status.

    It pays what is due; what is beyond is kept as the customer's balance.

    :param fields: any of `FIELDS`; the amount in minor units of the invoice's currency
    :param key: the payment's own id, where a caller may ask twice: then it is booked once
    :raises InvalidTransition: if the invoice is a draft
    :raises ValidationError: naming each field that is wrong
    :raises AmountOutOfRange: if it is more than the books can hold
    """
    invoice = lock_invoice(invoice.pk)
    if invoice.is_draft:
        raise InvalidTransition("This invoice is a draft; finalize it first.")
    if key and (known := ManualPayment.objects.filter(public_id=key).first()):
        return _same(known, invoice, fields)
    payment = ManualPayment(
        public_id=key or uuid4(),
        invoice=invoice,
        currency=invoice.currency,
        recorded_by=actor,
        recorded_at=now,
    )
    set_fields(payment, fields, FIELDS)
    _check(payment, now)
    payment.save()
    pays = min(payment.amount, selectors.amounts(invoice).due)
    # Before the first event: see `lock_customer`.
    if more := payment.amount - pays:
        balances.enter(
            invoice=invoice,
            kind=BalanceEntry.Kind.OVERPAYMENT,
            source=_source(payment),
            amount=more,
            occurred_at=_came_at(payment, now),
        )
        _record("invoice.overpayment_kept", payment, more, actor, now)
    if pays:
        _book(payment, LedgerEntry.Kind.PAYMENT, pays, actor, now)
        signals.due_fell.send(sender=Invoice, invoice=invoice)
    return payment


@transaction.atomic
def reverse_payment(
    *, payment: ManualPayment, reason: str, actor: User | None, now: datetime
) -> ManualPayment:
    """
    Take back a payment that was recorded by mistake, or bounced. What it paid is due
    again. The entry stays, and another stands against it.

    :raises InvalidTransition: if it was taken back before
    """
    invoice = lock_invoice(payment.invoice_id)
    payment = ManualPayment.objects.select_for_update().get(pk=payment.pk)
    if payment.reversed_at:
        raise InvalidTransition("This payment was taken back before.")
    more = balances.give_back(invoice=invoice, source=_source(payment), now=now)
    payment.reversed_at, payment.reversal_reason = now, reason
    payment.save(update_fields=["reversed_at", "reversal_reason"])
    payment.invoice = invoice
    if more:
        _record("invoice.overpayment_returned", payment, more, actor, now)
    if paid := invoice.ledger.filter(kind="payment", source=_source(payment)).first():
        kind = LedgerEntry.Kind.PAYMENT_REVERSED
        _book(payment, kind, -paid.amount, actor, now)
    _reopen(invoice, actor, now)
    return payment


def _same(
    known: ManualPayment, invoice: Invoice, fields: Mapping[str, Any]
) -> ManualPayment:
    if (known.invoice_id, known.amount) != (invoice.pk, fields.get("amount")):
        raise ValidationError({"id": "Another payment was recorded with this id."})
    return known


def _check(payment: ManualPayment, now: datetime) -> None:
    payment.clean_fields(exclude={"invoice", "recorded_by"})
    if payment.amount > LARGEST:
        raise AmountOutOfRange("This amount is larger than the books can hold.")
    today = payment.invoice.business.today(now)
    if payment.received_on > today:
        raise ValidationError(
            {"received_on": f"Write the day on which it came: it is {today} now."}
        )


def _book(
    payment: ManualPayment,
    kind: LedgerEntry.Kind,
    amount: int,
    actor: User | None,
    now: datetime,
) -> None:
    is_payment = kind == LedgerEntry.Kind.PAYMENT
    book(
        invoice=payment.invoice,
        kind=kind,
        source=_source(payment),
        amount=amount,
        currency=payment.currency,
        occurred_at=_came_at(payment, now) if is_payment else now,
        now=now,
        actor=actor,
    )


def _came_at(payment: ManualPayment, now: datetime) -> datetime:
    """A day has no hour: at noon, where the business is, or now if that is earlier."""
    zone = ZoneInfo(payment.invoice.business.time_zone)
    return min(datetime.combine(payment.received_on, time(12), zone), now)


def _record(
    name: str, payment: ManualPayment, amount: int, actor: User | None, now: datetime
) -> None:
    """What goes to the balance and from it is in no ledger, which is of invoices."""
    record_event(
        type=name,
        subject=payment.invoice,
        business=payment.invoice.business,
        actor=actor,
        now=now,
        data={
            "source": _source(payment),
            "amount": amount,
            "currency": payment.currency,
        },
    )


def _source(payment: ManualPayment) -> str:
    return f"manual:{payment.public_id}"


def _reopen(invoice: Invoice, actor: User | None, now: datetime) -> None:
    if invoice.status != InvoiceStatus.PAID or selectors.unsettled(invoice) <= 0:
        return
    check_transition(invoice.status, InvoiceStatus.OPEN)
    invoice.status, invoice.paid_at = InvoiceStatus.OPEN, None
    invoice.save(update_fields=["status", "paid_at", "updated_at"])
    record_event(
        type="invoice.reopened",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
    )
