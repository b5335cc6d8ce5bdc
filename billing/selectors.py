"""What a customer is shown of an invoice. Nothing here writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from billing.models import Dispute, Payment
from billing.page_wording import words_of
from billing.states import LEFT, CheckoutStatus, DisputeStatus
from billing.wording import say
from invoices import selectors
from invoices.mail_wording import spoken_day
from invoices.models import Invoice, LedgerEntry, ManualPayment
from invoices.money import format_money
from invoices.selectors import Amounts
from invoices.states import InvoiceStatus

# A customer need not know that money which came too often was held on its way back.
SHOWN_AS: Final = {
    LedgerEntry.Kind.HELD_REFUND: LedgerEntry.Kind.REFUND,
    LedgerEntry.Kind.HELD_REFUND_FAILED: LedgerEntry.Kind.REFUND_FAILED,
    LedgerEntry.Kind.HELD_FROM_BALANCE: LedgerEntry.Kind.FROM_BALANCE,
    LedgerEntry.Kind.HELD_DISPUTE: LedgerEntry.Kind.DISPUTE,
    LedgerEntry.Kind.HELD_DISPUTE_BACK: LedgerEntry.Kind.DISPUTE_BACK,
}


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that came or went, as the customer sees it; minor units."""

    amount: int
    currency: str
    at: datetime
    kind: str
    # What it was, in the customer's language.
    what: str
    # How, where a person said so: such as by bank transfer.
    method: str = ""
    # Of the payment, where there is a receipt for it.
    receipt: UUID | None = None


def movements(invoice: Invoice) -> list[Movement]:
    """Oldest first; what went back is negative. Credit notes are no money."""
    entries = invoice.ledger.exclude(kind=LedgerEntry.Kind.CREDIT)
    by_hand = {
        f"manual:{payment.public_id}": payment
        for payment in invoice.manual_payments.all()
    }
    by_card = {payment.payment_intent: payment for payment in invoice.payments.all()}
    receipts = {
        source: payment.public_id for source, payment in (by_card | by_hand).items()
    }
    words = words_of(invoice.language)
    return [
        Movement(
            amount=entry.amount,
            currency=entry.currency,
            at=entry.occurred_at,
            kind=_shown_as(entry),
            what=words[key_of(_shown_as(entry), by_hand.get(entry.source))],
            method=_method(by_hand.get(entry.source)),
            receipt=(
                receipts.get(entry.source)
                if entry.kind == LedgerEntry.Kind.PAYMENT
                else None
            ),
        )
        for entry in entries.order_by("occurred_at", "pk")
    ]


def _shown_as(entry: LedgerEntry) -> str:
    return SHOWN_AS.get(LedgerEntry.Kind(entry.kind), entry.kind)


def key_of(kind: str, payment: ManualPayment | None) -> str:
    """The key of the page's words for it."""
    if kind == LedgerEntry.Kind.PAYMENT and payment:
        return f"paid_by_{payment.method}"
    if kind == LedgerEntry.Kind.HELD_TO_BALANCE:
        return f"moved_{LedgerEntry.Kind.TO_BALANCE}"
    return f"moved_{kind}"


def _method(payment: ManualPayment | None) -> str:
    return payment.get_method_display() if payment else ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """That money came, in the customer's language: a heading, and what was received."""

    language: str
    heading: str
    amount: str
    rows: list[tuple[str, str]]
    action: str
    back: str


def receipt(invoice: Invoice, public_id: UUID) -> Receipt | None:
    """Of a payment that settled something; None if the invoice has no such payment."""
    language = invoice.language
    card = invoice.payments.filter(
        public_id=public_id, status=Payment.Status.SUCCEEDED
    ).first()
    hand = invoice.manual_payments.filter(public_id=public_id, reversed_at=None).first()
    if card:
        day, key, name = day_of(invoice, card.received_at), "stripe", str(card)
        amount = format_money(card.amount, card.currency, language)
    elif hand:
        day, key, name = hand.received_on, hand.method, hand.reference or str(public_id)
        amount = format_money(hand.amount, hand.currency, language)
    else:
        return None
    rows = [
        ("from", invoice.buyer["name"]),
        ("by", invoice.seller["name"]),
        ("date", spoken_day(day, language)),
        ("method", say(language, key)),
        ("reference", name),
        ("amount", amount),
    ]
    return Receipt(
        language=language,
        heading=say(language, "receipt", number=str(invoice.number)),
        amount=amount,
        rows=[
            *((say(language, label), text) for label, text in rows),
            *_sent_back(card, invoice),
        ],
        action=say(language, "print"),
        back=say(language, "see_invoice"),
    )


def _sent_back(payment: Payment | None, invoice: Invoice) -> Iterator[tuple[str, str]]:
    if payment is None:
        return
    refunds = payment.refunds.filter(status__in=sorted(LEFT)).order_by("pk")
    for refund in refunds:
        day = spoken_day(day_of(invoice, refund.requested_at), invoice.language)
        amount = format_money(refund.amount, refund.currency, invoice.language)
        yield say(invoice.language, "sent_back", day=day), amount


def day_of(invoice: Invoice, moment: datetime) -> date:
    """By the calendar of the business."""
    return moment.astimezone(ZoneInfo(invoice.business.time_zone)).date()


def customer_state(invoice: Invoice, amounts: Amounts) -> str:
    """One of payable, processing, paid, refunded, credited and void."""
    if invoice.status == InvoiceStatus.VOID:
        return "void"
    if invoice.status == InvoiceStatus.PAID:
        if amounts.credited and not amounts.paid:
            return "credited"
        return "refunded" if amounts.refunded >= amounts.paid > 0 else "paid"
    if invoice.checkouts.filter(status=CheckoutStatus.PROCESSING).exists():
        return "processing"
    return "payable"


def is_disputed(invoice: Invoice, amounts: Amounts) -> bool:
    """
    Whether a bank decides about a part that was paid: then nobody presses for the rest.
    """
    if not (amounts.paid and amounts.due):
        return False
    return Dispute.objects.undecided().filter(payment__invoice=invoice).exists()


def had_twice(payment: Payment) -> str:
    """
    What a payer has again who had it otherwise before, and what to do: sentences for the
    business. Empty where there is nothing of the kind, as nearly always.
    """
    invoice = payment.invoice
    if payment.is_held:
        row: Any = Payment.objects.with_left().get(pk=payment.pk)
        twice = min(-row.left, row.kept)
        how = f"was kept for {invoice.customer} and has paid other invoices"
    else:
        sums = selectors.amounts(invoice)
        twice = min(-selectors.kept(invoice), sums.disputed)
        how = "had gone back to the customer before, or was kept as balance"
    if twice <= 0:
        return ""
    disputes = {dispute.status for dispute in payment.disputes.all()}
    when = "" if disputes <= {DisputeStatus.LOST} else "if the dispute is lost, "
    amount = format_money(twice, payment.currency)
    return (
        f"{amount} of this {how}, and the payer has it again: "
        f"{when}ask for it on a new invoice."
    )
