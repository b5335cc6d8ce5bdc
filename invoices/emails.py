"""One function per message."""

from invoices.models import Invoice


def invoice_sent(invoice: Invoice, document: bytes) -> None:
    raise NotImplementedError(invoice, document)
