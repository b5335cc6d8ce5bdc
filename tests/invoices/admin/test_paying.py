from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.roles import Role
from invoices import selectors
from invoices.models import LedgerEntry, ManualPayment
from invoices.services.balances import apply_balance
from tests.factories import MembershipFactory
from tests.invoices.admin.pressing import address, pay, press, said
from tests.rows import frozen, paid_in

pytestmark = pytest.mark.django_db


def payment(**typed: Any) -> dict[str, Any]:
    return {
        "key": uuid4(),
        "method": "transfer",
        "amount": "119",
        "received_on": date(2026, 3, 1),
        "reference": "Statement 7",
    } | typed


def test_a_payment_is_offered_over_what_is_due(desk, business):
    invoice = frozen(business)
    paid_in(invoice, 1900)

    form = desk.get(address(invoice, "record_payment")).context["form"]

    assert 'value="100.00"' in str(form["amount"])
    assert form["received_on"].value() == business.today(timezone.now())


def test_a_payment_is_booked_once_however_often_one_clicks(desk, business, owner):
    invoice = frozen(business)
    typed = payment(amount="100")

    first = press(desk, invoice, "record_payment", **typed)
    press(desk, invoice, "record_payment", **typed)

    booked = ManualPayment.objects.get()
    assert said(first) == ["€100.00 is booked."]
    assert (booked.amount, booked.reference) == (10000, "Statement 7")
    assert booked.recorded_by == owner
    assert LedgerEntry.objects.get().amount == 10000
    assert selectors.amounts(invoice).due == 1900


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": "1.005"}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"method": "card"}, "method"),
        ({"received_on": date(2100, 1, 1)}, "received_on"),
    ],
)
def test_what_cannot_be_booked_is_said_at_the_field(desk, business, wrong, field):
    invoice = frozen(business)

    response = press(desk, invoice, "record_payment", **payment(**wrong))

    assert list(response.context["form"].errors) == [field]
    assert not ManualPayment.objects.exists()


def test_a_payment_is_taken_back_with_a_reason(desk, business):
    invoice = frozen(business)
    booked = pay(invoice, 11900)

    response = press(desk, booked, "take_back", reason="Bounced")

    booked.refresh_from_db()
    invoice.refresh_from_db()
    assert said(response) == ["€119.00 is taken back."]
    assert booked.reversal_reason == "Bounced"
    assert (invoice.status, selectors.amounts(invoice).due) == ("open", 11900)
    assert response.context["actions_detail"] == []


def test_of_what_bounces_after_it_has_paid_it_is_said_what_is_owed(desk, business):
    invoice = frozen(business)
    booked = pay(invoice, 12100)
    other = frozen(business, invoice__customer=invoice.customer)
    apply_balance(invoice=other, amount=150, actor=None, now=timezone.now())

    response = press(desk, booked, "take_back", reason="Bounced")

    (sentence,) = said(response)
    assert "€1.50 had paid other invoices, and is owed now" in sentence
    assert f"when {invoice.customer} pays it, record that" in sentence


def test_a_payment_is_not_taken_back_twice_nor_by_viewers(client, desk, business):
    booked = pay(frozen(business), 11900)
    press(desk, booked, "take_back", reason="Bounced")

    again = press(desk, booked, "take_back", reason="Bounced")

    assert "before" in again.context["form"].non_field_errors()[0]
    client.force_login(MembershipFactory(business=business, role=Role.VIEWER).user)
    assert press(client, booked, "take_back", reason="x").status_code == 403
    assert LedgerEntry.objects.count() == 2


def test_a_balance_pays_as_much_as_is_due(desk, business):
    invoice = frozen(business)
    pay(frozen(business, invoice__customer=invoice.customer), 12900)
    form = desk.get(address(invoice, "apply_balance")).context["form"]
    assert 'value="10.00"' in str(form["amount"])

    too_much = press(desk, invoice, "apply_balance", amount="10.01")
    response = press(desk, invoice, "apply_balance", amount="10")

    assert "€10.00" in too_much.context["form"].non_field_errors()[0]
    assert said(response) == ["€10.00 of the balance is applied."]
    assert selectors.amounts(invoice).due == 10900


def test_a_form_says_what_changed_and_keeps_what_was_typed(desk, business):
    invoice = frozen(business)
    asked = desk.get(address(invoice, "record_payment"))
    form = payment(once=asked.context["key"], said=asked.context["says"])
    pay(invoice, 11900)

    response = press(desk, invoice, "record_payment", **form)

    assert "something changed since" in response.content.decode()
    assert 'value="Statement 7"' in response.content.decode()
    assert "€0.00 is due" in response.content.decode()
    assert ManualPayment.objects.count() == 1
    form["said"] = response.context["says"]
    assert f'name="said" value="{form["said"]}"' in response.content.decode()
    assert said(press(desk, invoice, "record_payment", **form)) == [
        "€119.00 is booked."
    ]
