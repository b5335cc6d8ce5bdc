from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from accounts.roles import Role
from billing.models import Dispute
from invoices.money import format_money
from tests.factories import BusinessFactory, MembershipFactory
from tests.rows import AT, ROWS, payment

pytestmark = pytest.mark.django_db
FRONT = reverse("admin:index")


def alerts(client) -> list[str]:
    return [alert.words for alert in client.get(FRONT).context.get("alerts", [])]


def test_a_dispute_to_answer_is_said_first_by_its_day(desk, business):
    late, soon, open_end = (ROWS["billing.dispute"](business) for _ in range(3))
    decided = ROWS["billing.dispute"](business)
    rows = Dispute.objects
    rows.filter(pk=late.pk).update(due_by=AT + timedelta(days=9))
    rows.filter(pk=open_end.pk).update(due_by=None)
    rows.filter(pk=decided.pk).update(status="won")
    ROWS["billing.dispute"](BusinessFactory())
    payment(business, status="held", problem="amount")
    payment(business)

    page = desk.get(FRONT)

    first, second, third, held = page.context["alerts"]
    day = f"{AT.astimezone(ZoneInfo(business.time_zone)):%-d %b %Y, %H:%M %Z}"
    amount = format_money(1000, "EUR")
    assert first.words == (
        f"{amount} of {soon.payment.invoice} is disputed: it needs your answer by {day}."
    )
    assert first.link == reverse("admin:billing_dispute_change", args=[soon.pk])
    assert second.link.endswith(f"/{late.pk}/change/")
    assert third.words == f"{amount} of {open_end.payment.invoice} is disputed."
    assert held.words == "1 payment that fits no invoice waits for your decision."
    assert first.words in page.content.decode()


def test_several_held_payments_are_counted(desk, business):
    for _ in range(2):
        payment(business, status="held", problem="currency")

    assert alerts(desk) == ["2 payments that fit no invoice wait for your decision."]


def test_authors_and_strangers_are_alarmed_by_nothing(client, business):
    ROWS["billing.dispute"](business)
    for member in (
        MembershipFactory(business=business, role=Role.AUTHOR),
        MembershipFactory(business=BusinessFactory(), role=Role.OWNER),
    ):
        client.force_login(member.user)
        assert alerts(client) == []
