"""One function per message."""

from email.headerregistry import Address
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from invoices import selectors
from invoices.models import Invoice


def invoice_sent(invoice: Invoice, document: bytes) -> None:
    """
    Mail a finalized invoice to its customer: what is due, where to pay, and the PDF.

    :raises OSError: if the mail server cannot be reached or refuses
    """
    context = {
        "invoice": invoice,
        "due": selectors.amounts(invoice).due,
        "link": selectors.customer_link(invoice),
    }
    template = "invoices/emails/invoice_sent"
    message = EmailMultiAlternatives(
        subject=_one_line(render_to_string(f"{template}.subject.txt", context)),
        body=render_to_string(f"{template}.txt", context),
        from_email=_sender(invoice.seller["name"]),
        to=[invoice.customer.email],
        reply_to=[invoice.business.email],
    )
    message.attach_alternative(
        render_to_string(f"{template}.html", context), "text/html"
    )
    message.attach(invoice.document_name, document, "application/pdf")
    message.send()


def _sender(name: str) -> str:
    # The site's own address, or the receiver's checks of sender and domain fail.
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return str(Address(display_name=_one_line(name), addr_spec=address))


def _one_line(text: str) -> str:
    # What people type may hold line ends and worse; a header may not.
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
