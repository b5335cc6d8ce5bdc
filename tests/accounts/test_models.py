from datetime import UTC, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import (
    ApiToken,
    Event,
    Invitation,
    Membership,
    User,
    check_currency,
)
from accounts.roles import Role
from tests.factories import BusinessFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_superuser_may_enter_the_back_office():
    user = User.objects.create_superuser(
        email="Root@Example.com", password="s", username="root", full_name="Root"
    )

    assert (user.is_staff, user.is_superuser) == (True, True)
    assert user.check_password("s")


def test_a_person_is_called_by_name():
    user = UserFactory(full_name="Jo Bloggs", email="jo@example.com")
    nameless = UserFactory(full_name="", username="kim")

    assert (user.get_full_name(), user.get_short_name()) == ("Jo Bloggs", "Jo")
    assert nameless.get_short_name() == "kim"
    assert str(user) == "jo@example.com"


@pytest.mark.parametrize("username", ["me", "Me", "a b", "a/b", ""])
def test_a_user_name_that_addresses_cannot_carry_is_refused(username):
    with pytest.raises(ValidationError) as refused:
        UserFactory.build(username=username).full_clean()

    assert list(refused.value.message_dict) == ["username"]


def test_people_are_listed_once_they_proved_their_address():
    proven, unproven, gone = UserFactory.create_batch(3)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for user, verified in [(proven, True), (unproven, False), (gone, True)]:
        EmailAddress.objects.create(
            user=user, email=user.email, primary=True, verified=verified
        )
    UserFactory()

    assert list(User.objects.listed()) == [proven]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("time_zone", "Mars/Olympus", "“Mars/Olympus” is no time zone"),
        ("time_zone", "../etc/passwd", "is no time zone"),
        ("time_zone", "Europe", "“Europe” is no time zone"),
        ("currency", "XXQ", "“XXQ” is no currency"),
        ("currency", "eur", "“eur” is no currency"),
        ("country", "de", "two letters of ISO 3166"),
        ("payment_terms_days", 366, "less than or equal to 365"),
        ("tax_rounding", "never", "not a valid choice"),
    ],
)
def test_a_business_refuses(field, value, sentence):
    with pytest.raises(ValidationError) as refused:
        BusinessFactory.build(**{field: value}).full_clean()

    (message,) = refused.value.message_dict[field]
    assert sentence in message


def test_today_is_the_day_in_the_time_zone_of_the_business():
    business = BusinessFactory.build(time_zone="Pacific/Auckland")

    today = business.today(datetime(2026, 3, 1, 23, 0, tzinfo=UTC))

    assert today.isoformat() == "2026-03-02"


def test_nobody_is_a_member_twice():
    member = MembershipFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        MembershipFactory(business=member.business, user=member.user)

    assert Membership.objects.count() == 1


def test_an_unknown_role_is_refused_by_the_database():
    with pytest.raises(IntegrityError), transaction.atomic():
        MembershipFactory(role="king")

    assert Membership.objects.count() == 0


def test_an_invitation_with_an_unknown_role_is_refused_by_the_database(now):
    member = MembershipFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.create(
            business=member.business,
            invited_by=member.user,
            email="jo@example.com",
            role="king",
            token="t",
            expires_at=now,
        )


def test_an_invitation_is_open_until_it_expires(now):
    member = MembershipFactory()
    invitation = Invitation.objects.create(
        business=member.business,
        invited_by=member.user,
        email="jo@example.com",
        role=Role.VIEWER,
        token="t",
        expires_at=now,
    )
    before = now - timedelta(seconds=1)

    assert (invitation.is_open(before), invitation.is_open(now)) == (True, False)
    assert list(Invitation.objects.open(before)) == [invitation]
    assert list(Invitation.objects.open(now)) == []


def test_owners_are_those_who_can_still_sign_in():
    owner = MembershipFactory(role=Role.OWNER)
    MembershipFactory(business=owner.business, role=Role.VIEWER)
    MembershipFactory(business=owner.business, role=Role.OWNER, user__is_active=False)

    assert list(owner.business.memberships.owners()) == [owner]


def test_events_are_found_by_what_they_are_about(now):
    business = BusinessFactory()
    event, _ = (
        Event.objects.create(
            type="thing.happened",
            subject_type="thing",
            subject_id=number,
            business=business,
            occurred_at=now,
        )
        for number in ("7", "8")
    )

    assert list(Event.objects.about("thing", 7)) == [event]


def test_rows_say_what_they_are():
    member = MembershipFactory(business__name="Studio")
    invitation = Invitation(email="jo@example.com", role=Role.VIEWER)
    token = ApiToken(token_key="pmi_1", name="laptop")
    event = Event(type="invoice.sent", subject_id="7")

    assert str(member.business) == "Studio"
    assert str(member) == f"owner {member.user_id} of {member.business_id}"
    assert str(invitation) == "jo@example.com as viewer"
    assert str(token) == "pmi_1… laptop"
    assert str(event) == "invoice.sent 7"


def test_check_currency_refuses_what_is_none():
    check_currency("EUR")

    with pytest.raises(ValidationError, match="is no currency") as refused:
        check_currency("XYZ")
    assert refused.value.code == "unknown_currency"
