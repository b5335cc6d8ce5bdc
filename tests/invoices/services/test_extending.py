from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Event
from invoices.exceptions import InvalidTransition
from invoices.services.correcting import void_invoice
from invoices.services.extending import extend_due_date
from tests.factories import InvoiceFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def extend(invoice, day, actor=None):
    return extend_due_date(
        invoice=invoice, due_date=date(2026, 3, day), actor=actor, now=NOW
    )


def test_extend_due_date_moves_it_and_what_the_link_opens(invoice):
    actor, opened_until = UserFactory(), invoice.link_expires_at

    extend(invoice, 29, actor)

    invoice.refresh_from_db()
    assert invoice.due_date == date(2026, 3, 29)
    assert (invoice.link_expires_at - opened_until).days == 14
    event = Event.objects.get()
    assert (event.type, event.actor) == ("invoice.due_date_extended", actor)
    assert event.data == {"from": "2026-03-15", "to": "2026-03-29"}


@pytest.mark.parametrize("day", [14, 15])
def test_extend_due_date_refuses_a_day_that_is_not_later(invoice, day):
    with pytest.raises(ValidationError, match="a due date only moves later"):
        extend(invoice, day)

    assert not Event.objects.exists()


def test_extend_due_date_refuses_what_is_not_open(invoice):
    void_invoice(invoice=invoice, actor=None, now=NOW)

    for row in (invoice, InvoiceFactory()):
        with pytest.raises(InvalidTransition, match="more time is given"):
            extend(row, 29)
