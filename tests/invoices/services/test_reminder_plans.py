from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Event
from invoices.exceptions import Deleted
from invoices.models import Delivery, Invoice, Reminder, ReminderStep
from invoices.services import reminder_plans, reminding
from tests.factories import BusinessFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def create(business, **fields):
    return reminder_plans.create_step(
        business=business, fields=fields, actor=None, now=NOW
    )


def plan(business):
    return [
        (step.days, step.is_active) for step in business.reminder_steps.order_by("days")
    ]


def test_start_plan_writes_what_most_want_once():
    business = BusinessFactory()

    for _ in range(2):
        reminder_plans.start_plan(business=business, actor=UserFactory(), now=NOW)

    assert plan(business) == [(-3, False), (3, True), (10, True), (24, True)]


def test_start_plan_leaves_the_plan_of_a_business_alone():
    business = BusinessFactory()
    create(business, days=7)

    reminder_plans.start_plan(business=business, actor=None, now=NOW)

    assert plan(business) == [(7, True)]


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"days": -61}, "days"), ({"days": 366}, "days"), ({}, "days")],
)
def test_create_step_refuses_what_makes_no_sense(fields, field):
    with pytest.raises(ValidationError) as refused:
        create(BusinessFactory(), **fields)

    assert [*refused.value.message_dict] == [field]


def test_there_is_one_step_for_a_day():
    business = BusinessFactory()
    create(business, days=3)
    create(BusinessFactory(), days=3)

    with pytest.raises(ValidationError, match="There is a step for that day"):
        create(business, days=3)


def test_steps_are_changed_and_deleted_on_record():
    actor = UserFactory()
    step = create(BusinessFactory(), days=3)
    said = {"actor": actor, "now": NOW}

    reminder_plans.update_step(step=step, fields={"is_active": False}, **said)
    step.refresh_from_db()
    assert not step.is_active
    reminder_plans.delete_step(step=step, **said)

    for refused in (
        lambda: reminder_plans.update_step(step=step, fields={}, **said),
        lambda: reminder_plans.delete_step(step=step, **said),
    ):
        with pytest.raises(Deleted):
            refused()
    assert not ReminderStep.objects.exists()
    events = Event.objects.filter(subject_type="reminderstep").order_by("pk")
    assert [(event.type, event.actor) for event in events] == [
        ("reminder_step.created", None),
        ("reminder_step.updated", actor),
        ("reminder_step.deleted", actor),
    ]


def test_what_was_mailed_by_a_step_stays_when_it_is_deleted(invoice):
    Invoice.objects.update(sent_at=NOW)
    step = create(invoice.business, days=3)
    (row,) = reminding.wanted(datetime(2026, 3, 18, 12, tzinfo=UTC))
    reminding.remind(wanted=row, now=NOW)

    reminder_plans.delete_step(step=step, actor=None, now=NOW)

    reminder = Reminder.objects.get()
    assert (reminder.step, reminder.days) == (None, 3)
    assert reminder.delivery == Delivery.objects.get()
