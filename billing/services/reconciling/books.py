"""What was booked of late, against itself. The audit does this for all there ever was."""

from typing import Final

from billing import audit as billing_audit
from billing.models import Payment, Refund
from billing.services.reconciling.rounds import Round
from invoices.audit.issued import state
from invoices.models import Invoice, LedgerEntry

BOOKS: Final = "books"


def check_books(round_: Round) -> None:
    """Payments and refunds are in the ledger, and invoices say what it comes to."""
    since = round_.run.since
    payments = Payment.objects.filter(created_at__gte=since)
    for payment, words in billing_audit.unbooked_payments(payments):
        round_.find(BOOKS, str(payment), words, invoice=payment.invoice)
    refunds = Refund.objects.filter(updated_at__gte=since)
    for refund, words in billing_audit.unbooked_refunds(refunds):
        invoice = refund.payment.invoice
        round_.find(BOOKS, str(refund.stripe_id), words, invoice=invoice)
    _check_invoices(round_)


def _check_invoices(round_: Round) -> None:
    entries = LedgerEntry.objects.filter(created_at__gte=round_.run.since)
    invoices = Invoice.objects.filter(pk__in=entries.values("invoice"))
    for invoice in invoices.with_amounts().order_by("pk").iterator():
        round_.breathe()
        round_.look(BOOKS)
        for finding in state(invoice):
            subject = str(invoice.public_id)
            round_.find(BOOKS, subject, finding.words, invoice=invoice)
