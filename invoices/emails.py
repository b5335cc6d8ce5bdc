"""One function per message."""

from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any

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
    message = compose(
        "invoices/emails/invoice_sent",
        context,
        sender=invoice.seller["name"],
        to=invoice.customer.email,
        reply_to=invoice.business.email,
    )
    message.attach(invoice.document_name, document, "application/pdf")
    message.send()


def compose(
    template: str, context: dict[str, Any], *, sender: str, to: str, reply_to: str
) -> EmailMultiAlternatives:
    """
    A message in text and HTML, from the site's address under the sender's name.

    :param template: the name that `.subject.txt`, `.txt` and `.html` are appended to
    """
    message = EmailMultiAlternatives(
        subject=_one_line(render_to_string(f"{template}.subject.txt", context)),
        body=render_to_string(f"{template}.txt", context),
        from_email=_sender(sender),
        to=[to],
        reply_to=[reply_to],
    )
    message.attach_alternative(
        render_to_string(f"{template}.html", context), "text/html"
    )
    return message


def _sender(name: str) -> str:
    # The site's own address, or the receiver's checks of sender and domain fail.
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return str(Address(display_name=_one_line(name), addr_spec=address))


def _one_line(text: str) -> str:
    # What people type may hold line ends and worse; a header may not.
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
