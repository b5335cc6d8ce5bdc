"""
Turning what Stripe says of a session into the books.

Webhook, redirect and repair all come here. Each asks Stripe for the session as it is
now, so that the order, the number and the absence of messages decide nothing.
"""

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.tasks import task

from accounts.services.events import record_event
from billing import emails
from billing.exceptions import UnknownStatus
from billing.gateway import amounts, sessions
from billing.gateway.client import is_live
from billing.models import Checkout, Payment
from billing.services import refunding
from billing.services.moving import move_checkout
from billing.services.statuses import said_of
from billing.states import CheckoutStatus
from invoices import selectors
from invoices.models import Invoice, LedgerEntry
from invoices.services.booking import book
from invoices.services.locking import lock_invoice
from invoices.states import InvoiceStatus

logger = logging.getLogger(__name__)


def sync_session(
    *, session_id: str, now: datetime, debit_failed: bool = False
) -> Checkout | None:
    """
    Ask Stripe for a session and book what it says. May run any number of times, and at
    once. Call it outside a transaction.

    :param debit_failed: Stripe told so, which its answer may not show
    :returns: the attempt it belongs to, or None if it is none of ours
    :raises PaymentPending: if Stripe cannot be asked now
    :raises PaymentRejected: if Stripe does not know the session, or our key not Stripe
    """
    session = sessions.retrieve_session(session_id)
    return apply_session(session=session, now=now, debit_failed=debit_failed)


def apply_session(
    *, session: sessions.Session, now: datetime, debit_failed: bool = False
) -> Checkout | None:
    """As `sync_session`, with Stripe's answer at hand."""
    checkout = Checkout.objects.filter(
        # By our key first of all: a webhook may come before we learn the session's id.
        Q(key=session.checkout_key) | Q(session_id=session.id)
    ).first()
    if checkout is None:
        logger.warning("Session %s is none of ours", session.id)
        return None
    return _apply(checkout, session, status_of(session, debit_failed=debit_failed), now)


def settle_payment(*, payment_intent: str, now: datetime) -> bool:
    """
    Book a payment of which something else was told first: a refund, a dispute. Call it
    outside a transaction.

    :returns: whether it is one of ours
    """
    session = sessions.find_session(payment_intent) if payment_intent else None
    return session is not None and bool(apply_session(session=session, now=now))


def status_of(
    session: sessions.Session, *, debit_failed: bool = False
) -> CheckoutStatus:
    """
    What an attempt is that Stripe says this of.

    :raises UnknownStatus: if it is nothing that this release knows
    """
    if session.payment_status == "paid":
        return CheckoutStatus.PAID
    if session.status in {"expired", "open"}:
        return CheckoutStatus(session.status)
    if (session.status, session.payment_status) != ("complete", "unpaid"):
        said = f"{session.status}, {session.payment_status}"
        raise UnknownStatus(said_of(session.id, said))
    # Complete, but not paid: a bank debit, until the bank says no.
    if debit_failed or session.intent_status in {"requires_payment_method", "canceled"}:
        return CheckoutStatus.FAILED
    return CheckoutStatus.PROCESSING


@transaction.atomic
def _apply(
    checkout: Checkout, session: sessions.Session, status: CheckoutStatus, now: datetime
) -> Checkout:
    # The invoice first, always: see `lock_invoice`.
    invoice = lock_invoice(checkout.invoice_id)
    checkout = Checkout.objects.select_for_update().get(pk=checkout.pk)
    checkout.invoice = invoice
    if checkout.session_id is None:
        checkout.session_id = session.id
        checkout.session_url = session.url
        checkout.save(update_fields=["session_id", "session_url", "updated_at"])
    if status == CheckoutStatus.PAID:
        _receive(invoice, checkout, session, now)
    move_checkout(checkout=checkout, to=status, now=now)
    return checkout


def _receive(
    invoice: Invoice, checkout: Checkout, session: sessions.Session, now: datetime
) -> None:
    problem = _problem(invoice, checkout, session)
    payment, is_new = Payment.objects.get_or_create(
        payment_intent=session.payment_intent,
        defaults={
            "invoice": invoice,
            "checkout": checkout,
            "charge": session.charge,
            "amount": session.amount,
            "currency": session.currency,
            "status": Payment.Status.HELD if problem else Payment.Status.SUCCEEDED,
            "problem": problem,
            "received_at": session.paid_at,
        },
    )
    # A payment is never judged twice: what was due then is not what is due now.
    if not is_new:
        return
    _book(payment, now)
    if not payment.is_held:
        _mail_receipt.enqueue(payment_id=payment.pk)
        return
    _mail_alert.enqueue(payment_id=payment.pk)
    if payment.is_sent_back:
        refunding.request_refund(
            payment=payment,
            amount=None,
            reason=payment.get_problem_display(),
            cause=f"{problem}:{payment.payment_intent}",
            actor=None,
            now=now,
        )


def _problem(invoice: Invoice, checkout: Checkout, session: sessions.Session) -> str:
    """Why this money does not fit the books; empty if it does."""
    asked = amounts.to_stripe(checkout.amount, checkout.currency)
    tests = {
        Payment.Problem.LIVEMODE: session.livemode != is_live(),
        Payment.Problem.CURRENCY: session.currency != invoice.currency,
        Payment.Problem.AMOUNT: session.charged != asked,
        Payment.Problem.VOID: invoice.status == InvoiceStatus.VOID,
        Payment.Problem.OVERPAID: session.amount > selectors.amounts(invoice).due,
    }
    return next((problem for problem, applies in tests.items() if applies), "")


def _book(payment: Payment, now: datetime) -> None:
    kind = LedgerEntry.Kind.HELD if payment.is_held else LedgerEntry.Kind.PAYMENT
    book(
        invoice=payment.invoice,
        kind=kind,
        source=payment.payment_intent,
        amount=payment.amount,
        currency=payment.currency,
        occurred_at=payment.received_at,
        now=now,
    )
    record_event(
        type=f"payment.{payment.status}",
        subject=payment,
        business=payment.invoice.business,
        actor=None,
        now=now,
        data={
            "invoice": payment.invoice.number,
            "amount": payment.amount,
            "currency": payment.currency,
            "problem": payment.problem,
        },
    )


# One mail for a payment: its row is new in one transaction only, and so is the task.


@task
def _mail_receipt(payment_id: int) -> None:
    """Mail a receipt to a customer."""
    emails.payment_received(_payment(payment_id))


@task
def _mail_alert(payment_id: int) -> None:
    """Mail a business that money came which fits no invoice."""
    emails.payment_held(_payment(payment_id))


def _payment(payment_id: int) -> Payment:
    payments = Payment.objects.select_related("invoice__business", "invoice__customer")
    return payments.get(pk=payment_id)
