"""Who is reminded when. The invoice is due on 15 March, and sent on the first."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.core import mail

from accounts.models import Event
from invoices.exceptions import NothingDue, TooMuchMail
from invoices.models import Contact, Delivery, Invoice, Reminder, ReminderStep
from invoices.services import (
    correcting,
    crediting,
    extending,
    finalizing,
    reminding,
    sending,
)
from invoices.services.reminding import Wanted
from tests.at_once import at_once
from tests.factories import InvoiceFactory, InvoiceLineFactory, UserFactory
from tests.rows import paid_in

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
DUE = date(2026, 3, 15)


def noon(days):
    """So many days from the due date."""
    return datetime(2026, 3, 15, 12, tzinfo=UTC) + timedelta(days=days)


def issued(due_date=DUE, sent_at=NOW, **fields):
    draft = InvoiceFactory(due_date=due_date, **fields)
    InvoiceLineFactory(invoice=draft)
    invoice = finalizing.finalize_invoice(invoice=draft, actor=None, now=NOW)
    Invoice.objects.filter(pk=invoice.pk).update(sent_at=sent_at)
    return invoice


@pytest.fixture
def invoice():
    return issued()


@pytest.fixture
def plan(invoice):
    days = (-3, 0, 3, 10)
    return {day: step(invoice.business, day) for day in days}


def step(business, days, **fields):
    return ReminderStep.objects.create(business=business, days=days, **fields)


def run(now):
    """The days of the steps that were mailed."""
    rows = list(reminding.wanted(now))
    return [row.step.days for row in rows if reminding.remind(wanted=row, now=now)]


def taken():
    rows = Reminder.objects.order_by("due_date", "days")
    return [(row.due_date.day, row.days, row.delivery is not None) for row in rows]


def test_customer_is_reminded_before_on_and_after_the_due_date(plan, run_tasks):
    mailed = {days: run(noon(days)) for days in range(-14, 30)}

    assert {day: steps for day, steps in mailed.items() if steps} == {
        -3: [-3],
        0: [0],
        3: [3],
        10: [10],
    }
    run_tasks()
    assert len(mail.outbox) == 4
    assert Delivery.objects.filter(kind="reminder", status="sent").count() == 4


def test_each_step_is_taken_once_however_often_it_is_run(plan):
    assert [run(noon(3)) for _ in range(3)] == [[3], [], []]
    assert Event.objects.filter(type="invoice.reminded").count() == 1


def test_outage_ends_with_one_mail_for_the_latest_step(plan):
    assert run(noon(12)) == [10]

    assert taken() == [(15, -3, False), (15, 0, False), (15, 3, False), (15, 10, True)]
    assert run(noon(13)) == []


def test_step_that_was_added_late_is_passed_over_behind_a_later_one(plan, invoice):
    run(noon(10))
    step(invoice.business, 7)

    assert run(noon(11)) == []


def test_step_before_the_due_date_is_not_taken_after_it(invoice):
    step(invoice.business, -3)

    assert run(noon(1)) == []
    assert run(noon(0)) == [-3]


def test_new_plan_is_not_for_old_debts(invoice):
    step(invoice.business, 3)

    assert run(noon(3 + 31)) == []
    assert run(noon(3 + 30)) == [3]


def test_step_whose_day_had_come_when_the_invoice_was_sent_is_passed_over(plan):
    Invoice.objects.update(sent_at=noon(3))

    assert run(noon(4)) == []
    assert taken()[-1] == (15, 3, False)
    assert run(noon(10)) == [10]


def test_invoice_that_was_never_sent_is_not_reminded_of(plan):
    (row,) = reminding.wanted(noon(3))
    Invoice.objects.update(sent_at=None)

    assert list(reminding.wanted(noon(3))) == []
    assert not reminding.remind(wanted=row, now=noon(3))


def test_business_without_active_steps_reminds_nobody(plan):
    ReminderStep.objects.update(is_active=False)

    assert run(noon(3)) == []


def test_plan_of_one_business_is_not_for_another(plan):
    issued()

    assert run(noon(3)) == [3]


def pay(invoice):
    paid_in(invoice, 11900)


def void(invoice):
    correcting.void_invoice(invoice=invoice, actor=None, now=NOW)


def give_up(invoice):
    correcting.give_up_invoice(invoice=invoice, actor=None, now=NOW)


def credit(invoice):
    crediting.issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Returned",
        split=crediting.Split(),
        actor=None,
        now=NOW,
    )


@pytest.mark.parametrize("end", [pay, void, give_up, credit])
def test_reminding_stops_when_nothing_is_to_be_paid(plan, invoice, end):
    run(noon(0))
    end(invoice)

    assert run(noon(3)) == []


@pytest.mark.parametrize("end", [pay, void, give_up, credit])
def test_whoever_was_about_to_remind_sees_that_it_ended(plan, invoice, end):
    (row,) = reminding.wanted(noon(3))
    end(invoice)

    assert not reminding.remind(wanted=row, now=noon(3))
    assert taken() == []


def test_reminding_begins_anew_when_the_due_date_moves(plan, invoice):
    run(noon(3))
    (row,) = reminding.wanted(noon(10))
    extending.extend_invoice(
        invoice=invoice, due_date=date(2026, 3, 30), actor=None, now=noon(5)
    )

    assert not reminding.remind(wanted=row, now=noon(10))
    mailed = {days: run(noon(days)) for days in range(5, 30)}
    assert {day: steps for day, steps in mailed.items() if steps} == {
        12: [-3],
        15: [0],
        18: [3],
        25: [10],
    }


@pytest.mark.parametrize(
    ("due_date", "before", "after"),
    [
        # The clocks of New York go forward on 8 March and back on 1 November.
        (date(2026, 3, 7), "2026-03-07T10:59", "2026-03-07T11:00"),
        (date(2026, 3, 8), "2026-03-08T09:59", "2026-03-08T10:00"),
        (date(2026, 10, 31), "2026-10-31T09:59", "2026-10-31T10:00"),
        (date(2026, 11, 1), "2026-11-01T10:59", "2026-11-01T11:00"),
    ],
)
def test_day_begins_at_six_where_the_business_is(due_date, before, after):
    invoice = issued(due_date, business__time_zone="America/New_York")
    step(invoice.business, 0)

    moments = [datetime.fromisoformat(f"{at}+00:00") for at in (before, after)]
    assert [run(at) for at in moments] == [[], [0]]


def test_day_is_that_of_the_business():
    invoice = issued(business__time_zone="Pacific/Auckland")
    step(invoice.business, 0)

    # The 15th has begun there, and it is seven.
    assert run(datetime(2026, 3, 14, 18, tzinfo=UTC)) == [0]


def test_contacts_who_get_reminders_get_them(plan, invoice):
    for name, gets in (("ann", True), ("bob", False)):
        Contact.objects.create(
            customer=invoice.customer,
            name=name,
            email=f"{name}@example.com",
            gets_invoices=not gets,
            gets_reminders=gets,
        )
    run(noon(3))

    assert Delivery.objects.get().to == [invoice.customer.email, "ann@example.com"]


def test_mail_says_the_business_own_words(invoice, run_tasks):
    step(invoice.business, 3, message="Dear customer,\nthe rent.")
    run(noon(3))
    run_tasks()

    (message,) = mail.outbox
    assert "Dear customer,\nthe rent." in message.body
    assert "was due on" not in message.body


def test_too_much_mail_leaves_the_step_to_be_taken(plan, settings):
    settings.MAIL_PER_BUSINESS_A_DAY = 0
    (row,) = reminding.wanted(noon(3))

    with pytest.raises(TooMuchMail):
        reminding.remind(wanted=row, now=noon(3))

    assert taken() == []
    settings.MAIL_PER_BUSINESS_A_DAY = 1
    assert run(noon(4)) == [3]


def test_what_is_wanted_asks_as_often_for_many(plan, django_assert_num_queries):
    business = ReminderStep.objects.first().business
    for _ in range(3):
        issued(business=business)

    # One for the plans, one for each step.
    with django_assert_num_queries(5):
        assert len(list(reminding.wanted(noon(3)))) == 4


def test_remind_now_reminds_at_once_and_leaves_the_plan_alone(plan, invoice, run_tasks):
    actor = UserFactory()

    reminding.remind_now(invoice=invoice, actor=actor, now=NOW)
    run_tasks()

    assert len(mail.outbox) == 1
    event = Event.objects.get(type="invoice.reminded")
    assert (event.actor, event.data["to"]) == (actor, invoice.customer.email)
    assert run(noon(3)) == [3]


def test_whoever_is_reminded_finds_the_link_open(invoice):
    step(invoice.business, 60)
    assert not invoice.link_is_open(noon(60))

    assert run(noon(60)) == [60]
    invoice.refresh_from_db()
    assert invoice.link_expires_at == noon(60 + 30)

    reminding.remind_now(invoice=invoice, actor=None, now=noon(100))
    invoice.refresh_from_db()
    assert invoice.link_expires_at == noon(100 + 30)


@pytest.mark.parametrize("end", [pay, void, give_up, credit])
def test_remind_now_refuses_what_is_not_due(invoice, end):
    end(invoice)

    with pytest.raises(NothingDue, match="reminded of what is open and due"):
        reminding.remind_now(invoice=invoice, actor=None, now=NOW)
    with pytest.raises(NothingDue):
        reminding.remind_now(invoice=InvoiceFactory(), actor=None, now=NOW)
    assert not Delivery.objects.exists()


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_eight_runs_at_once_remind_once(plan, invoice, run_tasks):
    results = at_once([partial(run, noon(12))] * 8)

    assert sorted(results) == [*[[]] * 7, [10]]
    assert [days for _, days, _ in taken()] == [-3, 0, 3, 10]
    run_tasks()
    assert len(mail.outbox) == 1


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_reminding_and_sending_at_once_do_not_deadlock(plan, invoice):
    wanted = Wanted(Invoice.objects.get(), plan[3])
    jobs = [
        partial(reminding.remind, wanted=wanted, now=noon(3)),
        partial(sending.send_invoice, invoice=invoice, actor=None, now=NOW),
    ]

    at_once(jobs * 4)

    kinds = Delivery.objects.values_list("kind", flat=True)
    assert sorted(kinds) == [*["invoice"] * 4, "reminder"]
