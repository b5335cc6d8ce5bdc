from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from accounts.models import Event
from invoices.models import Invoice
from invoices.services.opening import note_opened
from tests.at_once import at_once

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def opened(now, invoice=None):
    note_opened(invoice=invoice or Invoice.objects.get(), now=now)
    row = Invoice.objects.get()
    return row.first_opened_at - NOW, row.last_opened_at - NOW


def test_note_opened_keeps_the_first_look_and_the_latest_of_an_hour(invoice):
    moments = [timedelta(minutes=minutes) for minutes in (0, 59, 60, 90, 120)]

    seen = [opened(NOW + after) for after in moments]

    nothing, hour = timedelta(0), timedelta(hours=1)
    assert seen == [
        (nothing, nothing),
        (nothing, nothing),
        (nothing, hour),
        (nothing, hour),
        (nothing, 2 * hour),
    ]
    event = Event.objects.get()
    assert (event.type, event.actor) == ("invoice.opened", None)


def test_note_opened_believes_the_row_and_not_a_stale_copy(invoice):
    opened(NOW, invoice)
    opened(NOW + timedelta(minutes=30), invoice)

    assert Event.objects.count() == 1
    assert Invoice.objects.get().last_opened_at == NOW


def test_note_opened_leaves_no_mark_of_a_change_by_the_business(invoice):
    before = Invoice.objects.get().updated_at

    opened(NOW)

    assert Invoice.objects.get().updated_at == before


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_looks_at_once_are_one_event(invoice):
    at_once([partial(note_opened, invoice=invoice, now=NOW)] * 8)

    assert Event.objects.filter(type="invoice.opened").count() == 1
