import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.tasks import Task
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks_db.models import DBTaskResult

from accounts.models import Event
from accounts.services import mailing
from config.task_admin import task_name
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
LIST = reverse("admin:django_tasks_database_dbtaskresult_changelist")


@pytest.fixture
def operator():
    return UserFactory(is_superuser=True, is_staff=True)


@pytest.fixture
def office(operator):
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def failed(run_tasks, monkeypatch):
    """Mail about an account that the server refused, and said to whom."""

    def refuse(**said):
        raise smtplib.SMTPRecipientsRefused({said["to"]: (550, said["text"].encode())})

    with monkeypatch.context() as refusing:
        refusing.setattr("accounts.emails.account_message", refuse)
        mailing.mail_later(
            to="jo@example.com", subject="Reset", text="/reset/secret/", html=""
        )
        run_tasks(may_fail=True)
    return DBTaskResult.objects.get()


def page(task, view="change"):
    return reverse(
        f"admin:django_tasks_database_dbtaskresult_{view}", args=[str(task.pk)]
    )


def words(office, task):
    """State, tries and problem, as the list shows them."""
    (row,) = office.get(LIST).context["cl"].result_list
    model_admin = office.get(LIST).context["cl"].model_admin
    _, word = model_admin.state.__wrapped__(model_admin, row)
    return word, model_admin.tries(row), model_admin.problem(row)


def test_a_page_tells_where_it_failed_and_nothing_that_was_said(office, failed):
    for html in (office.get(url).content.decode() for url in (LIST, page(failed))):
        assert "Mail somebody about their account." in html
        assert "SMTPRecipientsRefused" in html
        for secret in ("/reset/", "jo@example.com", "550"):
            assert secret not in html
        assert "DBTaskResult" not in html
        assert "task result" not in html.lower()

    html = office.get(page(failed)).content.decode()
    assert "accounts/services/mailing.py:" in html
    assert "/reset/secret/" in failed.traceback


def test_the_state_is_said_in_words(office, failed):
    now = timezone.now()
    rows = DBTaskResult.objects

    assert words(office, failed) == ("Failed", 1, "SMTPRecipientsRefused")
    rows.update(status="READY", run_after=now + timedelta(minutes=2))
    assert words(office, failed)[0] == "Failed, tried again"
    assert office.get(page(failed)).context["original"].run_after > now
    rows.update(exception_class_path="")
    assert words(office, failed) == ("Waiting", 1, None)
    rows.update(status="RUNNING", started_at=now)
    assert words(office, failed)[0] == "Running"
    rows.update(started_at=now - timedelta(minutes=17))
    assert words(office, failed)[0] == "Cut off"
    rows.update(status="SUCCESSFUL")
    assert words(office, failed)[0] == "Done"


def test_the_list_is_narrowed_to_what_needs_a_look(office, failed):
    def shown(needs):
        return len(office.get(LIST, {"needs": needs}).context["cl"].result_list)

    assert (shown("failed"), shown("stuck")) == (1, 0)
    DBTaskResult.objects.update(
        status="RUNNING", started_at=timezone.now() - timedelta(hours=1)
    )
    assert (shown("failed"), shown("stuck")) == (0, 1)


def test_an_operator_tries_it_again_after_being_told_what_that_means(
    office, operator, failed, run_tasks
):
    button = page(failed, "try_again")
    assert button in office.get(page(failed)).content.decode()

    asked = office.get(button).content.decode()
    assert "a mail then goes out once more, and money does not move twice" in asked
    assert not Event.objects.filter(type="task.tried_again").exists()

    answer = office.post(button, follow=True)
    run_tasks()

    assert [str(said) for said in answer.context["messages"]] == [
        "The task is tried again."
    ]
    assert Event.objects.get(type="task.tried_again").actor == operator
    assert len(mail.outbox) == 1


def test_what_is_done_has_no_button_and_says_so(office, failed):
    DBTaskResult.objects.update(status="SUCCESSFUL")
    button = page(failed, "try_again")

    assert button not in office.get(page(failed)).content.decode()
    answer = office.post(button, follow=True)

    assert [str(said) for said in answer.context["messages"]] == ["This task is done."]


def test_tasks_are_for_operators(desk, failed):
    for url in (LIST, page(failed), page(failed, "try_again")):
        assert desk.get(url).status_code == 403
    assert desk.post(page(failed, "try_again")).status_code == 403

    assert DBTaskResult.objects.get().status == "FAILED"


def test_every_task_says_in_a_sentence_what_it_does():
    # Those that tests have imported by now, and that are as good as all.
    paths = [
        "accounts.services.mailing._mail",
        "accounts.services.members._mail_invitation",
        "billing.services.closing._close",
        "billing.services.disputing._mail",
        "billing.services.refunding._send_refund",
        "billing.services.settling._mail_receipt",
        "invoices.services.delivering._deliver",
        "invoices.services.documents._store_document",
    ]

    names = [task_name(path) for path in paths]

    assert all(isinstance(import_string(path), Task) for path in paths)
    assert all(name.endswith(".") and " " in name for name in names), names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("billing.services.gone._mail_receipt", "Mail receipt."),
        ("config.tasks.take_up_again", "Take up again."),
    ],
)
def test_what_is_no_task_any_more_is_called_by_its_path(path, name):
    assert task_name(path) == name
