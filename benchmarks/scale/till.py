"""What is paid of invoices, by transfer or by card, and what goes back."""

from datetime import datetime, time, timedelta
from secrets import token_hex
from typing import Any, Final
from uuid import uuid4

from benchmarks.scale.firm import ZONE
from benchmarks.scale.pile import Pile
from billing.gateway.client import API_VERSION
from billing.models import (
    BalanceTransaction,
    Checkout,
    Payment,
    Refund,
    StripeEvent,
)
from billing.states import CheckoutStatus, RefundStatus
from invoices.models import Invoice, LedgerEntry, ManualPayment

# Of seven invoices so many are paid by card: of 200, enough to fill a page. Of fifty of
# these a part of one goes back.
SEVEN, BY_CARD = 7, 5
RETURNS: Final = 50
# From the click on the invoice's page until Stripe tells.
AT_STRIPE: Final = timedelta(minutes=4)
OPEN_FOR: Final = timedelta(hours=1)
RETURNED_AFTER: Final = timedelta(days=3)
PAID_OUT_AFTER: Final = timedelta(days=2)


class Till:
    def __init__(self, pile: Pile, now: datetime) -> None:
        self.pile, self.now = pile, now
        self.cards = 0

    def pay(self, place: int, invoice: Invoice, amount: int, at: datetime) -> datetime:
        """:returns: when the money came, as the books have it"""
        if place % SEVEN < BY_CARD:
            return self._by_card(invoice, amount, at.replace(microsecond=0))
        return self._by_transfer(invoice, amount, at)

    def book(
        self,
        invoice: Invoice,
        kind: str,
        source: str,
        amount: int,
        at: datetime,
        *,
        by_itself: bool = False,
    ) -> None:
        self.pile.add(
            LedgerEntry(
                invoice=invoice,
                business=invoice.business,
                kind=kind,
                source=source,
                amount=amount,
                currency=invoice.currency,
                occurred_at=at,
                created_at=at,
            )
        )
        said = {"source": source} | _said(invoice, amount)
        type_ = f"invoice.{kind}_booked"
        self.pile.tell(type_, invoice, at, by_itself=by_itself, **said)

    def _by_transfer(self, invoice: Invoice, amount: int, at: datetime) -> datetime:
        day = at.astimezone(ZONE).date()
        payment = self.pile.add(
            ManualPayment(
                invoice=invoice,
                amount=amount,
                currency=invoice.currency,
                received_on=day,
                reference=str(invoice.number),
                recorded_by=self.pile.firm.owner,
                recorded_at=at,
            )
        )
        noon = min(datetime.combine(day, time(12), ZONE), at)
        self.book(invoice, "payment", f"manual:{payment.public_id}", amount, noon)
        return noon

    def _by_card(self, invoice: Invoice, amount: int, at: datetime) -> datetime:
        checkout = self._checkout(invoice, amount, at)
        payment: Payment = self.pile.add(
            Payment(
                invoice=invoice,
                checkout=checkout,
                payment_intent=f"pi_{token_hex(12)}",
                charge=f"ch_{token_hex(12)}",
                amount=amount,
                currency=invoice.currency,
                status=Payment.Status.SUCCEEDED,
                received_at=at,
                created_at=at,
            )
        )
        source = payment.payment_intent
        self.book(invoice, "payment", source, amount, at, by_itself=True)
        said = {"invoice": invoice.number} | _said(invoice, amount)
        self.pile.tell("payment.succeeded", payment, at, by_itself=True, **said)
        self._tell_of(checkout, "paid", at)
        self._delivered(
            "checkout.session.completed", str(checkout.session_id), "paid", at
        )
        self._moved("charge", payment, payment.charge, amount, at)
        self.cards += 1
        back_at = at + RETURNED_AFTER
        if self.cards % RETURNS == 0 and back_at < self.now:
            self._refund(payment, amount // 4, back_at)
        return at

    def _checkout(self, invoice: Invoice, amount: int, at: datetime) -> Checkout:
        key, session_id = uuid4(), f"cs_test_{token_hex(29)}"
        started_at = at - AT_STRIPE
        checkout: Checkout = self.pile.add(
            Checkout(
                invoice=invoice,
                key=key,
                amount=amount,
                currency=invoice.currency,
                status=CheckoutStatus.PAID,
                # What was asked of Stripe, in short.
                params={"mode": "payment", "client_reference_id": str(key)},
                session_id=session_id,
                session_url=f"https://checkout.stripe.com/c/pay/{session_id}",
                started_at=started_at,
                expires_at=started_at + OPEN_FOR,
                updated_at=at,
            )
        )
        for what in ("started", "open"):
            self._tell_of(checkout, what, started_at)
        return checkout

    def _tell_of(self, checkout: Checkout, what: str, at: datetime) -> None:
        invoice = checkout.invoice
        said = _said(invoice, checkout.amount)
        self.pile.tell(f"checkout.{what}", invoice, at, by_itself=True, **said)

    def _refund(self, payment: Payment, amount: int, at: datetime) -> None:
        invoice = payment.invoice
        refund: Refund = self.pile.add(
            Refund(
                payment=payment,
                stripe_id=f"re_{token_hex(12)}",
                amount=amount,
                currency=invoice.currency,
                status=RefundStatus.SUCCEEDED,
                reason="Less work than we thought",
                requested_at=at,
                sent_at=at,
                tries=1,
                updated_at=at,
            )
        )
        source = str(refund.stripe_id)
        said = _said(invoice, amount)
        said |= {"invoice": invoice.number, "reason": refund.reason}
        self.pile.tell("refund.requested", refund, at, **said)
        self.pile.tell("refund.succeeded", refund, at, by_itself=True, **said)
        self.book(invoice, "refund", source, -amount, at, by_itself=True)
        self._delivered("refund.created", source, "succeeded", at)
        self._moved("refund", payment, source, -amount, at)

    def _delivered(self, type_: str, object_id: str, note: str, at: datetime) -> None:
        self.pile.add(
            StripeEvent(
                event_id=f"evt_{token_hex(12)}",
                type=type_,
                object_id=object_id,
                livemode=False,
                api_version=API_VERSION,
                status=StripeEvent.Status.PROCESSED,
                tries=1,
                note=note,
                received_at=at,
                updated_at=at,
            )
        )

    def _moved(
        self, type_: str, payment: Payment, source: str, amount: int, at: datetime
    ) -> None:
        fee = max(0, amount) * 15 // 1000
        self.pile.add(
            BalanceTransaction(
                stripe_id=f"txn_{token_hex(12)}",
                type=type_,
                amount=amount,
                fee=fee,
                net=amount - fee,
                currency=payment.currency,
                source=source,
                payment=payment,
                created_at=at,
                available_on=at + PAID_OUT_AFTER,
            )
        )


def _said(invoice: Invoice, amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": invoice.currency}
