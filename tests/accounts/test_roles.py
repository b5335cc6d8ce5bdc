"""The table of roles, spelled out once more: who may do what, on one page."""

import pytest

from accounts import selectors
from accounts.models import Business, Event, Invitation, Membership
from accounts.roles import PERMISSIONS, Permission, Role, roles_with
from tests.factories import BusinessFactory, MembershipFactory, UserFactory

TABLE = {
    # role: manage the business, see the books, write the books, write posts
    Role.OWNER: (True, True, True, True),
    Role.ACCOUNTANT: (False, True, True, False),
    Role.AUTHOR: (False, False, False, True),
    Role.VIEWER: (False, True, False, False),
}


def test_every_role_is_in_the_table():
    assert set(PERMISSIONS) == set(Role) == set(TABLE)


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role)
def test_a_role_grants_what_the_table_says(role):
    member = MembershipFactory(role=role)

    granted = tuple(
        selectors.may(member.user, permission, member.business)
        for permission in Permission
    )

    assert granted == TABLE[role]


@pytest.mark.django_db
@pytest.mark.parametrize("permission", Permission)
def test_nobody_may_anything_in_a_business_they_are_no_member_of(permission):
    business = BusinessFactory()
    stranger = MembershipFactory(role=Role.OWNER).user
    superuser = UserFactory(is_staff=True, is_superuser=True)

    assert not selectors.may(stranger, permission, business)
    assert not selectors.may(superuser, permission, business)


def test_roles_with_a_permission_are_those_of_the_table():
    assert roles_with(Permission.WRITE_BOOKS) == [Role.OWNER, Role.ACCOUNTANT]


@pytest.mark.django_db
def test_only_members_of_a_business_that_publishes_write_posts():
    private = MembershipFactory(business__publishes=False, role=Role.OWNER)
    public = MembershipFactory(business__publishes=True, role=Role.AUTHOR)

    writing = Business.objects.for_user(private.user, Permission.WRITE_POSTS)
    others = Business.objects.for_user(public.user, Permission.WRITE_POSTS)

    assert (list(writing), list(others)) == ([], [public.business])


@pytest.mark.django_db
def test_a_member_sees_the_business_and_its_members_whatever_the_role():
    member = MembershipFactory(role=Role.AUTHOR)
    fellow = MembershipFactory(business=member.business)
    MembershipFactory()

    assert list(Business.objects.joined_by(member.user)) == [member.business]
    assert set(Membership.objects.for_user(member.user)) == {member, fellow}


@pytest.mark.django_db
def test_only_those_who_manage_see_invitations(now):
    owner = MembershipFactory(role=Role.OWNER)
    accountant = MembershipFactory(business=owner.business, role=Role.ACCOUNTANT)
    invitation = Invitation.objects.create(
        business=owner.business,
        email="jo@example.com",
        role=Role.VIEWER,
        token="t",
        invited_by=owner.user,
        expires_at=now,
    )

    assert list(Invitation.objects.for_user(owner.user)) == [invitation]
    assert list(Invitation.objects.for_user(accountant.user)) == []


@pytest.mark.django_db
def test_events_are_seen_by_those_who_see_the_books(now):
    viewer = MembershipFactory(role=Role.VIEWER)
    author = MembershipFactory(business=viewer.business, role=Role.AUTHOR)
    event = Event.objects.create(
        type="invoice.sent",
        subject_type="invoice",
        subject_id="1",
        business=viewer.business,
        occurred_at=now,
    )

    assert list(Event.objects.for_user(viewer.user)) == [event]
    assert list(Event.objects.for_user(author.user)) == []
