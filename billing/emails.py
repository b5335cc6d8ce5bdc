"""One function per message. Each raises OSError if the mail server refuses it."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts.emails import compose
from billing import wording
from billing.models import Dispute, Payment, ReconciliationFinding, Refund
from billing.selectors import day_of, had_twice
from billing.states import ADVICE, APPEALED, INQUIRY, NEEDS_ANSWER, DisputeStatus
from invoices import selectors
from invoices.mail_wording import say, spoken_day
from invoices.models import Invoice
from invoices.money import format_money

# As many as a person reads in a mail.
FINDINGS_SHOWN: Final = 20

DISPUTE_HEADINGS: Final = {
    **dict.fromkeys(INQUIRY, "A bank asks about a payment"),
    **dict.fromkeys(APPEALED, "A dispute is appealed"),
    DisputeStatus.WARNING_CLOSED: "An inquiry is closed",
    DisputeStatus.WON: "A dispute is won",
    DisputeStatus.LOST: "A dispute is lost",
    DisputeStatus.PREVENTED: "A dispute was prevented",
}


def payment_received(payment: Payment) -> None:
    """The customer's receipt, in the customer's language."""
    invoice, language = payment.invoice, payment.invoice.language
    words = {
        "number": str(invoice.number),
        "amount": format_money(payment.amount, payment.currency, language),
        "day": spoken_day(day_of(invoice, payment.received_at), language),
    }
    due = selectors.amounts(invoice).due
    left = format_money(due, invoice.currency, language)
    key = "still_due" if due else "is_paid"
    _to_the_customer(
        {
            "subject": wording.say(language, "received", **words),
            "heading": wording.say(language, "thanks"),
            "sentence": wording.say(language, "arrived", **words),
            "remark": wording.say(language, key, amount=left),
            "action": wording.say(language, "see_receipt"),
            "link": receipt_link(payment),
        },
        invoice,
        f"receipt-{payment.public_id}",
    )


def refund_on_its_way(refund: Refund) -> None:
    """To the customer, in their language: money comes back."""
    invoice, language = refund.payment.invoice, refund.payment.invoice.language
    amount = format_money(refund.amount, refund.currency, language)
    heading = wording.say(language, "refund", number=str(invoice.number))
    _to_the_customer(
        {
            "subject": heading,
            "heading": heading,
            "sentence": wording.say(language, "on_its_way", amount=amount),
            "remark": "",
            "action": wording.say(language, "see_invoice"),
            "link": selectors.customer_link(invoice),
        },
        invoice,
        f"refund-{refund.public_id}",
    )


def receipt_link(payment: Payment) -> str:
    """Where the customer sees and prints the receipt of a payment."""
    link = selectors.customer_link(payment.invoice)
    return f"{link}receipts/{payment.public_id}/"


def _to_the_customer(words: dict[str, str], invoice: Invoice, key: str) -> None:
    language, seller = invoice.language, invoice.seller["name"]
    compose(
        "billing/emails/to_the_customer",
        words
        | {
            "language": language,
            "hello": say(language, "hello", name=invoice.buyer["name"]),
            "no_button": say(language, "no_button"),
            "questions": say(language, "questions"),
            "seller": seller,
        },
        to=invoice.customer.email,
        sender=seller,
        reply_to=invoice.business.email,
        key=key,
    ).send()


def payment_held(payment: Payment) -> None:
    """To the business: money came that fits no invoice, and what happens to it."""
    context = {"payment": payment, "invoice": payment.invoice}
    _to_the_business("payment_held", context, payment.invoice, payment.public_id)


def refund_failed(refund: Refund) -> None:
    """To the business: money that was to go back did not."""
    invoice = refund.payment.invoice
    context = {"refund": refund, "invoice": invoice}
    _to_the_business("refund_failed", context, invoice, refund.public_id)


def dispute_turned(dispute: Dispute, status: DisputeStatus, *, key: str) -> None:
    """
    To the business: a payment is disputed, somebody must answer again, or the dispute is
    decided; what to do.

    :param status: that which is news, as there may be a newer one by now
    :param key: what all tries of this mail have in common: a dispute may be lost twice
    """
    invoice = dispute.payment.invoice
    context = {
        "dispute": dispute,
        "invoice": invoice,
        "heading": DISPUTE_HEADINGS.get(status, "A payment is disputed"),
        "advice": f"{ADVICE[status]} {had_twice(dispute.payment)}".strip(),
        "due_by": dispute.due_by if status in NEEDS_ANSWER else None,
        "zone": invoice.business.time_zone,
        "link": dispute.stripe_url,
    }
    _to_the_business("dispute_turned", context, invoice, key)


def fraud_suspected(payment: Payment) -> None:
    """To the business: a bank takes a payment for fraud, which can be refunded yet."""
    context = {"payment": payment, "invoice": payment.invoice}
    _to_the_business("fraud_suspected", context, payment.invoice, payment.public_id)


def money_to_look_at(
    findings: Sequence[ReconciliationFinding], *, to: Sequence[str], key: str
) -> None:
    """
    To a business, or to operators: what does not fit, and that somebody must decide.

    :param key: what all tries of this mail have in common
    """
    path = reverse("admin:billing_reconciliationfinding_changelist")
    context = {
        "findings": findings[:FINDINGS_SHOWN],
        "more": len(findings[FINDINGS_SHOWN:]),
        "count": len(findings),
        "link": f"{settings.SITE_URL}{path}",
    }
    # Each for himself: operators need not see each other's addresses.
    for address in to:
        compose(
            "billing/emails/money_to_look_at",
            context,
            to=address,
            key=f"money-to-look-at-{key}",
        ).send()


def _to_the_business(
    name: str, context: dict[str, Any], invoice: Invoice, about: UUID | str
) -> None:
    address = invoice.business.email
    compose(
        f"billing/emails/{name}",
        context,
        to=address,
        sender="PayMyInvoice",
        reply_to=address,
        key=f"{name.replace('_', '-')}-{about}",
    ).send()
