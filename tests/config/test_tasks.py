from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from django.core import mail
from django.utils import timezone
from django_tasks_db.models import DBTaskResult, get_date_max

from accounts.models import Event
from accounts.services import mailing
from accounts.services.mailing import mail_later
from config import tasks
from invoices.models import Document
from invoices.services import documents
from invoices.services.finalizing import finalize_invoice
from tests.at_once import at_once
from tests.factories import InvoiceLineFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
# Where nothing waits for a commit; emptying all tables takes longer than the test.
rolled_back = pytest.mark.django_db(transaction=False)


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


def test_a_task_knows_no_time_zone_of_whoever_asked(now, monkeypatch):
    zones = []

    def render(invoice):
        zones.append(timezone.get_current_timezone_name())
        return b"%PDF-1"

    monkeypatch.setattr("invoices.pdf.render_invoice", render)

    with timezone.override("Asia/Tokyo"):
        finalize_invoice(invoice=InvoiceLineFactory().invoice, actor=None, now=now)

    assert zones == ["UTC"]


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
    later = mailing._mail.using(run_after=now + timedelta(days=30_000))
    result = later.enqueue(to="jo@example.com", subject="Hello", text="Hi", html="")
    task = DBTaskResult.objects.filter(pk=result.id)
    task.update(
        status="RUNNING", started_at=now - ago, worker_ids=["at-once"] * attempts
    )
    return task.get()


def failed(now, *, ago, attempts=1, problem="builtins.OSError"):
    task = begun(now, ago=ago, attempts=attempts)
    DBTaskResult.objects.update(
        status="FAILED", finished_at=now - ago, exception_class_path=problem
    )
    task.refresh_from_db()
    return task


@pytest.mark.parametrize(
    ("minutes", "attempts", "status"),
    [(15, 1, "RUNNING"), (17, 1, "READY"), (17, 2, "READY"), (17, 3, "FAILED")],
)
@rolled_back
def test_what_was_cut_off_is_taken_up_again_three_times(
    now, caplog, minutes, attempts, status
):
    task = begun(now, ago=timedelta(minutes=minutes), attempts=attempts)

    tasks.take_up_again(now)

    task.refresh_from_db()
    assert task.status == status
    # The last time somebody must look, and its row says why.
    is_given_up = status == "FAILED"
    assert bool(caplog.messages) is is_given_up
    assert (task.exception_class_path == tasks.CUT_OFF) is is_given_up


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 2), (2, 4), (3, 8), (4, 16), (5, 32)]
)
@rolled_back
def test_what_failed_is_tried_again_less_and_less_often(now, attempts, minutes):
    task = failed(now, ago=timedelta(minutes=1), attempts=attempts)

    tasks.take_up_again(now)

    task.refresh_from_db()
    assert task.status == "READY"
    assert task.run_after == task.finished_at + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "given_up",
    [
        {"ago": timedelta(minutes=1), "attempts": 6},
        {"ago": timedelta(hours=25)},
        {"ago": timedelta(minutes=1), "problem": tasks.CUT_OFF},
    ],
    ids=["often enough", "long ago", "cut off"],
)
@rolled_back
def test_what_was_given_up_is_left_to_a_person(now, given_up):
    failed(now, **given_up)

    tasks.take_up_again(now)

    assert statuses() == ["FAILED"]


@rolled_back
def test_what_somebody_else_took_up_meanwhile_is_theirs(now):
    stale = begun(now, ago=timedelta(minutes=17), attempts=3)
    DBTaskResult.objects.update(status="SUCCESSFUL")

    tasks._take_up_cut_off(stale, now)

    assert statuses() == ["SUCCESSFUL"]


class Killed(BaseException):
    """Ends the process, as far as those are concerned who are told of exceptions."""


def die(*args, **kwargs):
    raise Killed


@pytest.mark.scenario(61)
def test_a_worker_killed_before_it_said_so_mails_under_the_same_name(
    now, monkeypatch, settings
):
    settings.DEFAULT_FROM_EMAIL = "PayMyInvoice <pay@pay.example>"
    with monkeypatch.context() as killing:
        # After the call, before the mark.
        killing.setattr(DBTaskResult, "set_successful", die)
        killing.setattr(DBTaskResult, "set_failed", die)
        with pytest.raises(Killed):
            mail_later(to="jo@example.com", subject="Hello", text="Hello", html="")
    task = DBTaskResult.objects.get()
    assert (task.status, len(mail.outbox)) == ("RUNNING", 1)

    later = task.started_at + tasks.LONGEST + timedelta(seconds=1)
    tasks.take_up_again(later)
    tasks._try(task.pk)

    # What has one name is one mail, to mail programs and to the person.
    names = [sent.message()["Message-ID"] for sent in mail.outbox]
    assert names == [f"<account-{task.pk}@pay.example>"] * 2
    assert statuses() == ["SUCCESSFUL"]


@pytest.fixture
def operator():
    return UserFactory(is_superuser=True)


@pytest.mark.parametrize(
    "state",
    [
        lambda now: failed(now, ago=timedelta(days=2), attempts=6),
        lambda now: begun(now, ago=timedelta(minutes=17)),
    ],
    ids=["failed", "cut off"],
)
def test_an_operator_has_a_task_tried_at_once(now, operator, state):
    task = state(now)

    tasks.try_again(row=task, actor=operator, now=now)

    assert statuses() == ["SUCCESSFUL"]
    event = Event.objects.get(type="task.tried_again")
    assert (event.actor, event.subject_id) == (operator, str(task.pk))
    assert event.data == {
        "task": "accounts.services.mailing._mail",
        "was": task.status,
    }


@rolled_back
def test_where_a_worker_resides_it_is_left_to_that(now, operator, settings):
    task = failed(now, ago=timedelta(minutes=1))
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

    tasks.try_again(row=task, actor=operator, now=now)

    assert statuses() == ["READY"]


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("SUCCESSFUL", r"^This task is done\.$"),
        (
            "RUNNING",
            r"^This task is being done\. .+ known at 09:45 UTC; try it then\.$",
        ),
    ],
)
@rolled_back
def test_what_is_done_or_under_way_is_not_tried_again(now, operator, status, sentence):
    task = begun(now, ago=timedelta(minutes=1))
    DBTaskResult.objects.update(status=status)

    with pytest.raises(tasks.NotTriedAgain, match=sentence):
        tasks.try_again(row=task, actor=operator, now=now)

    assert statuses() == [status]
    assert not Event.objects.filter(type="task.tried_again").exists()


@rolled_back
def test_stuck_is_what_does_not_end_and_what_nobody_begins(now):
    def stuck():
        return DBTaskResult.objects.filter(tasks.is_stuck(now)).count()

    task = begun(now, ago=timedelta(minutes=15))
    assert stuck() == 0
    begun_long_ago = DBTaskResult.objects.filter(pk=task.pk)
    begun_long_ago.update(started_at=now - timedelta(minutes=17))
    assert stuck() == 1

    waiting = DBTaskResult.objects.all()
    waiting.update(status="READY", run_after=now - timedelta(hours=6))
    assert stuck() == 0
    waiting.update(run_after=now - timedelta(hours=8))
    assert stuck() == 1
    waiting.update(run_after=get_date_max(), enqueued_at=now - timedelta(hours=6))
    assert stuck() == 0
    waiting.update(enqueued_at=now - timedelta(hours=8))
    assert stuck() == 1


@pytest.mark.mysql
def test_of_all_who_try_one_task_at_once_one_does(now, operator):
    later = mailing._mail.using(run_after=now + timedelta(days=30_000))
    queued = later.enqueue(to="jo@example.com", subject="Hello", text="Hi", html="")
    DBTaskResult.objects.update(
        status="FAILED", run_after=now, started_at=now, finished_at=now
    )
    task = DBTaskResult.objects.get(pk=queued.id)

    def press():
        with suppress(tasks.NotTriedAgain):
            tasks.try_again(row=task, actor=operator, now=now)

    at_once(
        [press] * 4
        + [partial(tasks.take_up_again, now + timedelta(minutes=5))] * 2
        + [partial(tasks._try, task.pk)] * 2
    )

    assert len(mail.outbox) == 1
    assert statuses() == ["SUCCESSFUL"]
