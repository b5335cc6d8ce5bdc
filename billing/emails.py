"""One function per message. Each raises OSError if the mail server refuses it."""

from typing import Any, Final

from accounts.emails import compose
from billing.models import Dispute, Payment, Refund
from billing.states import ADVICE, INQUIRY, NEEDS_ANSWER, DisputeStatus
from invoices import selectors
from invoices.models import Invoice

DISPUTE_HEADINGS: Final = {
    **dict.fromkeys(INQUIRY, "A bank asks about a payment"),
    DisputeStatus.WARNING_CLOSED: "An inquiry is closed",
    DisputeStatus.WON: "A dispute is won",
    DisputeStatus.LOST: "A dispute is lost",
    DisputeStatus.PREVENTED: "A dispute was prevented",
}


def payment_received(payment: Payment) -> None:
    """The customer's receipt."""
    invoice = payment.invoice
    compose(
        "billing/emails/payment_received",
        {
            "payment": payment,
            "invoice": invoice,
            "due": selectors.amounts(invoice).due,
            "link": selectors.customer_link(invoice),
        },
        to=invoice.customer.email,
        sender=invoice.seller["name"],
        reply_to=invoice.business.email,
    ).send()


def payment_held(payment: Payment) -> None:
    """To the business: money came that fits no invoice, and what happens to it."""
    context = {"payment": payment, "invoice": payment.invoice}
    _to_the_business("payment_held", context, payment.invoice)


def refund_failed(refund: Refund) -> None:
    """To the business: money that was to go back did not."""
    invoice = refund.payment.invoice
    _to_the_business("refund_failed", {"refund": refund, "invoice": invoice}, invoice)


def dispute_turned(dispute: Dispute, status: DisputeStatus) -> None:
    """
    To the business: a payment is disputed, or the dispute is decided; what to do.

    :param status: that which is news, as there may be a newer one by now
    """
    invoice = dispute.payment.invoice
    context = {
        "dispute": dispute,
        "invoice": invoice,
        "heading": DISPUTE_HEADINGS.get(status, "A payment is disputed"),
        "advice": ADVICE[status],
        "due_by": dispute.due_by if status in NEEDS_ANSWER else None,
        "link": dispute.stripe_url,
    }
    _to_the_business("dispute_turned", context, invoice)


def fraud_suspected(payment: Payment) -> None:
    """To the business: a bank takes a payment for fraud, which can be refunded yet."""
    context = {"payment": payment, "invoice": payment.invoice}
    _to_the_business("fraud_suspected", context, payment.invoice)


def _to_the_business(name: str, context: dict[str, Any], invoice: Invoice) -> None:
    address = invoice.business.email
    compose(
        f"billing/emails/{name}",
        context,
        to=address,
        sender="PayMyInvoice",
        reply_to=address,
    ).send()
