"""Numbers, reminder steps, mail, and what a customer owes."""

from datetime import date
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from invoices.models import CreditNote, Delivery, ReminderStep, Series
from invoices.services import receiving
from tests.factories import BusinessFactory, MembershipFactory
from tests.rows import ROWS, frozen

pytestmark = pytest.mark.django_db


def address(row: Any, view: str) -> str:
    return reverse(f"admin:invoices_{row._meta.model_name}_{view}", args=[row.pk])


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


@pytest.fixture
def series(business) -> Series:
    frozen(business)
    return Series.objects.get(business=business, kind="invoice")


@pytest.fixture
def looking(client: Client, business) -> Client:
    client.force_login(MembershipFactory(business=business, role=Role.VIEWER).user)
    return client


def test_the_next_number_is_raised_and_never_lowered(desk, series):
    url = address(series, "raise_next")

    response = desk.post(url, {"next_value": "1001"}, follow=True)
    lower = desk.post(url, {"next_value": "1000"})

    assert said(response) == ["The next number is INV-01001."]
    assert "never lowered" in lower.context["form"].non_field_errors()[0]
    assert frozen(series.business).number == "INV-01001"


def test_viewers_do_not_raise_numbers(looking, series):
    response = looking.post(address(series, "raise_next"), {"next_value": "1001"})

    assert response.status_code == 403
    assert series.counters.get().next_value == 2


def test_numbers_are_counted_by_other_rules(desk, series):
    form = {"prefix": "R", "pattern": "{prefix}{year}-{seq:04}", "resets_yearly": "on"}

    desk.post(address(series, "change"), form)

    series.refresh_from_db()
    assert (series.prefix, series.resets_yearly) == ("R", True)


def test_a_pattern_that_makes_no_sense_is_refused_at_its_field(desk, series):
    form = {"prefix": "R", "pattern": "{prefix}{seq}", "resets_yearly": "on"}

    response = desk.post(address(series, "change"), form)

    assert list(response.context["adminform"].form.errors) == ["pattern"]
    series.refresh_from_db()
    assert series.prefix == "INV-"


def test_a_step_of_reminding_is_written_changed_and_deleted(desk, business):
    desk.post(
        reverse("admin:invoices_reminderstep_add"), {"days": 3, "is_active": "on"}
    )
    step = ReminderStep.objects.get()
    assert (step.business, step.days, step.is_active) == (business, 3, True)

    desk.post(address(step, "change"), {"days": 5, "message": "Please."})
    step.refresh_from_db()
    assert (step.days, step.message, step.is_active) == (5, "Please.", False)

    desk.post(address(step, "delete"), {"post": "yes"})
    assert not ReminderStep.objects.exists()


def test_a_day_has_one_step(desk, business):
    ReminderStep.objects.create(business=business, days=3)

    response = desk.post(reverse("admin:invoices_reminderstep_add"), {"days": 3})

    errors = response.context["adminform"].form.errors
    assert "There is a step for that day." in str(errors)
    assert ReminderStep.objects.count() == 1


def test_a_credit_note_is_sent_and_downloaded(desk, business, run_tasks):
    note = ROWS["invoices.creditnote"](business)
    run_tasks()

    response = desk.post(address(note, "send"), follow=True)
    run_tasks()
    document = desk.get(address(note, "download"))

    assert said(response) == [f"{note.number} goes to {note.customer.email}."]
    assert [message.to for message in mail.outbox] == [[note.customer.email]]
    assert document["Content-Type"] == "application/pdf"
    assert note.number in document["Content-Disposition"]


def test_viewers_download_a_credit_note_and_do_not_send_it(looking, business):
    note = ROWS["invoices.creditnote"](business)

    page = looking.get(address(note, "change"))

    assert [each["title"] for each in page.context["actions_detail"]] == [
        "Download PDF"
    ]
    assert looking.post(address(note, "send")).status_code == 403
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("button", ["send", "download"])
def test_credit_notes_of_others_are_not_found(desk, button):
    note = ROWS["invoices.creditnote"](BusinessFactory())

    assert desk.post(address(note, button)).status_code == 404
    assert CreditNote.objects.count() == 1


def overpaid(business) -> Any:
    invoice = frozen(business)
    now = timezone.now()
    day = business.today(now)
    receiving.record_payment(
        invoice=invoice,
        fields={"amount": 12900, "method": "cash", "received_on": day},
        actor=None,
        now=now,
    )
    return invoice


def test_a_customer_is_shown_with_invoices_and_balance(desk, business):
    invoice = overpaid(business)
    other = frozen(business, invoice__customer=invoice.customer)

    context = desk.get(address(invoice.customer, "change")).context

    assert context["balances"] == ["€10.00"]
    assert [(each["text"], each["due"]) for each in context["newest"]] == [
        (other.number, "€119.00"),
        (invoice.number, ""),
    ]


def test_a_statement_is_shown_for_a_period(desk, business):
    invoice = overpaid(business)
    period = {"currency": "EUR", "start": "2000-01-01", "end": "2099-12-31"}

    response = desk.get(address(invoice.customer, "statement"), period)

    statement = response.context["statement"]
    charged, *_ = statement["rows"]
    assert (charged.charge, charged.payment) == ("€119.00", "")
    assert statement["closing"] == "-€10.00"
    assert invoice.number in response.content.decode()


def test_a_period_ends_after_it_begins(desk, business):
    invoice = frozen(business)
    period = {"currency": "EUR", "start": date(2026, 3, 2), "end": date(2026, 3, 1)}

    response = desk.get(address(invoice.customer, "statement"), period)

    assert list(response.context["form"].errors) == ["end"]
    assert response.context["statement"] is None


def test_a_period_is_within_the_calendar(desk, business):
    invoice = frozen(business)
    period = {"currency": "EUR", "start": "0001-01-01", "end": "9999-12-31"}

    response = desk.get(address(invoice.customer, "statement"), period)

    assert list(response.context["form"].errors) == ["start", "end"]
    assert response.context["statement"] is None


def test_a_statement_is_mailed(desk, looking, business, owner, run_tasks):
    customer = frozen(business).customer
    period = {"currency": "EUR", "start": "2026-01-01", "end": "2026-12-31"}
    url = address(customer, "send_statement")
    assert looking.post(url, period).status_code == 403

    looking.force_login(owner)
    response = desk.post(url, period, follow=True)
    run_tasks()

    assert said(response) == [f"A statement goes to {customer.email}."]
    assert [message.to for message in mail.outbox] == [[customer.email]]
