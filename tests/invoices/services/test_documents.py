import hashlib
from datetime import UTC, datetime

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from accounts.models import Event
from invoices.exceptions import InvalidTransition
from invoices.models import Document
from invoices.services import documents
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.documents import read_document, store_document
from tests.factories import InvoiceFactory
from tests.unguarded import unguarded

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def test_store_document_keeps_the_pdf_and_its_hash(invoice):
    document = store_document(invoice)

    with storages["documents"].open(document.file.name) as file:
        content = file.read()
    assert content.startswith(b"%PDF-")
    assert document.sha256 == hashlib.sha256(content).hexdigest()
    assert document.size == len(content)
    assert document.file.name == f"invoices/{invoice.public_id}/{document.sha256}.pdf"


def test_store_document_again_changes_nothing(invoice):
    first = store_document(invoice)

    assert store_document(invoice) == first
    assert Document.objects.count() == 1
    event = Event.objects.get(type="invoice.document_stored")
    assert event.data == {"sha256": first.sha256}


def test_of_two_that_render_at_once_one_row_wins(invoice):
    first = store_document(invoice)

    again = documents._keep(invoice, first.file.name, first.sha256, first.size)

    assert again == first
    assert Event.objects.filter(type="invoice.document_stored").count() == 1


def test_store_document_takes_the_file_of_one_that_was_interrupted(invoice):
    first = store_document(invoice)
    with unguarded():
        Document.objects.all().delete()

    again = store_document(invoice)

    assert (again.file.name, again.sha256) == (first.file.name, first.sha256)
    _, files = storages["documents"].listdir(f"invoices/{invoice.public_id}")
    assert len(files) == 1


def test_store_document_does_not_take_a_part_of_a_file(invoice):
    whole = read_document(invoice)
    name = invoice.document.file.name
    with unguarded():
        Document.objects.all().delete()
    # As a disk leaves it that was full.
    storages["documents"].delete(name)
    storages["documents"].save(name, ContentFile(whole[:100]))
    invoice.refresh_from_db()

    assert read_document(invoice) == whole

    assert hashlib.sha256(whole).hexdigest() in invoice.document.file.name


def test_store_document_refuses_a_draft():
    with pytest.raises(InvalidTransition, match="finalize it first"):
        store_document(InvoiceFactory())

    assert not Document.objects.exists()


def test_read_document_stores_what_is_not_there_yet(invoice):
    content = read_document(invoice)

    document = Document.objects.get()
    assert hashlib.sha256(content).hexdigest() == document.sha256
    assert read_document(invoice) == content


def test_a_credit_note_has_a_document_of_its_own(invoice):
    note = credited(invoice)

    document = store_document(note)

    assert (document.credit_note, document.invoice) == (note, None)
    assert document.file.name == f"credit_notes/{note.public_id}/{document.sha256}.pdf"
    content = read_document(note)
    assert hashlib.sha256(content).hexdigest() == document.sha256
    assert store_document(note) == document
    event = Event.objects.get(type="credit_note.document_stored")
    assert (event.data, event.business) == ({"sha256": document.sha256}, note.business)


def test_issuing_has_the_document_stored(run_tasks, invoice):
    run_tasks()
    note = credited(invoice)

    run_tasks()

    assert Document.objects.get(credit_note=note).sha256
    assert Document.objects.get(invoice=invoice).sha256


def credited(invoice):
    return issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Returned",
        split=Split(),
        actor=None,
        now=NOW,
    )
