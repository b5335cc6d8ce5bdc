import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.exceptions import InvalidInput, LastOwner
from accounts.models import Event, Membership
from accounts.roles import Role
from accounts.services import members, profile, tokens
from tests.at_once import at_once
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_update_profile_changes_what_it_is_given(now):
    user = UserFactory(username="jo", full_name="Jo")

    profile.update_profile(
        user=user, now=now, fields={"full_name": "Jo Bloggs", "username": "jo"}
    )

    user.refresh_from_db()
    assert (user.full_name, user.username) == ("Jo Bloggs", "jo")
    event = Event.objects.about("user", user.public_id).get()
    assert (event.type, event.data) == ("user.updated", {"fields": ["full_name"]})


@pytest.mark.parametrize("fields", [{"username": "me"}, {"gender": "yes"}])
def test_update_profile_refuses_what_is_wrong(now, fields):
    user = UserFactory(username="jo")

    with pytest.raises(ValidationError) as refused:
        profile.update_profile(user=user, now=now, fields=fields)

    user.refresh_from_db()
    assert set(refused.value.message_dict) == set(fields)
    assert (user.username, Event.objects.count()) == ("jo", 0)


def test_a_user_name_that_is_taken_is_refused(now):
    UserFactory(username="kim")
    user = UserFactory(username="jo")

    with pytest.raises(InvalidInput, match="taken"):
        profile.update_profile(user=user, now=now, fields={"username": "KIM"})

    user.refresh_from_db()
    assert (user.username, Event.objects.count()) == ("jo", 0)


def test_nobody_makes_themselves_staff(now):
    with pytest.raises(TypeError, match="is_staff"):
        profile.update_profile(user=UserFactory(), now=now, fields={"is_staff": True})


def test_whoever_closes_their_account_leaves_every_business(now):
    member = MembershipFactory(role=Role.ACCOUNTANT)
    MembershipFactory(business=member.business, role=Role.OWNER)
    user = member.user
    tokens.create_token(user=user, name="laptop", now=now)

    profile.close_account(user=user, actor=user, now=now)

    user.refresh_from_db()
    assert user.is_active is False
    assert (user.memberships.count(), user.auth_token_set.count()) == (0, 0)
    types = Event.objects.order_by("pk").values_list("type", flat=True)
    assert list(types) == ["token.created", "member.left", "user.closed"]


def test_a_business_of_ones_own_keeps_its_owner(now):
    member = MembershipFactory(role=Role.OWNER)

    profile.close_account(user=member.user, actor=member.user, now=now)

    assert list(member.business.memberships.all()) == [member]


def test_who_was_removed_meanwhile_has_left_already(now):
    stale = MembershipFactory()
    MembershipFactory(business=stale.business, role=Role.OWNER)
    Membership.objects.filter(pk=stale.pk).delete()

    members.let_go(membership=stale, actor=stale.user, now=now)

    assert not Event.objects.exists()


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_nobody_joins_a_business_whose_only_owner_goes_at_once(now):
    """Whoever comes second meets what the first did: nobody is left without an owner."""
    member = MembershipFactory(role=Role.OWNER)
    user = UserFactory(email="jo@example.com", proven=True)
    token = members.invite_member(
        business=member.business,
        email="jo@example.com",
        role=Role.VIEWER,
        actor=member.user,
        now=now,
    ).token
    is_joining, has_asked = threading.Event(), threading.Event()

    def join():
        with transaction.atomic():
            members.accept_invitation(token=token, user=user, now=now)
            is_joining.set()
            # Until the other one has looked who else is there, or waits to.
            has_asked.wait(0.3)

    def close():
        is_joining.wait()
        try:
            profile.close_account(user=member.user, actor=member.user, now=now)
        except LastOwner:
            return "refused"
        return "closed"

    assert at_once([join, close]) == [None, "refused"]
    assert list(member.business.memberships.owners()) == [member]


def test_the_last_owner_among_others_cannot_close_the_account(now):
    member = MembershipFactory(role=Role.OWNER)
    MembershipFactory(business=member.business, role=Role.VIEWER)

    with pytest.raises(LastOwner):
        profile.close_account(user=member.user, actor=member.user, now=now)

    member.user.refresh_from_db()
    assert (member.user.is_active, Event.objects.count()) == (True, 0)
