"""The commands that span every app."""

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Event, User
from billing.models import Dispute, Payment, Refund
from billing.services.reconciling import runs
from blog.models import Comment, Post
from config.management.commands.load_demo import EMAIL, PASSWORD
from invoices.models import (
    Attachment,
    BalanceEntry,
    Contact,
    Invoice,
    ManualPayment,
)
from invoices.states import InvoiceStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(capsys):
    call_command("load_demo")
    return capsys.readouterr().out


def test_the_demo_says_who_may_sign_in(demo, client):
    assert demo == f"Sign in as {EMAIL} with the password {PASSWORD}.\n"
    assert client.login(username=EMAIL, password=PASSWORD)


def test_the_demo_has_something_of_every_kind(demo):
    invoices = Invoice.objects.with_amounts()
    file = Attachment.objects.get()

    assert {invoice.currency for invoice in invoices} == {"EUR", "JPY", "USD"}
    assert {invoice.status for invoice in invoices} == set(InvoiceStatus)
    assert {
        (row.paid, row.due) == (row.total, 0)
        for row in invoices.filter(status=InvoiceStatus.PAID)
    } == {True}
    assert (file.name, file.content_type) == ("timesheet.csv", "text/csv")
    assert Contact.objects.filter(gets_invoices=True).count() == 1
    assert Contact.objects.filter(gets_reminders=True).count() == 1
    assert Post.objects.published().count() == 3
    assert Comment.objects.filter(parent__isnull=False).shown().count() == 1
    assert Comment.objects.held().count() == 1


def test_the_demo_has_money_of_every_kind_and_stripe_is_never_asked(demo, run_tasks):
    problems = Payment.objects.values_list("problem", flat=True)
    kept = BalanceEntry.objects.values_list("amount", "currency")
    held = Payment.objects.get(problem=Payment.Problem.AMOUNT)
    refund = Refund.objects.get()

    # In tests, nothing answers where Stripe is.
    run_tasks()

    assert sorted(problems) == ["", "amount", "overpaid"]
    assert list(Payment.objects.undecided()) == [held]
    assert (refund.status, refund.payment.problem) == ("succeeded", "overpaid")
    assert [dispute.status for dispute in Dispute.objects.all()] == ["lost"]
    assert ManualPayment.objects.count() == 4
    assert list(kept) == [(116620, "EUR")]
    window = runs.planned_run(since=None, now=timezone.now()).since
    assert not Payment.objects.filter(received_at__gte=window).exists()
    call_command("audit_books", files=True)


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
