"""One function per message. Each raises OSError if the mail server refuses it."""

from typing import Any

from accounts.emails import compose
from billing.models import Payment, Refund
from invoices import selectors
from invoices.models import Invoice


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


def _to_the_business(name: str, context: dict[str, Any], invoice: Invoice) -> None:
    address = invoice.business.email
    compose(
        f"billing/emails/{name}",
        context,
        to=address,
        sender="PayMyInvoice",
        reply_to=address,
    ).send()
