"""Mailing an invoice to its customer."""

from datetime import datetime

from django.db import transaction
from django.tasks import task

from accounts.models import User
from accounts.services.events import record_event
from invoices import emails
from invoices.exceptions import InvalidTransition
from invoices.models import Invoice, link_lifetime
from invoices.services import documents
from invoices.services.locking import lock_invoice
from invoices.states import InvoiceStatus


@transaction.atomic
def send_invoice(*, invoice: Invoice, actor: User | None, now: datetime) -> Invoice:
    """
    Mail the customer the link to pay and the PDF, and renew the link.

    The mail leaves by a task written in the same transaction. Sending again mails again.

    :raises InvalidTransition: if the invoice is a draft or void
    """
    invoice = lock_invoice(invoice.pk)
    if invoice.status in {InvoiceStatus.DRAFT, InvoiceStatus.VOID}:
        raise InvalidTransition(
            f"This invoice is {invoice.get_status_display().lower()}; "
            "only a finalized one can be sent."
        )
    _renew_link(invoice, now)
    invoice.sent_at = now
    invoice.save(update_fields=["sent_at", "link_expires_at", "updated_at"])
    record_event(
        type="invoice.sent",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
        data={"to": invoice.customer.email},
    )
    _mail_invoice.enqueue(invoice_id=invoice.pk)
    return invoice


def _renew_link(invoice: Invoice, now: datetime) -> None:
    today = invoice.business.today(now)
    invoice.link_expires_at = now + link_lifetime(invoice.due_date or today, today)


@task
def _mail_invoice(invoice_id: int) -> None:
    invoice = Invoice.objects.select_related("business", "customer").get(pk=invoice_id)
    emails.invoice_sent(invoice, documents.read_document(invoice=invoice))
