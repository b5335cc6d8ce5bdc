"""
What becomes of the demo's invoices, told to the services that the site itself calls.

What Stripe would tell of a payment is made up here, and Stripe is not asked. So all that
it would be asked for later is over: of a dispute the outcome, of a refund that it left.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Final

from django.core.files.base import ContentFile

from accounts.models import User
from billing.gateway import amounts
from billing.gateway.disputes import Dispute, Movement
from billing.gateway.refunds import Refund
from billing.gateway.sessions import Session
from billing.models import Payment
from billing.services import disputing, paying, refunding, settling
from billing.services.reconciling import runs
from invoices.models import Invoice, ManualPayment
from invoices.services.attaching import attach_file
from invoices.services.correcting import give_up_invoice, void_invoice
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.locking import lock_invoice
from invoices.services.opening import note_opened
from invoices.services.receiving import record_payment
from invoices.services.reminding import remind_now
from invoices.services.sending import send_invoice

TIMESHEET: Final = """\
day,hours,what
Monday,8,Interviews and first sketches
Tuesday,8,Color and type
Wednesday,8,Templates
Thursday,8,Templates
Friday,8,Review with the team
Saturday,4,Corrections
"""
AN_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Story:
    """An invoice that was finalized at `issued`, and whose it is."""

    invoice: Invoice
    owner: User
    issued: datetime

    def at(self, days: int) -> datetime:
        return self.issued + timedelta(days=days)


def _void(story: Story) -> None:
    void_invoice(invoice=story.invoice, actor=story.owner, now=story.issued)


def _open(story: Story) -> None:
    send_invoice(invoice=story.invoice, actor=story.owner, now=story.issued)


def _looked_at(story: Story) -> None:
    attach_file(
        invoice=story.invoice,
        upload=ContentFile(TIMESHEET.encode(), name="timesheet.csv"),
        is_mailed=True,
        is_shown=True,
        actor=story.owner,
        now=story.issued,
    )
    _open(story)
    note_opened(invoice=story.invoice, now=story.at(1))


def _given_up(story: Story) -> None:
    _remind(story)
    give_up_invoice(invoice=story.invoice, actor=story.owner, now=story.at(90))


def _paid(story: Story) -> None:
    _open(story)
    _transfer(story, story.at(11), story.invoice.payable or 0)


def _paid_in_part(story: Story) -> None:
    _remind(story)
    _transfer(story, story.at(24), (story.invoice.payable or 0) // 2)


def _credited(story: Story) -> None:
    """A day of two fell through: it is kept for the next invoice."""
    _paid(story)
    line = story.invoice.lines.get()
    issue_credit_note(
        invoice=story.invoice,
        quantities={line.pk: line.quantity / 2},
        reason="The second day fell through",
        split=Split(to_balance=(story.invoice.payable or 0) // 2),
        actor=story.owner,
        now=story.at(30),
    )


def _paid_twice(story: Story) -> None:
    """By transfer, and then by card: that goes back."""
    _open(story)
    asked = _attempt(story, story.at(8))
    _transfer(story, story.at(9), story.invoice.payable or 0)
    payment = _by_card(asked, asked.amount, story.at(10))
    refund = payment.refunds.get()
    fact = Refund(
        id=_id("re"),
        payment_intent=payment.payment_intent,
        amount=refund.amount,
        currency=refund.currency,
        status="succeeded",
        key=refund.key,
        created_at=story.at(10),
    )
    refunding.apply_refund(fact=fact, now=story.at(10))


def _held(story: Story) -> None:
    """Less came than was asked for: somebody must decide what becomes of it."""
    _remind(story)
    asked = _attempt(story, story.at(24))
    _by_card(asked, asked.amount * 9 // 10, story.at(24))


def _disputed(story: Story) -> None:
    """Paid, and taken back by the customer's bank."""
    _open(story)
    asked = _attempt(story, story.at(11))
    payment = _by_card(asked, asked.amount, story.at(11))
    fact = Dispute(
        id=_id("dp"),
        payment_intent=payment.payment_intent,
        charge=payment.charge,
        amount=payment.amount,
        currency=payment.currency,
        status="needs_response",
        reason="product_unacceptable",
        due_by=story.at(27),
        is_refundable=False,
        livemode=False,
        movements=(
            Movement(
                id=_id("txn"),
                amount=-payment.amount,
                currency=payment.currency,
                moved_at=story.at(20),
            ),
        ),
        opened_at=story.at(20),
    )
    disputing.apply_dispute(fact=fact, now=story.at(20))
    disputing.apply_dispute(fact=replace(fact, status="lost"), now=story.at(60))


# By the names that samples have for them. A draft has none.
FATES: Final[Mapping[str, Callable[[Story], None]]] = {
    "void": _void,
    "open": _open,
    "looked_at": _looked_at,
    "given_up": _given_up,
    "paid": _paid,
    "paid_in_part": _paid_in_part,
    "credited": _credited,
    "paid_twice": _paid_twice,
    "held": _held,
    "disputed": _disputed,
}


def forget_stripe(now: datetime) -> None:
    """Have nobody look at Stripe for what was made up here: runs begin where one ended."""
    run = runs.begin_run(since=None, now=now)
    if run:
        runs.finish_run(run=run, now=now)


def _remind(story: Story) -> None:
    _open(story)
    remind_now(invoice=story.invoice, actor=story.owner, now=story.at(17))


def _transfer(story: Story, at: datetime, amount: int) -> ManualPayment:
    return record_payment(
        invoice=story.invoice,
        fields={
            "amount": amount,
            "received_on": story.invoice.business.today(at),
            "reference": str(story.invoice.number),
        },
        actor=story.owner,
        now=at,
    )


def _attempt(story: Story, at: datetime) -> Session:
    """The customer is sent to Stripe's page, to pay all that is due."""
    invoice = lock_invoice(story.invoice.pk)
    at = at.replace(microsecond=0)
    checkout = paying.begin_attempt(
        invoice=invoice, amount=invoice.payable or 0, now=at - AN_HOUR / 4
    )
    session_id = _id("cs_test")
    session = Session(
        id=session_id,
        url=f"https://checkout.stripe.com/c/pay/{session_id}",
        status="open",
        payment_status="unpaid",
        livemode=False,
        amount=checkout.amount,
        currency=checkout.currency,
        charged=amounts.to_stripe(checkout.amount, checkout.currency),
        checkout_key=checkout.key,
        invoice_id=invoice.public_id,
        payment_intent="",
        intent_status="",
        charge="",
        paid_at=at,
        created_at=checkout.started_at,
        expires_at=checkout.expires_at,
    )
    settling.apply_session(session=session, now=checkout.started_at)
    return session


def _by_card(asked: Session, amount: int, at: datetime) -> Payment:
    session = replace(
        asked,
        status="complete",
        payment_status="paid",
        amount=amount,
        charged=amounts.to_stripe(amount, asked.currency),
        payment_intent=_id("pi"),
        intent_status="succeeded",
        charge=_id("ch"),
        paid_at=at.replace(microsecond=0),
    )
    settling.apply_session(session=session, now=at)
    return Payment.objects.get(payment_intent=session.payment_intent)


def _id(prefix: str) -> str:
    return f"{prefix}_demo{token_hex(10)}"
