"""On which days a business reminds its customers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from accounts.models import Business, User
from accounts.services.events import record_event
from accounts.services.writing import set_fields
from invoices.models import ReminderStep
from invoices.services.locking import lock_row

FIELDS: Final = frozenset({"days", "message", "is_active"})
# What most want: days from the due date, and whether the step is taken.
USUAL: Final[Mapping[int, bool]] = {-3: False, 3: True, 10: True, 24: True}


@transaction.atomic
def start_plan(*, business: Business, actor: User | None, now: datetime) -> None:
    """
    Give a business without a plan the one that most want: three days, ten and twenty-
    four after the due date; one before it waits to be switched on. Again does nothing.

    No business has it from the start: mail in its name is for it to want.
    """
    Business.objects.select_for_update().get(pk=business.pk)
    if business.reminder_steps.exists():
        return
    for days, is_active in USUAL.items():
        fields = {"days": days, "is_active": is_active}
        create_step(business=business, fields=fields, actor=actor, now=now)


@transaction.atomic
def create_step(
    *, business: Business, fields: Mapping[str, Any], actor: User | None, now: datetime
) -> ReminderStep:
    """
    :param fields: any of `FIELDS`
    :raises ValidationError: naming each field that is wrong
    """
    step = ReminderStep(business=business)
    _write(step, fields)
    _record("reminder_step.created", step, actor, now)
    return step


@transaction.atomic
def update_step(
    *, step: ReminderStep, fields: Mapping[str, Any], actor: User | None, now: datetime
) -> ReminderStep:
    """
    What was mailed stays mailed: moved to another day, a step is taken again.

    :param fields: any of `FIELDS`
    :raises ValidationError: naming each field that is wrong
    :raises Deleted: if somebody deleted it meanwhile
    """
    step = lock_row(step)
    _write(step, fields)
    _record("reminder_step.updated", step, actor, now)
    return step


@transaction.atomic
def delete_step(*, step: ReminderStep, actor: User | None, now: datetime) -> None:
    """:raises Deleted: if somebody else was faster"""
    step = lock_row(step)
    _record("reminder_step.deleted", step, actor, now)
    step.delete()


def _write(step: ReminderStep, fields: Mapping[str, Any]) -> None:
    set_fields(step, fields, FIELDS)
    step.full_clean()
    step.save()


def _record(type_: str, step: ReminderStep, actor: User | None, now: datetime) -> None:
    record_event(
        type=type_,
        subject=step,
        business=step.business,
        actor=actor,
        now=now,
        data={"days": step.days},
    )
