from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from django.core import mail
from django.core.files.base import ContentFile

from accounts.models import Event
from invoices.exceptions import InvalidTransition, TooMuchMail
from invoices.models import Attachment, Contact, CreditNote, Delivery
from invoices.services import crediting, receiving, sending
from invoices.services.correcting import void_invoice
from invoices.services.documents import read_document
from invoices.services.sending import send_invoice
from tests.factories import CustomerFactory, InvoiceFactory, UserFactory
from tests.unguarded import unguarded

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def invoice(invoice, run_tasks):
    """Its document is stored."""
    run_tasks()
    return invoice


@pytest.fixture
def note(invoice, run_tasks):
    note = crediting.issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Returned",
        split=crediting.Split(),
        actor=None,
        now=NOW,
    )
    run_tasks()
    Event.objects.all().delete()
    return note


def contact(invoice, email, **fields):
    return Contact.objects.create(
        customer=invoice.customer, name="Ann", email=email, **fields
    )


def attachment(invoice, name, **fields):
    return Attachment.objects.create(
        business=invoice.business,
        invoice=invoice,
        file=ContentFile(name.encode(), name=name),
        name=name,
        size=len(name),
        **fields,
    )


def test_send_invoice_mails_the_customer_the_document(invoice, run_tasks):
    actor = UserFactory()

    send_invoice(invoice=invoice, actor=actor, now=NOW)
    assert mail.outbox == []
    run_tasks()

    (message,) = mail.outbox
    assert message.to == [invoice.customer.email]
    assert [part.content for part in message.attachments] == [read_document(invoice)]
    event = Event.objects.get(type="invoice.sent")
    assert (event.type, event.actor) == ("invoice.sent", actor)
    assert event.data == {"to": invoice.customer.email}


def test_send_invoice_writes_down_what_became_of_the_mail(invoice, run_tasks):
    send_invoice(invoice=invoice, actor=None, now=NOW)

    delivery = Delivery.objects.get()
    assert (delivery.invoice, delivery.customer) == (invoice, invoice.customer)
    assert (delivery.kind, delivery.status, delivery.tries) == ("invoice", "queued", 0)
    assert (delivery.queued_at, delivery.sent_at) == (NOW, None)

    run_tasks()

    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries, delivery.error) == ("sent", 1, "")
    assert delivery.sent_at is not None


def test_send_invoice_mails_contacts_who_get_invoices_each_once(invoice, run_tasks):
    contact(invoice, "ann@example.com")
    contact(invoice, "bob@example.com", gets_invoices=False)
    contact(invoice, invoice.customer.email.upper())

    send_invoice(invoice=invoice, actor=None, now=NOW)
    run_tasks()

    (message,) = mail.outbox
    assert message.to == [invoice.customer.email, "ann@example.com"]
    assert Delivery.objects.get().to == message.to


def test_send_invoice_attaches_what_is_to_go_along(invoice, run_tasks):
    attachment(invoice, "hours.csv", is_mailed=True)
    attachment(invoice, "internal.txt")

    send_invoice(invoice=invoice, actor=None, now=NOW)
    run_tasks()

    (message,) = mail.outbox
    assert [part.filename for part in message.attachments] == [
        "INV-00001.pdf",
        "hours.csv",
    ]
    assert message.attachments[1].content == b"hours.csv"


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
    assert Delivery.objects.filter(status="sent").count() == 2


def test_send_invoice_refuses_drafts_and_void_ones(invoice, run_tasks):
    void_invoice(invoice=invoice, actor=None, now=NOW)
    run_tasks()

    for row in (InvoiceFactory(), invoice):
        with pytest.raises(InvalidTransition, match="only a finalized one can be sent"):
            send_invoice(invoice=row, actor=None, now=NOW)

    assert (run_tasks(), mail.outbox, Delivery.objects.count()) == (0, [], 0)


def test_send_invoice_refuses_more_than_a_business_may_in_a_day(invoice, settings):
    settings.MAIL_PER_BUSINESS_A_DAY = 2
    hours = [NOW + timedelta(hours=hour) for hour in range(0, 30, 5)]
    for now in hours[:2]:
        send_invoice(invoice=invoice, actor=None, now=now)

    for now in hours[2:5]:
        with pytest.raises(TooMuchMail, match="has sent 2 mails within a day"):
            send_invoice(invoice=invoice, actor=None, now=now)
    invoice.refresh_from_db()
    assert (invoice.sent_at, Delivery.objects.count()) == (hours[1], 2)

    send_invoice(invoice=invoice, actor=None, now=hours[5])


def test_send_test_refuses_more_than_one_may_in_a_day(invoice, monkeypatch):
    monkeypatch.setattr(sending, "TESTS_A_DAY", 2)
    actor = UserFactory()
    for _ in range(2):
        sending.send_test(invoice=invoice, actor=actor, now=NOW)

    with pytest.raises(TooMuchMail, match="sent yourself 2 tests within a day"):
        sending.send_test(invoice=invoice, actor=actor, now=NOW)
    sending.send_test(invoice=invoice, actor=actor, now=NOW + timedelta(days=1))
    sending.send_test(invoice=invoice, actor=UserFactory(), now=NOW)


def test_mail_of_one_business_does_not_count_for_another(invoice, settings):
    settings.MAIL_PER_BUSINESS_A_DAY = 1
    foreign = CustomerFactory()
    Delivery.objects.create(
        business=foreign.business,
        customer=foreign,
        kind="statement",
        to=[foreign.email],
        queued_at=NOW,
    )

    send_invoice(invoice=invoice, actor=None, now=NOW)

    assert Delivery.objects.filter(business=invoice.business).count() == 1


def test_a_credit_note_is_attached_under_a_name_that_files_can_have(note, run_tasks):
    with unguarded():
        CreditNote.objects.update(number="CN/2026/1")
    note.refresh_from_db()

    sending.send_credit_note(credit_note=note, actor=None, now=NOW)
    run_tasks()

    assert mail.outbox[0].attachments[0].filename == "CN-2026-1.pdf"


def test_send_credit_note_mails_it(note, run_tasks):
    actor = UserFactory()

    delivery = sending.send_credit_note(credit_note=note, actor=actor, now=NOW)
    run_tasks()

    (message,) = mail.outbox
    assert message.to == [note.customer.email]
    assert message.subject == f"Credit note CN-00001 from {note.seller['name']}"
    (document,) = message.attachments
    assert (document.filename, document.content[:5]) == ("CN-00001.pdf", b"%PDF-")
    assert (delivery.credit_note, delivery.invoice) == (note, note.invoice)
    event = Event.objects.get(type="credit_note.sent")
    assert (event.actor, event.data) == (actor, {"to": note.customer.email})


def test_send_statement_mails_it(invoice, run_tasks):
    receiving.record_payment(
        invoice=invoice,
        fields={"amount": 1900, "method": "cash", "received_on": date(2026, 3, 1)},
        actor=None,
        now=NOW,
    )

    sending.send_statement(
        customer=invoice.customer,
        currency="EUR",
        start=date(2026, 3, 1),
        end=date(2026, 3, 31),
        actor=None,
        now=NOW,
    )
    run_tasks()

    (message,) = mail.outbox
    assert "Balance on 31 March 2026: €100.00" in message.body
    (document,) = message.attachments
    assert document.filename == "statement-of-account-EUR-2026-03-01-2026-03-31.pdf"
    assert BytesIO(document.content).read(5) == b"%PDF-"
    delivery = Delivery.objects.get()
    assert (delivery.kind, delivery.status) == ("statement", "sent")
    assert (delivery.invoice, delivery.customer) == (None, invoice.customer)
    assert Event.objects.get(type="customer.statement_sent").data == {
        "to": invoice.customer.email
    }


def test_preview_mail_sends_nothing(invoice):
    message = sending.preview_mail(invoice=invoice)

    assert message.subject.startswith("Invoice INV-00001 from ")
    assert message.to == [invoice.customer.email]
    assert (mail.outbox, Delivery.objects.count()) == ([], 0)


def test_send_test_mails_the_actor_alone(invoice, run_tasks):
    actor = UserFactory()

    sending.send_test(invoice=invoice, actor=actor, now=NOW)
    run_tasks()

    (message,) = mail.outbox
    assert (message.to, message.cc, message.bcc) == ([actor.email], [], [])
    assert message.subject.startswith("Test: Invoice INV-00001 from ")
    assert len(message.attachments) == 1
    invoice.refresh_from_db()
    assert (invoice.sent_at, Delivery.objects.count()) == (None, 0)
    assert Event.objects.get(type="invoice.test_sent").actor == actor


@pytest.mark.parametrize("what", [sending.preview_mail, sending.send_test])
def test_drafts_and_void_invoices_are_not_shown_as_mail(what, invoice):
    void_invoice(invoice=invoice, actor=None, now=NOW)
    invoice.refresh_from_db()
    more = {} if what is sending.preview_mail else {"actor": UserFactory(), "now": NOW}

    for row in (InvoiceFactory(), invoice):
        with pytest.raises(InvalidTransition, match="only a finalized one can be sent"):
            what(invoice=row, **more)
