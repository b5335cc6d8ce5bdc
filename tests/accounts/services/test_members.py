from datetime import timedelta
from functools import partial

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.exceptions import ValidationError

from accounts.exceptions import (
    AlreadyMember,
    InvalidInvitation,
    LastOwner,
    NotAMember,
    TooManyInvitations,
)
from accounts.models import Event, Invitation, Membership, User
from accounts.roles import Role
from accounts.services import members, profile
from tests.at_once import at_once
from tests.factories import BusinessFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def invite(business, owner, now):
    def invite(email="jo@example.com", role=Role.VIEWER, at=now):
        return members.invite_member(
            business=business, email=email, role=role, actor=owner, now=at
        )

    return invite


def test_an_invitation_is_mailed(invite, owner, business, run_tasks, settings):
    settings.SITE_URL = "https://pay.example"

    invitation = invite("Jo@Example.com", Role.ACCOUNTANT)

    run_tasks()
    (message,) = mail.outbox
    link = f"https://pay.example/accounts/invitations/{invitation.token}/"
    assert message.to == ["jo@example.com"]
    assert message.subject == f"{owner.full_name} invites you to {business.name}"
    assert link in message.body
    assert link in message.alternatives[0].content


def test_an_invitation_is_an_event_without_its_token(invite, owner, business):
    invitation = invite()

    event = Event.objects.about("invitation", invitation.public_id).get()
    assert (event.type, event.actor, event.business) == (
        "member.invited",
        owner,
        business,
    )
    assert event.data == {"email": "jo@example.com", "role": "viewer"}


def test_inviting_again_replaces_the_invitation(invite, now, run_tasks):
    first = invite()
    latest = invite(role=Role.AUTHOR)

    run_tasks()
    assert list(Invitation.objects.all()) == [latest]
    assert len(mail.outbox) == 1
    with pytest.raises(InvalidInvitation, match="no such invitation"):
        members.accept_invitation(
            token=first.token,
            user=UserFactory(email="jo@example.com", proven=True),
            now=now,
        )


def test_a_member_is_not_invited(invite, business):
    MembershipFactory(business=business, user__email="jo@example.com")

    with pytest.raises(AlreadyMember):
        invite("JO@example.com")

    assert Invitation.objects.count() == 0


@pytest.mark.parametrize("email", ["nobody", "a@b", ""])
def test_what_is_no_address_is_not_invited(invite, email):
    with pytest.raises(ValidationError) as refused:
        invite(email)

    assert list(refused.value.message_dict) == ["email"]


def test_a_business_invites_so_many_a_day(invite, now, monkeypatch):
    monkeypatch.setattr(members, "INVITATIONS_A_DAY", 2)
    invite("a@example.com")
    invite("b@example.com")

    with pytest.raises(TooManyInvitations):
        invite("b@example.com")
    invite("c@example.com", at=now + timedelta(days=1))

    assert Invitation.objects.count() == 3


def test_a_person_invites_so_many_a_day_whatever_the_business(
    invite, owner, now, monkeypatch
):
    monkeypatch.setattr(members, "INVITATIONS_A_DAY", 1)
    invite()
    second = MembershipFactory(user=owner, role=Role.OWNER).business

    with pytest.raises(TooManyInvitations):
        members.invite_member(
            business=second,
            email="jo@example.com",
            role=Role.VIEWER,
            actor=owner,
            now=now,
        )

    assert not second.invitations.exists()


def test_another_business_may_invite_the_same_person(invite, now):
    invite()
    other = MembershipFactory(role=Role.OWNER)

    members.invite_member(
        business=other.business,
        email="jo@example.com",
        role=Role.VIEWER,
        actor=other.user,
        now=now,
    )

    assert Invitation.objects.count() == 2


def test_a_withdrawn_invitation_is_gone(invite, owner, now, run_tasks):
    invitation = invite()

    members.withdraw_invitation(invitation=invitation, actor=owner, now=now)

    run_tasks()
    assert (Invitation.objects.count(), mail.outbox) == (0, [])
    assert Event.objects.order_by("-pk").first().type == "member.uninvited"


def test_an_invitation_is_withdrawn_once(invite, owner, now):
    invitation = invite()
    again = Invitation.objects.get(pk=invitation.pk)
    members.withdraw_invitation(invitation=invitation, actor=owner, now=now)

    with pytest.raises(InvalidInvitation):
        members.withdraw_invitation(invitation=again, actor=owner, now=now)

    assert Event.objects.filter(type="member.uninvited").count() == 1


def test_what_was_accepted_cannot_be_withdrawn(invite, owner, now):
    invitation = invite()
    user = UserFactory(email="jo@example.com", proven=True)
    members.accept_invitation(token=invitation.token, user=user, now=now)

    with pytest.raises(InvalidInvitation):
        members.withdraw_invitation(invitation=invitation, actor=owner, now=now)

    assert user.memberships.count() == 1


def test_accepting_makes_a_member(invite, business, now):
    invitation = invite(role=Role.ACCOUNTANT)
    user = UserFactory(email="jo@example.com", proven=True)

    membership = members.accept_invitation(token=invitation.token, user=user, now=now)

    invitation.refresh_from_db()
    assert (membership.business, membership.user) == (business, user)
    assert (membership.role, invitation.accepted_at) == (Role.ACCOUNTANT, now)
    event = Event.objects.about("membership", membership.public_id).get()
    assert (event.type, event.actor) == ("member.joined", user)


def test_an_invitation_is_used_once(invite, now):
    invitation = invite()
    user = UserFactory(email="jo@example.com", proven=True)
    members.accept_invitation(token=invitation.token, user=user, now=now)

    with pytest.raises(InvalidInvitation, match="used already"):
        members.accept_invitation(token=invitation.token, user=user, now=now)

    assert user.memberships.count() == 1


def test_an_expired_invitation_is_refused(invite, now):
    invitation = invite()
    user = UserFactory(email="jo@example.com", proven=True)

    with pytest.raises(InvalidInvitation, match="expired"):
        members.accept_invitation(
            token=invitation.token,
            user=user,
            now=now + members.INVITATION_LIFETIME,
        )

    assert user.memberships.count() == 0


def test_an_unknown_invitation_is_refused(invite, now):
    token = invite().token

    with pytest.raises(InvalidInvitation, match="no such invitation"):
        members.accept_invitation(
            token=token.swapcase(),
            user=UserFactory(email="jo@example.com", proven=True),
            now=now,
        )


@pytest.mark.parametrize("verified", [True, False])
def test_an_invitation_is_for_one_address(invite, now, verified):
    invitation = invite("jo@example.com")
    email = "kim@example.com" if verified else "jo@example.com"
    user = UserFactory(email=email)
    EmailAddress.objects.create(user=user, email=email, verified=verified)

    with pytest.raises(InvalidInvitation, match=r"for jo@example\.com"):
        members.accept_invitation(token=invitation.token, user=user, now=now)

    assert user.memberships.count() == 0


def test_a_second_verified_address_counts(invite, now):
    invitation = invite("jo@example.com")
    user = UserFactory(email="kim@example.com", proven=True)
    EmailAddress.objects.create(user=user, email="jo@example.com", verified=True)

    members.accept_invitation(token=invitation.token, user=user, now=now)

    assert user.memberships.count() == 1


def test_a_member_cannot_join_again(invite, business, now):
    invitation = invite("jo@example.com")
    member = MembershipFactory(
        business=business, user=UserFactory(email="jo@example.com", proven=True)
    )

    with pytest.raises(AlreadyMember):
        members.accept_invitation(token=invitation.token, user=member.user, now=now)

    assert business.memberships.filter(user=member.user).count() == 1


def test_a_role_changes(business, owner, now):
    member = MembershipFactory(business=business, role=Role.VIEWER)

    members.change_role(membership=member, role=Role.OWNER, actor=owner, now=now)

    member.refresh_from_db()
    event = Event.objects.get()
    assert member.role == Role.OWNER
    assert (event.type, event.data) == (
        "member.role_changed",
        {"user": member.user.username, "from": "viewer", "to": "owner"},
    )


def test_the_same_role_is_no_event(business, owner, now):
    membership = business.memberships.get()

    members.change_role(membership=membership, role=Role.OWNER, actor=owner, now=now)

    assert Event.objects.count() == 0


@pytest.mark.parametrize("gone", [False, True])
def test_the_last_owner_stays_owner(business, owner, now, gone):
    if gone:
        MembershipFactory(business=business, role=Role.OWNER, user__is_active=False)
    MembershipFactory(business=business, role=Role.ACCOUNTANT)
    membership = business.memberships.get(user=owner)

    with pytest.raises(LastOwner):
        members.change_role(
            membership=membership, role=Role.VIEWER, actor=owner, now=now
        )
    with pytest.raises(LastOwner):
        members.remove_member(membership=membership, actor=owner, now=now)

    membership.refresh_from_db()
    assert (membership.role, Event.objects.count()) == (Role.OWNER, 0)


@pytest.mark.parametrize(
    ("by_themselves", "type_"), [(True, "member.left"), (False, "member.removed")]
)
def test_a_member_goes(business, owner, now, by_themselves, type_):
    member = MembershipFactory(business=business, role=Role.OWNER)
    actor = member.user if by_themselves else owner

    members.remove_member(membership=member, actor=actor, now=now)

    assert list(business.memberships.values_list("user", flat=True)) == [owner.pk]
    assert Event.objects.get().type == type_


def test_whoever_is_gone_cannot_be_changed(business, owner, now):
    member = MembershipFactory(business=business)
    stale = Membership.objects.get(pk=member.pk)
    members.remove_member(membership=member, actor=owner, now=now)

    with pytest.raises(NotAMember):
        members.remove_member(membership=stale, actor=owner, now=now)
    with pytest.raises(NotAMember):
        members.change_role(membership=stale, role=Role.OWNER, actor=owner, now=now)

    assert Event.objects.count() == 1


@pytest.mark.parametrize("how", ["removed", "demoted", "gone"])
def test_no_owner_comes_back_by_an_invitation_of_their_own(
    business, owner, invite, now, how
):
    former = MembershipFactory(business=business, role=Role.OWNER)
    kept = invite("kim@example.com")
    token = members.invite_member(
        business=business,
        email="jo@example.com",
        role=Role.OWNER,
        actor=former.user,
        now=now,
    ).token
    if how == "removed":
        members.remove_member(membership=former, actor=owner, now=now)
    elif how == "demoted":
        members.change_role(membership=former, role=Role.VIEWER, actor=owner, now=now)
    else:
        profile.close_account(user=former.user, actor=former.user, now=now)

    with pytest.raises(InvalidInvitation, match="may have been withdrawn"):
        members.accept_invitation(
            token=token, user=UserFactory(email="jo@example.com", proven=True), now=now
        )
    assert list(business.invitations.all()) == [kept]
    event = Event.objects.get(type="member.uninvited")
    assert event.data == {"email": "jo@example.com"}


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_at_once_leave_one(now):
    business = BusinessFactory()
    both = MembershipFactory.create_batch(2, business=business, role=Role.OWNER)
    refused = []

    def leave(membership):
        try:
            members.remove_member(membership=membership, actor=membership.user, now=now)
        except LastOwner:
            refused.append(membership)

    at_once([partial(leave, membership) for membership in both])

    assert list(business.memberships.all()) == refused
    assert len(refused) == 1


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_two_clicks_on_an_invitation_make_one_member(now):
    owner = MembershipFactory(role=Role.OWNER)
    token = members.invite_member(
        business=owner.business,
        email="jo@example.com",
        role=Role.VIEWER,
        actor=owner.user,
        now=now,
    ).token
    user = UserFactory(email="jo@example.com", proven=True)
    refused = []

    def accept():
        try:
            members.accept_invitation(
                token=token, user=User.objects.get(pk=user.pk), now=now
            )
        except InvalidInvitation as refusal:
            refused.append(refusal)

    at_once([accept] * 2)

    assert (user.memberships.count(), len(refused)) == (1, 1)
