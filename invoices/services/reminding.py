"""Reminding customers of what is due, by each business's plan."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import zip_longest
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Business, User
from accounts.services.events import record_event
from invoices import selectors, signals
from invoices.exceptions import Disputed, NothingDue
from invoices.models import Delivery, Invoice, Reminder, ReminderStep
from invoices.services import delivering
from invoices.services.locking import lock_invoice
from invoices.services.opening import renew_link
from invoices.states import InvoiceStatus

# By the clock of the business: nobody is reminded at night.
FROM_HOUR: Final = 6
# A plan that is made today is not for debts of years ago; no outage lasts as long.
LATEST: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An invoice whose next reminder is due, and the step of the plan that it is."""

    invoice: Invoice
    step: ReminderStep

    @property
    def is_mailed(self) -> bool:
        """Not where the customer got the invoice that very day, or later."""
        sent_at, due_date = self.invoice.sent_at, self.invoice.due_date
        assert sent_at is not None  # noqa: S101 - for mypy: sent, or it is not wanted
        assert due_date is not None  # noqa: S101 - for mypy: open ones have one
        day = due_date + timedelta(days=self.step.days)
        return self.step.business.today(sent_at) < day


def wanted(now: datetime) -> Iterator[Wanted]:
    """
    What `remind` is to be called for, business by business. Nothing is written.

    Of the steps that an invoice has come to, the latest: so an outage ends with one
    mail, not with one for each step that it hid.
    """
    steps = ReminderStep.objects.filter(is_active=True).order_by("business", "days")
    plans: dict[Business, list[ReminderStep]] = {}
    for step in steps.select_related("business"):
        plans.setdefault(step.business, []).append(step)
    for business, plan in plans.items():
        if now.astimezone(ZoneInfo(business.time_zone)).hour < FROM_HOUR:
            continue
        today = business.today(now)
        for step, following in zip_longest(plan, plan[1:]):
            for invoice in _at(step, following, today).iterator():
                yield Wanted(invoice, step)


def _at(
    step: ReminderStep, following: ReminderStep | None, today: date
) -> QuerySet[Invoice]:
    """Invoices that have come to a step and not to the following one."""
    until = today - timedelta(days=step.days)
    since = until - LATEST
    if following:
        since = max(since, today - timedelta(days=following.days))
    if step.days < 0:
        # What is said before the due date makes no sense after it.
        since = max(since, today - timedelta(days=1))
    taken = Reminder.objects.filter(
        invoice=OuterRef("pk"), due_date=OuterRef("due_date"), days=step.days
    )
    return (
        Invoice.objects.filter(
            ~Exists(taken),
            business=step.business_id,
            status=InvoiceStatus.OPEN,
            due_date__gt=since,
            due_date__lte=until,
            sent_at__isnull=False,
        )
        .only("number", "business_id", "due_date", "sent_at")
        .order_by("pk")
    )


@transaction.atomic
def remind(*, wanted: Wanted, now: datetime) -> bool:
    """
    Take a step of the plan for an invoice: mail it, and pass over earlier ones that
    were not taken. At most once for each step and due date; whoever comes second does
    nothing, nor is anything done if the debt is gone meanwhile.

    A step whose day had come when the invoice was sent is passed over as well: the
    customer has that mail.

    :returns: whether a mail goes out
    :raises TooMuchMail: if the business sent as many in a day as it may
    """
    invoice, step = lock_invoice(wanted.invoice.pk), wanted.step
    if invoice.due_date != wanted.invoice.due_date or not _is_owed(invoice):
        return False
    assert invoice.due_date is not None  # noqa: S101 - for mypy: open ones have one
    known = Reminder.objects.filter(invoice=invoice, due_date=invoice.due_date)
    taken = set(known.values_list("days", flat=True))
    if step.days in taken:
        return False
    plan = ReminderStep.objects.filter(
        business=invoice.business_id, is_active=True, days__lt=step.days
    )
    over = [earlier for earlier in plan.order_by("days") if earlier.days not in taken]
    Reminder.objects.bulk_create(
        _taken(invoice, earlier, None, now) for earlier in over
    )
    delivery = _mail(invoice, None, now) if Wanted(invoice, step).is_mailed else None
    _taken(invoice, step, delivery, now).save()
    return delivery is not None


def _is_owed(invoice: Invoice) -> bool:
    return (
        invoice.status == InvoiceStatus.OPEN
        and invoice.sent_at is not None
        and selectors.amounts(invoice).due > 0
        and not _is_disputed(invoice)
    )


def _is_disputed(invoice: Invoice) -> bool:
    """Whoever disputes a part of it is not asked for the rest before that is decided."""
    answers = signals.disputes_asked.send(sender=Invoice, invoice=invoice)
    return any(answer for _, answer in answers)


def _taken(
    invoice: Invoice, step: ReminderStep, delivery: Delivery | None, now: datetime
) -> Reminder:
    assert invoice.due_date is not None  # noqa: S101 - for mypy: see `_is_owed`
    return Reminder(
        invoice=invoice,
        step=step,
        days=step.days,
        due_date=invoice.due_date,
        delivery=delivery,
        created_at=now,
    )


@transaction.atomic
def remind_now(*, invoice: Invoice, actor: User | None, now: datetime) -> Delivery:
    """
    Remind the customer at once, whatever the plan says; its steps are taken all the
    same. Again reminds again, and each opens the link anew.

    :raises NothingDue: if the invoice is not open, or nothing is due on it
    :raises Disputed: while a payer's bank disputes what was paid of it
    :raises TooMuchMail: if the business sent as many in a day as it may
    """
    invoice = lock_invoice(invoice.pk)
    if invoice.status != InvoiceStatus.OPEN or not selectors.amounts(invoice).due:
        raise NothingDue(
            f"This invoice is {invoice.get_status_display().lower()}, and a customer is "
            "reminded of what is open and due."
        )
    if _is_disputed(invoice):
        raise Disputed(
            "A payment of this invoice is disputed at the customer's bank. Nobody is "
            "reminded until that is decided."
        )
    return _mail(invoice, actor, now)


def _mail(invoice: Invoice, actor: User | None, now: datetime) -> Delivery:
    # Whoever is asked for money finds the page on which to pay it.
    renew_link(invoice, now)
    invoice.save(update_fields=["link_expires_at", "updated_at"])
    delivery = delivering.queue(
        kind=Delivery.Kind.REMINDER,
        subject=invoice,
        to=delivering.recipients(invoice.customer, Delivery.Kind.REMINDER),
        now=now,
    )
    record_event(
        type="invoice.reminded",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
        data={"to": ", ".join(delivery.to), "due_date": str(invoice.due_date)},
    )
    return delivery
