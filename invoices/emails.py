"""One function per message."""

from accounts.emails import compose
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
        to=invoice.customer.email,
        sender=invoice.seller["name"],
        reply_to=invoice.business.email,
    )
    message.attach(invoice.document_name, document, "application/pdf")
    message.send()
