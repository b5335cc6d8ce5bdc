"""Whose clock pages go by, and what a list says where nothing happened yet."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from accounts import emails
from accounts.models import ApiToken, Invitation
from accounts.roles import Role
from accounts.services import members
from accounts.services.tokens import create_token
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    MembershipFactory,
    UserFactory,
)
from tests.rows import frozen, paid_in, payment

pytestmark = pytest.mark.django_db

# The next day in Tokyo.
EVENING = datetime(2026, 2, 28, 20, 0, tzinfo=UTC)


def page(name: str, view: str, *args: object) -> str:
    return reverse(f"admin:{name.replace('.', '_')}_{view}", args=args)


@pytest.mark.parametrize(
    ("zone", "moment", "abbreviation"),
    [
        ("Asia/Tokyo", "1 Mar 2026, 05:00", "JST"),
        ("America/New_York", "28 Feb 2026, 15:00", "EST"),
    ],
)
def test_times_are_told_by_the_clock_of_ones_business(
    client, zone, moment, abbreviation
):
    business = BusinessFactory(time_zone=zone)
    entry = paid_in(frozen(business), at=EVENING)
    client.force_login(MembershipFactory(business=business).user)

    ledger = client.get(page("invoices.ledgerentry", "changelist")).text
    invoice = client.get(page("invoices.invoice", "change", entry.invoice.pk)).text

    assert moment in ledger
    assert f" {abbreviation}</time>" in invoice
    assert " UTC<" not in invoice


def test_the_clock_of_a_business_is_put_away_after_each_page(client):
    business = BusinessFactory(time_zone="Asia/Tokyo")
    client.force_login(MembershipFactory(business=business).user)

    found = client.get(page("invoices.invoice", "changelist"))
    assert (found.status_code, timezone.get_current_timezone_name()) == (200, "UTC")
    missing = client.get(page("invoices.invoice", "change", 0))
    assert (missing.status_code, timezone.get_current_timezone_name()) == (404, "UTC")


def test_an_operator_without_a_business_is_told_utc(client, business):
    paid_in(frozen(business), at=EVENING)
    client.force_login(UserFactory(is_superuser=True, is_staff=True))

    listed = client.get(page("invoices.ledgerentry", "changelist"))

    assert "28 Feb 2026, 20:00" in listed.text


def test_days_of_ones_account_are_those_of_ones_business(client):
    business = BusinessFactory(time_zone="Asia/Tokyo")
    member = MembershipFactory(business=business, role=Role.OWNER).user
    client.force_login(member)
    now = timezone.now()
    invitation = members.invite_member(
        business=business,
        email="jo@example.com",
        role=Role.VIEWER,
        actor=member,
        now=now,
    )
    create_token(user=member, name="Laptop", now=now)
    evening = now.replace(hour=20, minute=0) + timedelta(days=5)
    Invitation.objects.update(expires_at=evening)
    ApiToken.objects.update(expiry=evening)
    invitation.refresh_from_db()

    emails.invitation_sent(invitation)

    next_day = date_format(evening + timedelta(days=1), "j F Y")
    assert f"until {next_day[:-5]}<" in client.get("/accounts/members/").text
    assert f">{next_day}<" in client.get("/accounts/tokens/").text
    assert f"by {next_day}:" in mail.outbox[-1].body
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize(
    ("days", "count"),
    [
        ({"received_at_from": "2026-03-01", "received_at_to": "2026-03-01"}, 1),
        ({"received_at_to": "2026-02-28"}, 0),
        ({"received_at_from": "2026-03-02"}, 0),
        ({"received_at_from": "0001-01-01", "received_at_to": "9999-12-31"}, 1),
        ({"received_at_from": "yesterday"}, 1),
    ],
)
def test_days_begin_when_they_do_in_ones_business(client, days, count):
    business = BusinessFactory(time_zone="Asia/Tokyo")
    payment(business, received_at=EVENING)
    client.force_login(MembershipFactory(business=business).user)

    listed = client.get(page("billing.payment", "changelist"), days)

    assert listed.context["cl"].result_count == count


def test_an_empty_list_says_whether_there_is_nothing_or_nothing_fits(desk, business):
    customers = page("invoices.customer", "changelist")

    assert "This is the place for customers." in desk.get(customers).text
    CustomerFactory(business=business)
    assert "Nothing here fits" in desk.get(customers, {"q": "no such thing"}).text
