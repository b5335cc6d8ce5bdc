"""What becomes of mail whose server answers, refuses, or is away."""

import smtplib
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.mail.backends import locmem
from django_tasks_db.models import DBTaskResult

from accounts.models import Event
from invoices.models import Delivery
from invoices.services import delivering, reminding, sending
from tests.rows import paid_in

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class MailServer(locmem.EmailBackend):
    """Answers with the next of `answers`, and takes the mail when there is none."""

    answers: list[Exception] = []

    def send_messages(self, messages):
        if self.answers:
            raise self.answers.pop(0)
        return super().send_messages(messages)


@pytest.fixture
def answers(settings, monkeypatch):
    said = []
    monkeypatch.setattr(MailServer, "answers", said)
    settings.MAILERS = {"default": {"BACKEND": f"{__name__}.MailServer"}}
    return said


@pytest.fixture
def queued(invoice, run_tasks):
    run_tasks()
    sending.send_invoice(invoice=invoice, actor=None, now=NOW)
    Event.objects.all().delete()
    return Delivery.objects.get()


def deliver(delivery):
    delivery.refresh_from_db()
    delivering.deliver(delivery=delivery, period=None, now=NOW)
    delivery.refresh_from_db()
    return delivery.status, delivery.error


def waits():
    """How long each task that waits for its time does so."""
    tasks = DBTaskResult.objects.filter(status="READY", run_after__gt=NOW)
    return [
        task.run_after - NOW
        for task in tasks.order_by("run_after")
        if task.run_after.year < 9999
    ]


def test_mail_that_was_sent_is_not_sent_again(queued):
    assert deliver(queued) == ("sent", "")
    assert deliver(queued) == ("sent", "")

    assert (len(mail.outbox), queued.tries, queued.sent_at) == (1, 1, NOW)


def test_of_two_that_read_the_same_row_one_sends(queued):
    same = Delivery.objects.get()

    for row in (queued, same):
        delivering.deliver(delivery=row, period=None, now=NOW)

    assert len(mail.outbox) == 1


def test_every_try_has_the_same_message_id(queued, settings):
    settings.DEFAULT_FROM_EMAIL = "PayMyInvoice <pay@pay.example>"
    deliver(queued)
    # As whoever is killed before it is written that the server took it.
    Delivery.objects.update(status="queued")
    deliver(queued)

    ids = [message.message()["Message-ID"] for message in mail.outbox]
    assert ids == [f"<{queued.public_id}@pay.example>"] * 2


def test_mail_waits_longer_each_time_while_the_server_is_away(queued, answers):
    answers.extend([ConnectionRefusedError()] * delivering.TRIES)

    for tries in range(1, delivering.TRIES):
        assert deliver(queued) == ("queued", "The mail server could not be reached.")
        assert queued.tries == tries
    assert waits() == [timedelta(minutes=2**n) for n in range(1, delivering.TRIES)]
    assert not Event.objects.exists()

    assert deliver(queued) == ("failed", "The mail server could not be reached.")
    assert len(waits()) == delivering.TRIES - 1
    event = Event.objects.get()
    assert (event.type, event.subject_id) == (
        "invoice.mail_failed",
        str(queued.invoice.public_id),
    )
    assert event.data == {
        "kind": "invoice",
        "to": queued.invoice.customer.email,
        "error": "The mail server could not be reached.",
    }
    assert mail.outbox == []


def test_mail_goes_out_when_the_server_is_back(queued, answers):
    answers.append(TimeoutError())

    assert deliver(queued)[0] == "queued"
    assert deliver(queued) == ("sent", "")
    assert (len(mail.outbox), queued.tries) == (1, 2)


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (
            smtplib.SMTPRecipientsRefused({"a@example.com": (550, b"No such\r\nuser")}),
            "failed",
            "The mail server refused a@example.com: 550 No such user",
        ),
        (
            smtplib.SMTPRecipientsRefused({"a@example.com": (451, b"Greylisted")}),
            "queued",
            "The mail server refused a@example.com: 451 Greylisted",
        ),
        (
            smtplib.SMTPDataError(554, "Looks like spam"),
            "failed",
            "The mail server refused: 554 Looks like spam",
        ),
        (
            smtplib.SMTPServerDisconnected("gone"),
            "queued",
            "The mail server could not be reached.",
        ),
        (
            smtplib.SMTPAuthenticationError(535, b"user pay, password wrong"),
            "queued",
            "The mail server could not be reached.",
        ),
    ],
)
def test_what_the_server_said_can_be_read(queued, answers, answer, status, error):
    answers.append(answer)

    assert deliver(queued) == (status, error)


def test_what_nobody_foresaw_is_raised_and_fails_with_the_last_try(queued, answers):
    answers.extend([ValueError("secret")] * delivering.TRIES)

    for tries in range(1, delivering.TRIES + 1):
        with pytest.raises(ValueError, match="secret"):
            deliver(queued)
        queued.refresh_from_db()
        is_last = tries == delivering.TRIES
        assert queued.error == "Something went wrong on our side."
        assert queued.status == ("failed" if is_last else "queued")
        assert Event.objects.count() == int(is_last)

    # An operator has the task tried once more.
    assert deliver(queued) == ("sent", "")


def test_a_document_that_is_gone_is_not_the_mail_servers_fault(queued):
    document = queued.invoice.document
    document.file.storage.delete(document.file.name)

    with pytest.raises(FileNotFoundError):
        deliver(queued)

    queued.refresh_from_db()
    assert queued.error == "Something went wrong on our side."


def test_nobody_is_reminded_of_what_was_paid_meanwhile(invoice, run_tasks):
    delivery = reminding.remind_now(invoice=invoice, actor=None, now=NOW)
    paid_in(invoice, 11900)

    run_tasks()

    delivery.refresh_from_db()
    assert (delivery.status, mail.outbox) == ("failed", [])
    assert delivery.error == "Nothing is due any more, so nobody was reminded."
