"""
Stripe's pages and what was paid on them, against attempts and payments.

A paid session that nothing here knows of is what a lost webhook leaves, or a database
restored from a copy. It carries the ids of the attempt and of the invoice: where the
invoice is here, the attempt is made anew.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import batched
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.services.events import record_event
from billing.exceptions import UnknownStatus
from billing.gateway import intents, sessions
from billing.gateway.listing import PAGE
from billing.gateway.sessions import Session
from billing.models import Checkout, Payment
from billing.services import settling
from billing.services.reconciling.rounds import Round
from billing.states import LIVE, CheckoutStatus
from invoices.models import Invoice
from invoices.money import format_money
from invoices.services.locking import lock_invoice
from invoices.states import InvoiceStatus

SESSIONS: Final = "sessions"
PAYMENTS: Final = "payments"


def check_sessions(round_: Round, since: datetime, until: datetime) -> None:
    """Each paid session has its payment, and no attempt waits for one that is over."""
    late: list[Session] = []
    for page in batched(sessions.list_sessions(since, until), PAGE, strict=False):
        round_.breathe()
        round_.look(SESSIONS, len(page))
        late += _unlike_ours(round_, page)
    # In the order in which the money came: what is overpaid depends on it. Of the same
    # second the one that Stripe lists last, which is the oldest.
    late.reverse()
    for session in sorted(late, key=lambda each: each.paid_at):
        settle(round_, session)


def _unlike_ours(round_: Round, page: Sequence[Session]) -> Iterator[Session]:
    ids = [session.id for session in page]
    keys = [session.checkout_key for session in page if session.checkout_key]
    known: dict[object, Checkout] = {}
    for checkout in Checkout.objects.filter(Q(session_id__in=ids) | Q(key__in=keys)):
        known[checkout.session_id] = known[checkout.key] = checkout
    paid = _payments([session.payment_intent for session in page])
    for session in page:
        checkout_ = known.get(session.checkout_key) or known.get(session.id)
        payment = paid.get(session.payment_intent)
        if payment:
            _compare(round_, session, payment)
        elif _is_news(session, checkout_):
            yield session


def _payments(intent_ids: list[str]) -> dict[str, Payment]:
    payments = Payment.objects.filter(payment_intent__in=intent_ids)
    rows = payments.select_related("invoice", "checkout")
    return {payment.payment_intent: payment for payment in rows}


def _is_news(session: Session, checkout: Checkout | None) -> bool:
    if checkout is None:
        return session.checkout_key is not None and session.status != "expired"
    if checkout.status not in LIVE or session.payment_status == "paid":
        return session.payment_status == "paid"
    try:
        return checkout.status != settling.status_of(session)
    except UnknownStatus:
        # For a person, and no other's hindrance: told where it is settled.
        return True


def _compare(round_: Round, session: Session, payment: Payment) -> None:
    there = session.amount, session.currency
    here = payment.amount, payment.currency
    about = payment.received_at
    if there != here:
        words = f"Stripe received {format_money(*there)}, and {format_money(*here)} is booked."
        _find(round_, session, words, payment, about)
    elif payment.checkout and payment.checkout.session_id != session.id:
        words = f"it was paid on {session.id}, and is booked as of another session."
        _find(round_, session, words, payment, about)


def _find(
    round_: Round, session: Session, words: str, payment: Payment, about: datetime
) -> None:
    round_.find(
        PAYMENTS, session.payment_intent, words, invoice=payment.invoice, about=about
    )


def settle(round_: Round, session: Session) -> None:
    """Book what Stripe says of a session that we knew less of."""
    round_.handled.add(session.payment_intent)
    checkout = Checkout.objects.filter(
        Q(key=session.checkout_key) | Q(session_id=session.id)
    )
    known = checkout.select_related("invoice").first()
    invoice = known.invoice if known else _invoice(session.invoice_id)
    amount = format_money(session.amount, session.currency)
    if invoice is None:
        _tell_of_stranger(round_, session, amount)
        return
    said = amount if session.payment_status == "paid" else session.status
    round_.mend(
        SESSIONS,
        session.id,
        f"invoice {invoice.number}, {said}",
        partial(
            _settle, round_, session, invoice, None if known else session.checkout_key
        ),
        invoice=invoice,
        about=session.created_at,
    )


def _invoice(public_id: UUID | None) -> Invoice | None:
    if public_id is None:
        return None
    issued = Invoice.objects.exclude(status=InvoiceStatus.DRAFT)
    return issued.filter(public_id=public_id).first()


def _tell_of_stranger(round_: Round, session: Session, amount: str) -> None:
    # On what is open nobody has paid; should somebody, a later run sees it.
    if session.payment_status == "paid":
        words = f"{amount} was paid for an invoice that is not here."
        round_.find(SESSIONS, session.id, words, about=session.created_at)


def _settle(
    round_: Round, session: Session, invoice: Invoice, lost: UUID | None
) -> None:
    """
    :param lost: the key of the attempt, where its row is gone
    """
    now = round_.clock()
    if lost:
        _make_anew(invoice, session, lost, now)
    # Asked for again: a run takes minutes, and a session may have been paid since.
    settling.sync_session(session_id=session.id, now=now)


@transaction.atomic
def _make_anew(invoice: Invoice, session: Session, key: UUID, now: datetime) -> None:
    """
    The attempt that a session was made for. It holds the invoice's slot if that is free:
    a payment may still be on its way.
    """
    invoice = lock_invoice(invoice.pk)
    is_free = not Checkout.objects.filter(open_slot=invoice.pk).exists()
    Checkout.objects.create(
        key=key,
        invoice=invoice,
        amount=session.amount,
        currency=session.currency,
        status=CheckoutStatus.CREATING if is_free else CheckoutStatus.SUPERSEDED,
        open_slot=invoice.pk if is_free else None,
        started_at=session.created_at,
        expires_at=session.expires_at,
    )
    record_event(
        type="checkout.made_anew",
        subject=invoice,
        business=invoice.business,
        actor=None,
        now=now,
        data={"amount": session.amount, "currency": session.currency},
    )


def check_intents(round_: Round, since: datetime, until: datetime) -> None:
    """Nothing arrived that is in no session of ours."""
    for page in batched(intents.list_intents(since, until), PAGE, strict=False):
        round_.breathe()
        round_.look(PAYMENTS, len(page))
        arrived = [each for each in page if each.status == "succeeded"]
        known = _payments([each.id for each in arrived])
        for intent in arrived:
            if intent.id not in known and intent.id not in round_.handled:
                _look_up(round_, intent)


def _look_up(round_: Round, intent: intents.Intent) -> None:
    round_.breathe()
    session = sessions.find_session(intent.id)
    if session and session.checkout_key:
        settle(round_, session)
        return
    round_.handled.add(intent.id)
    amount = format_money(intent.amount, intent.currency)
    round_.find(
        PAYMENTS,
        intent.id,
        f"{amount} arrived at Stripe, and nothing here asked for it.",
        invoice=_invoice(intent.invoice_id),
        about=intent.created_at,
    )
