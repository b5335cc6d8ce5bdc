"""The commands that span every app."""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Event, User
from blog.models import Comment, Post
from config.management.commands.load_demo import EMAIL, PASSWORD
from invoices.models import Attachment, Contact, Invoice
from invoices.states import InvoiceStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(capsys):
    call_command("load_demo")
    return capsys.readouterr().out


def test_the_demo_says_who_may_sign_in(demo, client):
    assert demo == f"Sign in as {EMAIL} with the password {PASSWORD}.\n"
    assert client.login(username=EMAIL, password=PASSWORD)


def test_the_demo_has_invoices_of_every_kind(demo):
    invoices = Invoice.objects.all()

    assert set(invoices.values_list("currency", flat=True)) == {"EUR", "JPY", "USD"}
    assert set(invoices.values_list("status", flat=True)) == {
        InvoiceStatus.DRAFT,
        InvoiceStatus.OPEN,
        InvoiceStatus.PAID,
        InvoiceStatus.VOID,
    }


def test_the_demo_has_a_file_and_people_at_customers(demo):
    file = Attachment.objects.get()

    assert (file.name, file.content_type) == ("timesheet.csv", "text/csv")
    assert Contact.objects.filter(gets_invoices=True).count() == 1
    assert Contact.objects.filter(gets_reminders=True).count() == 1


def test_the_demo_is_due_as_its_ledger_says(demo):
    paid = Invoice.objects.with_amounts().filter(status=InvoiceStatus.PAID)

    assert [(row.paid, row.due) for row in paid] == [(row.total, 0) for row in paid]


def test_the_demo_has_a_thread_and_a_comment_that_waits(demo):
    assert Post.objects.published().count() == 3
    assert Comment.objects.filter(parent__isnull=False).shown().count() == 1
    assert Comment.objects.held().count() == 1


def test_the_demo_is_loaded_once(demo, capsys):
    before = Event.objects.count()

    call_command("load_demo")

    assert "nothing was loaded" in capsys.readouterr().out
    assert Event.objects.count() == before


def test_the_demo_stays_out_of_production(settings):
    settings.STAGE = "prod"

    with pytest.raises(CommandError):
        call_command("load_demo")

    assert not User.objects.exists()


def test_the_reference_is_written_where_it_is_read(tmp_path, settings, capsys):
    settings.BASE_DIR = tmp_path

    call_command("write_reference")

    written = sorted(file.name for file in (tmp_path / "docs/reference").iterdir())
    assert written == [
        "events.md",
        "invoice-states.md",
        "payment-scenarios.md",
        "roles.md",
        "vectors.md",
    ]
    assert "docs/reference/roles.md" in capsys.readouterr().out
