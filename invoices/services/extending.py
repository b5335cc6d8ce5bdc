"""Giving a customer more time to pay."""

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from accounts.services.events import record_event
from invoices.exceptions import InvalidTransition
from invoices.models import Invoice, check_date
from invoices.services.locking import lock_invoice
from invoices.services.opening import renew_link
from invoices.states import InvoiceStatus


@transaction.atomic
def extend_invoice(
    *, invoice: Invoice, due_date: date, actor: User | None, now: datetime
) -> Invoice:
    """
    Move the due date of an open invoice later. What was printed stays in its seal;
    reminders count from the new day.

    The customer's link opens as long as if the invoice had been due then from the start.

    :raises InvalidTransition: if the invoice is not open
    :raises ValidationError: if the day is not later than the one before
    """
    invoice = lock_invoice(invoice.pk)
    if invoice.status != InvoiceStatus.OPEN:
        raise InvalidTransition(
            f"This invoice is {invoice.get_status_display().lower()}; "
            "only an open one has a due date to move."
        )
    before = invoice.due_date
    assert before is not None  # noqa: S101 - for mypy: it is finalized
    _check_later(before, due_date)
    invoice.due_date = due_date
    renew_link(invoice, now)
    invoice.save(update_fields=["due_date", "link_expires_at", "updated_at"])
    record_event(
        type="invoice.extended",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
        data={"from": before.isoformat(), "to": due_date.isoformat()},
    )
    return invoice


def _check_later(before: date, due_date: date) -> None:
    try:
        check_date(due_date)
    except ValidationError as error:
        raise ValidationError({"due_date": error.messages}) from error
    if due_date <= before:
        raise ValidationError(
            {"due_date": f"It is due on {before}: write a later day, never an earlier."}
        )
