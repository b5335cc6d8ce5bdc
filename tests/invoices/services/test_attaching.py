import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from accounts.models import Event
from invoices.exceptions import Deleted, InvalidAttachment
from invoices.models import Attachment, Seal
from invoices.services import attaching
from invoices.services.drafting import delete_draft
from invoices.services.sending import send_invoice
from tests.at_once import at_once
from tests.factories import InvoiceFactory, UserFactory

pytestmark = pytest.mark.django_db


def attach(invoice, now, content=b"%PDF-1", name="Plan.pdf", **said):
    upload = ContentFile(content, name=name)
    return attaching.attach_file(
        invoice=invoice, upload=upload, **({"actor": None} | said), now=now
    )


def stored():
    storage, found = storages["documents"], []
    if storage.exists("attachments"):
        for invoice in storage.listdir("attachments")[0]:
            for folder in storage.listdir(f"attachments/{invoice}")[0]:
                found += storage.listdir(f"attachments/{invoice}/{folder}")[1]
    return found


def test_a_finalized_invoice_takes_a_file_and_says_the_same_as_before(invoice, now):
    actor, sealed = UserFactory(), Seal.objects.values_list("chain", flat=True).get()

    attachment = attach(invoice, now, is_shown=True, actor=actor)

    attachment.refresh_from_db()
    with attachment.file.open() as file:
        assert file.read() == b"%PDF-1"
    assert (attachment.name, attachment.size, attachment.content_type) == (
        "Plan.pdf",
        6,
        "application/pdf",
    )
    assert (attachment.is_mailed, attachment.is_shown) == (False, True)
    event = Event.objects.get()
    assert (event.type, event.actor) == ("invoice.attached", actor)
    assert event.data["file"] == "Plan.pdf"
    assert len(event.data["sha256"]) == 64
    assert Seal.objects.values_list("chain", flat=True).get() == sealed


def test_the_same_bytes_again_are_the_file_that_is_there(invoice, now):
    first = attach(invoice, now)

    assert attach(invoice, now, name="Again.pdf") == first
    assert Event.objects.count() == len(stored()) == 1


def test_the_same_bytes_again_are_shown_if_that_is_said_then(invoice, now):
    first = attach(invoice, now, is_mailed=True)

    again = attach(invoice, now, is_shown=True)

    assert again == first
    assert (again.is_mailed, again.is_shown) == (True, True)
    assert len(stored()) == 1


def test_what_is_refused_leaves_no_file(invoice, now, monkeypatch):
    monkeypatch.setattr(attaching, "MAX_FILES", 1)
    attach(invoice, now)

    with pytest.raises(InvalidAttachment, match="at most 1 files"):
        attach(invoice, now, b"%PDF-2")
    with pytest.raises(InvalidAttachment, match="none of what is taken"):
        attach(invoice, now, b"MZ")

    assert Attachment.objects.count() == len(stored()) == 1


def test_no_more_is_mailed_than_mail_servers_take(invoice, now, monkeypatch):
    monkeypatch.setattr(attaching, "MAX_MAILED", 10)
    attach(invoice, now, is_mailed=True)
    second = attach(invoice, now, b"%PDF-2", is_shown=True)

    with pytest.raises(InvalidAttachment, match=r"Together 0\.0 MB .* take 7"):
        change(second, now, is_mailed=True)

    second.refresh_from_db()
    assert not second.is_mailed


def change(attachment, now, *, is_mailed=False, is_shown=False):
    return attaching.change_attachment(
        attachment=attachment,
        is_mailed=is_mailed,
        is_shown=is_shown,
        actor=None,
        now=now,
    )


def test_what_is_mailed_goes_along_under_its_type(invoice, now, run_tasks):
    kept = attach(invoice, now, b"a;b", "hours.csv")
    attach(invoice, now, b"%PDF-2", "unsent.pdf")
    change(kept, now, is_mailed=True)
    change(kept, now, is_mailed=True)

    send_invoice(invoice=invoice, actor=None, now=now)
    run_tasks()

    (_, along) = mail.outbox[0].attachments
    assert (along.filename, along.mimetype) == ("hours.csv", "text/csv")
    assert Event.objects.filter(type="invoice.attachment_updated").count() == 1


def test_a_removed_file_is_gone_after_the_commit(
    invoice, now, django_capture_on_commit_callbacks
):
    attachment = attach(invoice, now)

    with django_capture_on_commit_callbacks(execute=True):
        attaching.remove_attachment(attachment=attachment, actor=None, now=now)
        assert len(stored()) == 1

    assert (stored(), Attachment.objects.count()) == ([], 0)
    assert Event.objects.latest("pk").type == "invoice.attachment_removed"
    with pytest.raises(Deleted, match="this file"):
        attaching.remove_attachment(attachment=attachment, actor=None, now=now)


def test_a_deleted_draft_takes_its_files_along(now, django_capture_on_commit_callbacks):
    draft = InvoiceFactory()
    attach(draft, now, is_mailed=True)

    with django_capture_on_commit_callbacks(execute=True):
        delete_draft(invoice=draft, actor=None, now=now)

    assert (stored(), Attachment.objects.count()) == ([], 0)


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_the_same_bytes_at_once_are_one_file(now):
    draft = InvoiceFactory()

    first, second = at_once([lambda: attach(draft, now)] * 2)

    assert first == second
    assert Attachment.objects.count() == len(stored()) == 1
