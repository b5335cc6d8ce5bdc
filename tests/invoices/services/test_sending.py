from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from accounts.models import Event
from invoices.exceptions import InvalidTransition
from invoices.services.correcting import void_invoice
from invoices.services.documents import read_document
from invoices.services.sending import send_invoice
from tests.factories import InvoiceFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def invoice(invoice, run_tasks):
    """Its document is stored."""
    run_tasks()
    return invoice


def test_send_invoice_mails_the_customer_the_document(invoice, run_tasks):
    actor = UserFactory()

    send_invoice(invoice=invoice, actor=actor, now=NOW)
    assert mail.outbox == []
    run_tasks()

    (message,) = mail.outbox
    assert message.to == [invoice.customer.email]
    assert [part.content for part in message.attachments] == [
        read_document(invoice=invoice)
    ]
    event = Event.objects.get(type="invoice.sent")
    assert (event.type, event.actor) == ("invoice.sent", actor)
    assert event.data == {"to": invoice.customer.email}


def test_send_invoice_opens_the_link_anew(invoice):
    later = NOW + timedelta(days=100)

    send_invoice(invoice=invoice, actor=None, now=later)

    token = invoice.link_token
    invoice.refresh_from_db()
    assert (invoice.sent_at, invoice.link_token) == (later, token)
    assert invoice.link_expires_at == later + timedelta(days=30)


def test_send_invoice_again_mails_again(invoice, run_tasks):
    for _ in range(2):
        send_invoice(invoice=invoice, actor=None, now=NOW)
    run_tasks()

    assert len(mail.outbox) == 2


def test_send_invoice_refuses_drafts_and_void_ones(invoice, run_tasks):
    void_invoice(invoice=invoice, actor=None, now=NOW)

    for row in (InvoiceFactory(), invoice):
        with pytest.raises(InvalidTransition, match="only a finalized one can be sent"):
            send_invoice(invoice=row, actor=None, now=NOW)

    assert (run_tasks(), mail.outbox) == (0, [])
