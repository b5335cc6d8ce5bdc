import json
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils.module_loading import import_string
from django_tasks_db.models import DBTaskResult

from accounts.models import IdempotencyRecord
from config import schedules
from invoices.models import Delivery, Document, Invoice, ReminderStep
from invoices.services.finalizing import finalize_invoice
from tests.factories import InvoiceLineFactory

pytestmark = pytest.mark.django_db

STAGES = json.loads((Path(settings.BASE_DIR) / "zappa_settings.json").read_text())


@pytest.fixture
def finalized(owner, now):
    return finalize_invoice(invoice=InvoiceLineFactory().invoice, actor=owner, now=now)


@pytest.mark.parametrize("stage", ["dev_worker", "qa_worker", "prod_worker"])
def test_every_schedule_of_a_stage_is_a_function_here(stage):
    functions = [import_string(event["function"]) for event in STAGES[stage]["events"]]

    assert functions == [
        schedules.run_tasks,
        schedules.tidy_up,
        schedules.audit,
        schedules.remind,
        schedules.reconcile,
    ]


@pytest.mark.parametrize("stage", ["common", "dev", "qa", "prod"])
def test_what_answers_requests_has_no_schedules(stage):
    assert not STAGES[stage].get("events")


def test_run_tasks_does_what_waits(finalized, run_tasks):
    schedules.run_tasks({}, None)

    assert Document.objects.get().invoice == finalized


def test_run_tasks_takes_up_what_was_cut_off(finalized, run_tasks, now):
    DBTaskResult.objects.update(status="RUNNING", started_at=now)

    schedules.run_tasks({}, None)

    assert Document.objects.get().invoice == finalized


def test_tidy_up_forgets_what_ended(finalized, run_tasks, now):
    run_tasks()
    DBTaskResult.objects.update(finished_at=now)
    Session.objects.create(session_key="old", expire_date=now)
    IdempotencyRecord.objects.create(digest="old", created_at=now)
    call_command("forget_answers", dry_run=True)
    assert IdempotencyRecord.objects.exists()

    schedules.tidy_up({}, None)

    assert not DBTaskResult.objects.exists()
    assert not Session.objects.exists()
    assert not IdempotencyRecord.objects.exists()


def test_remind_mails_what_is_due(finalized, run_tasks, now):
    Invoice.objects.update(sent_at=now)
    ReminderStep.objects.create(business=finalized.business, days=3)

    with time_machine.travel(now + timedelta(days=14 + 3), tick=False):
        for _ in range(2):
            schedules.remind({}, None)

    assert Delivery.objects.get().invoice == finalized
