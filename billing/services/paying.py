"""Sending a customer to Stripe's page."""

import logging
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from django.db import transaction

from accounts.services.events import record_event
from billing.exceptions import (
    AlreadyPaid,
    AmountNotPayable,
    NotPayable,
    PaymentPending,
    PaymentRejected,
    PaymentUnderWay,
)
from billing.gateway import amounts, sessions
from billing.models import Checkout
from billing.services import settling
from billing.services.closing import end_checkout, take_back
from billing.services.moving import move_checkout
from billing.states import CheckoutStatus
from invoices import selectors
from invoices.models import Invoice
from invoices.money import format_money
from invoices.services.locking import lock_invoice
from invoices.states import InvoiceStatus

logger = logging.getLogger(__name__)

_LIFETIME: Final = timedelta(hours=1)
# Stripe wants half an hour left when it makes a session. An attempt that is older and
# still not made has never been anybody's page: a new one takes its place.
_REPEATABLE: Final = _LIFETIME - timedelta(minutes=31)
# Less than this left of a session is too little to pay in.
_LEAST_LEFT: Final = timedelta(minutes=1)
_ROUNDS: Final = 3


def start_checkout(*, invoice: Invoice, amount: int | None, now: datetime) -> Checkout:
    """
    The open session on which this amount can be paid, made at Stripe if there is none.

    Whoever asks again gets the same session. Another amount closes the session before.
    Call it outside a transaction.

    :param amount: minor units, or None for all that is due
    :raises NotPayable: if nothing is owed on the invoice
    :raises AlreadyPaid: if nothing is left to pay
    :raises PaymentUnderWay: if a slow payment is on its way
    :raises AmountNotPayable: if this is not an amount that can be paid
    :raises PaymentPending: if Stripe cannot be asked, or what it did is not known
    :raises PaymentRejected: if Stripe refused
    """
    for _ in range(_ROUNDS):
        checkout, wanted = _find_or_make(invoice, amount, now)
        checkout = repeat_checkout(checkout=checkout, now=now)
        if checkout.status != CheckoutStatus.OPEN:
            continue
        if checkout.amount == wanted and checkout.expires_at > now + _LEAST_LEFT:
            return checkout
        take_back(checkout, now)
    raise PaymentPending("Another payment of this invoice is being made. Try again.")


@transaction.atomic(durable=True)
def _find_or_make(
    invoice: Invoice, amount: int | None, now: datetime
) -> tuple[Checkout, int]:
    """The live attempt, whatever its amount, or a new one; and the amount wanted."""
    invoice = lock_invoice(invoice.pk)
    due = _check_due(invoice)
    checkout = Checkout.objects.filter(open_slot=invoice.pk).first()
    if checkout and checkout.status == CheckoutStatus.PROCESSING:
        raise PaymentUnderWay(
            "A payment of this invoice is on its way. It can take some days."
        )
    wanted = due if amount is None else amount
    _check_amount(wanted, due, invoice.currency)
    if checkout and _is_abandoned(checkout, now):
        move_checkout(checkout=checkout, to=CheckoutStatus.SUPERSEDED, now=now)
        checkout = None
    if checkout is None:
        checkout = begin_attempt(invoice=invoice, amount=wanted, now=now)
    return checkout, wanted


def _check_due(invoice: Invoice) -> int:
    if invoice.status in {InvoiceStatus.DRAFT, InvoiceStatus.VOID}:
        raise NotPayable("This invoice is void: nothing is owed on it.")
    due = selectors.amounts(invoice).due
    if not due:
        raise AlreadyPaid("This invoice is paid already.")
    return due


def obstacle(due: int, currency: str) -> str:
    """Why all that is due cannot be paid at Stripe; empty if it can."""
    try:
        amounts.to_stripe(due, currency)
    except AmountNotPayable as error:
        return str(error)
    return ""


def _check_amount(amount: int, due: int, currency: str) -> None:
    amounts.to_stripe(amount, currency)
    if not 0 < amount <= due:
        raise AmountNotPayable(
            f"Pay an amount up to what is due, {format_money(due, currency)}."
        )
    least = amounts.smallest_charge(currency)
    # All that is due is Stripe's to judge.
    if amount < due and (amount < least or due - amount < least):
        raise AmountNotPayable(
            f"Pay at least {format_money(least, currency)}, and leave at least as much "
            "for later, or pay all that is due."
        )


def _is_abandoned(checkout: Checkout, now: datetime) -> bool:
    return (
        checkout.status == CheckoutStatus.CREATING
        and now > checkout.started_at + _REPEATABLE
    )


def begin_attempt(*, invoice: Invoice, amount: int, now: datetime) -> Checkout:
    """
    Write down what Stripe is to be asked for. Call it with the invoice locked, and with
    no live attempt.
    """
    key = uuid4()
    expires_at = (now + _LIFETIME).replace(microsecond=0)
    checkout = Checkout.objects.create(
        invoice=invoice,
        key=key,
        amount=amount,
        currency=invoice.currency,
        open_slot=invoice.pk,
        params=_params(invoice, amount, str(key), int(expires_at.timestamp())),
        started_at=now,
        expires_at=expires_at,
    )
    record_event(
        type="checkout.started",
        subject=invoice,
        business=invoice.business,
        actor=None,
        now=now,
        data={"amount": amount, "currency": invoice.currency},
    )
    return checkout


def _params(invoice: Invoice, amount: int, key: str, expires_at: int) -> dict[str, Any]:
    """What Stripe is asked for. Nothing on its page may change the price."""
    page = selectors.customer_link(invoice)
    metadata = {"checkout": key, "invoice": str(invoice.public_id)}
    seller = (invoice.seller or {}).get("name", "")
    name = f"Invoice {invoice.number}"
    return {
        "mode": "payment",
        "client_reference_id": key,
        "success_url": f"{page}return/?session={{CHECKOUT_SESSION_ID}}",
        "cancel_url": page,
        "expires_at": expires_at,
        "locale": "auto",
        "adaptive_pricing": {"enabled": False},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": invoice.currency.lower(),
                    "unit_amount": amounts.to_stripe(amount, invoice.currency),
                    "product_data": {"name": name, "description": seller or name},
                },
            }
        ],
        # Stripe does not copy the session's metadata to its payment.
        "metadata": metadata,
        "payment_intent_data": {"description": name, "metadata": metadata},
    }


def repeat_checkout(*, checkout: Checkout, now: datetime) -> Checkout:
    """
    Make an attempt's session at Stripe, or find the one whose answer was lost: the call
    is as it is stored. Call it outside a transaction.

    :raises AmountNotPayable: if Stripe does not charge so little
    :raises PaymentPending: if Stripe cannot be asked, or what it did is not known
    :raises PaymentRejected: if Stripe refused; the attempt is over then
    """
    if checkout.status != CheckoutStatus.CREATING:
        return checkout
    try:
        session = sessions.create_session(checkout.params, checkout.key)
    except PaymentRejected as error:
        end_checkout(checkout, CheckoutStatus.REJECTED, now)
        raise _explained(error, checkout) from error
    except PaymentPending:
        # Another tab, or a webhook, may have learnt what we did not.
        checkout.refresh_from_db()
        if checkout.status == CheckoutStatus.CREATING:
            raise
        return checkout
    settling.apply_session(session=session, now=now)
    checkout.refresh_from_db()
    return checkout


def _explained(
    error: PaymentRejected, checkout: Checkout
) -> AmountNotPayable | PaymentRejected:
    if error.reason == "amount_too_small":
        amount = format_money(checkout.amount, checkout.currency)
        return AmountNotPayable(f"{amount} is less than can be paid by Stripe.")
    logger.error("Stripe rejected checkout %s: %s", checkout.key, error.reason)
    return error
