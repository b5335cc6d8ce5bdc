import logging
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.core.management import CommandError, call_command

from invoices.models import Delivery, Invoice, Reminder, ReminderStep
from invoices.services import delivering, finalizing
from tests.factories import InvoiceLineFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def three_days_late():
    with time_machine.travel(datetime(2026, 3, 18, 12, tzinfo=UTC), tick=False):
        yield


def overdue(**fields):
    line = InvoiceLineFactory(
        invoice__due_date=date(2026, 3, 15),
        **{f"invoice__{name}": value for name, value in fields.items()},
    )
    invoice = finalizing.finalize_invoice(invoice=line.invoice, actor=None, now=NOW)
    Invoice.objects.update(sent_at=NOW)
    ReminderStep.objects.get_or_create(business=invoice.business, days=3)
    return invoice


def test_send_reminders_mails_what_is_due_once(capsys):
    invoice = overdue()

    for said in ("1 reminders\n", "0 reminders\n"):
        call_command("send_reminders")
        assert capsys.readouterr().out == said

    assert Delivery.objects.get().invoice == invoice


def test_send_reminders_can_be_tried_out(capsys):
    invoice = overdue()
    late = overdue()
    Invoice.objects.filter(pk=late.pk).update(sent_at=datetime.now(UTC))

    call_command("send_reminders", dry_run=True)

    assert capsys.readouterr().out == f"{invoice}: 3 days after the due date\n"
    assert not Reminder.objects.exists()


def test_send_reminders_goes_on_without_a_business_that_mailed_too_much(
    settings, caplog
):
    settings.MAIL_PER_BUSINESS_A_DAY = 1
    many, one = overdue(), overdue()
    overdue(business=many.business, customer=many.customer)

    call_command("send_reminders")

    reminded = Delivery.objects.values_list("invoice", flat=True)
    assert sorted(reminded) == [many.pk, one.pk]
    assert f"Business {many.business_id} mails no more today" in caplog.text


def test_send_reminders_goes_on_after_an_invoice_that_fails(monkeypatch, caplog):
    broken, whole = overdue(), overdue()
    queue = delivering.queue

    def broken_queue(*, subject, **words):
        if subject == broken:
            raise ZeroDivisionError
        return queue(subject=subject, **words)

    monkeypatch.setattr(delivering, "queue", broken_queue)

    with pytest.raises(CommandError, match="1 invoices failed"):
        call_command("send_reminders")

    assert Delivery.objects.get().invoice == whole
    (record,) = [row for row in caplog.records if row.levelno == logging.ERROR]
    assert record.message == f"Invoice {broken.pk} was not reminded of"
    # What was begun for it is undone: it is tried again.
    assert not Reminder.objects.filter(invoice=broken).exists()
