from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Event
from invoices.exceptions import InvalidTransition
from invoices.services.correcting import give_up_invoice, void_invoice
from invoices.services.extending import extend_invoice
from tests.factories import InvoiceFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def extend(invoice, due_date, actor=None):
    return extend_invoice(invoice=invoice, due_date=due_date, actor=actor, now=NOW)


def test_an_open_invoice_is_due_later_and_its_link_opens_as_long(invoice):
    actor = UserFactory()
    before = invoice.due_date

    extend(invoice, date(2026, 5, 1), actor)

    invoice.refresh_from_db()
    assert invoice.due_date == date(2026, 5, 1)
    assert invoice.link_expires_at == NOW + timedelta(days=61 + 30)
    event = Event.objects.get()
    assert (event.type, event.actor) == ("invoice.extended", actor)
    assert event.data == {"from": before.isoformat(), "to": "2026-05-01"}


def test_a_link_that_opens_longer_already_is_left_alone(invoice):
    opens_until = NOW + timedelta(days=300)
    invoice.link_expires_at = opens_until
    invoice.save()

    extend(invoice, invoice.due_date + timedelta(days=1))

    invoice.refresh_from_db()
    assert invoice.link_expires_at == opens_until


@pytest.mark.parametrize("days", [0, -1])
def test_no_day_is_taken_away(invoice, days):
    before = invoice.due_date

    with pytest.raises(ValidationError, match="write a later day"):
        extend(invoice, before + timedelta(days=days))

    invoice.refresh_from_db()
    assert (invoice.due_date, Event.objects.count()) == (before, 0)


def test_the_day_is_one_of_this_century(invoice):
    with pytest.raises(ValidationError) as refused:
        extend(invoice, date(2100, 1, 1))

    assert [*refused.value.message_dict] == ["due_date"]


def test_only_an_open_invoice_is_extended(invoice):
    given_up = give_up_invoice(invoice=invoice, actor=None, now=NOW)
    with pytest.raises(InvalidTransition, match="is uncollectible"):
        extend(given_up, date(2026, 5, 1))

    void = void_invoice(invoice=invoice, actor=None, now=NOW)
    for row in (InvoiceFactory(), void):
        with pytest.raises(InvalidTransition, match="only an open one"):
            extend(row, date(2026, 5, 1))
