from datetime import timedelta

import pytest
from django.core import mail
from django_tasks_db.models import DBTaskResult

from accounts.services.mailing import mail_later
from config import tasks
from invoices.models import Document
from invoices.services import documents
from invoices.services.finalizing import finalize_invoice
from tests.factories import InvoiceLineFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def tried_at_once(settings):
    settings.TASKS = {"default": {"BACKEND": "config.tasks.TriedAtOnce"}}


def statuses():
    return list(DBTaskResult.objects.values_list("status", flat=True))


def test_a_task_is_done_when_its_transaction_has_committed(now):
    invoice = InvoiceLineFactory().invoice

    finalize_invoice(invoice=invoice, actor=None, now=now)

    assert Document.objects.get().invoice == invoice
    assert statuses() == ["SUCCESSFUL"]


def test_a_task_that_fails_undoes_nothing_and_is_kept(now, monkeypatch):
    def out_of_space(invoice):
        raise OSError("disk full")

    monkeypatch.setattr("invoices.pdf.render_invoice", out_of_space)

    invoice = finalize_invoice(
        invoice=InvoiceLineFactory().invoice, actor=None, now=now
    )

    invoice.refresh_from_db()
    assert invoice.number
    assert statuses() == ["FAILED"]


def test_a_task_for_later_waits_for_the_schedule(now, run_tasks):
    documents._store_document.using(run_after=now + timedelta(days=30_000)).enqueue(
        invoice_id=1
    )

    assert statuses() == ["READY"]


def test_a_task_that_somebody_else_took_is_left_to_them():
    DBTaskResult.objects.all().delete()
    result = documents._store_document.using(backend="default").enqueue(invoice_id=1)
    DBTaskResult.objects.filter(pk=result.id).update(status="RUNNING")

    tasks._try(result.id)

    assert statuses() == ["RUNNING"]


def test_mail_leaves_at_once():
    mail_later(to="jo@example.com", subject="Hello", text="Hello", html="<p>Hello</p>")

    assert [sent.subject for sent in mail.outbox] == ["Hello"]


def begun(now, *, ago, attempts=1):
    """A task that somebody began, and of whom nothing was heard since."""
    DBTaskResult.objects.all().delete()
    invoice = InvoiceLineFactory().invoice
    result = documents._store_document.using(
        run_after=now + timedelta(days=30_000)
    ).enqueue(invoice_id=invoice.pk)
    DBTaskResult.objects.filter(pk=result.id).update(
        status="RUNNING",
        started_at=now - ago,
        worker_ids=["at-once"] * attempts,
    )


def test_a_task_that_was_cut_off_is_taken_up_again(now):
    begun(now, ago=timedelta(minutes=17))

    tasks.take_up_again(now)

    assert statuses() == ["READY"]


def test_a_task_that_may_still_run_is_left_alone(now):
    begun(now, ago=timedelta(minutes=15))

    tasks.take_up_again(now)

    assert statuses() == ["RUNNING"]


def test_a_task_that_is_cut_off_time_after_time_has_failed(now):
    begun(now, ago=timedelta(minutes=17), attempts=3)

    tasks.take_up_again(now)

    assert statuses() == ["FAILED"]
    assert "It was cut off 3 times." in DBTaskResult.objects.get().traceback
