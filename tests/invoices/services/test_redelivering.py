"""What becomes of mail whose task is gone."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.core import mail
from django_tasks_db.models import DBTaskResult

from accounts.models import Event
from invoices.models import Delivery
from invoices.services import delivering, sending
from invoices.services.redelivering import take_up_lost
from tests.at_once import at_once

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=21)


@pytest.fixture
def queued(invoice, run_tasks):
    run_tasks()
    sending.send_invoice(invoice=invoice, actor=None, now=NOW)
    Event.objects.all().delete()
    return Delivery.objects.get()


def carriers():
    return sorted(delivering.tasks().values_list("status", flat=True))


def test_mail_whose_task_is_gone_is_sent_once(queued, run_tasks):
    DBTaskResult.objects.all().delete()

    for _ in range(2):
        take_up_lost(now=LATER)
    run_tasks()

    assert carriers() == ["SUCCESSFUL"]
    assert len(mail.outbox) == 1
    queued.refresh_from_db()
    assert queued.status == "sent"


@pytest.mark.parametrize("status", ["READY", "RUNNING"])
def test_mail_whose_task_is_there_is_left_to_it(queued, status):
    delivering.tasks().update(status=status)

    take_up_lost(now=LATER)

    assert carriers() == [status]


def test_mail_of_a_moment_ago_is_left_alone(queued):
    DBTaskResult.objects.all().delete()

    take_up_lost(now=NOW + timedelta(minutes=19))

    assert carriers() == []


def _task_failed(delivery):
    delivering.tasks().update(status="FAILED")


def _tried_often_enough(delivery):
    DBTaskResult.objects.all().delete()
    Delivery.objects.update(tries=delivering.TRIES)


def _period_is_gone(delivery):
    DBTaskResult.objects.all().delete()
    Delivery.objects.update(kind=Delivery.Kind.STATEMENT)


@pytest.mark.parametrize("lose", [_task_failed, _tried_often_enough, _period_is_gone])
def test_mail_that_was_given_up_says_so_to_its_business(queued, lose):
    lose(queued)

    take_up_lost(now=LATER)

    queued.refresh_from_db()
    assert queued.status == "failed"
    assert queued.error == (
        "We were cut off, and do not know whether this was sent. Ask whether it "
        "arrived, or send it again."
    )
    assert Event.objects.get().type == "invoice.mail_failed"


def test_a_statement_whose_task_waits_is_left_to_it(invoice, run_tasks):
    run_tasks()
    sending.send_statement(
        customer=invoice.customer,
        currency="EUR",
        start=date(2026, 1, 1),
        end=date(2026, 3, 1),
        actor=None,
        now=NOW,
    )

    take_up_lost(now=LATER)

    assert carriers() == ["READY"]


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_of_all_who_look_at_once_one_takes_it_up(queued, run_tasks):
    DBTaskResult.objects.all().delete()

    at_once([partial(take_up_lost, now=LATER)] * 6)

    run_tasks()
    assert carriers() == ["SUCCESSFUL"]
    assert len(mail.outbox) == 1
