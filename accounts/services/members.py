"""Inviting people into a business, giving them roles, letting them go."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.tasks import task

from accounts import emails, selectors
from accounts.exceptions import (
    AlreadyMember,
    InvalidInvitation,
    LastOwner,
    NotAMember,
    TooManyInvitations,
)
from accounts.models import Business, Event, Invitation, Membership, User
from accounts.roles import PERMISSIONS, Permission, Role
from accounts.services.events import record_event

INVITATION_LIFETIME: Final = timedelta(days=7)
# Anyone may sign up, and an invitation is mail to anyone.
INVITATIONS_A_DAY: Final = 50


@transaction.atomic
def invite_member(
    *, business: Business, email: str, role: Role, actor: User, now: datetime
) -> Invitation:
    """
    Mail an offer to join. It replaces an earlier one to the same address.

    :raises AlreadyMember: if the address is a member's
    :raises TooManyInvitations: if the business, or the actor for whichever business,
        sent `INVITATIONS_A_DAY` today
    """
    business = _lock(business)
    if business.memberships.filter(user__email=email).exists():
        raise AlreadyMember(f"{email} is a member already.")
    _check_not_too_many(business, actor, now)
    business.invitations.filter(email=email, accepted_at=None).delete()
    invitation = Invitation(
        business=business,
        email=email,
        role=role,
        token=secrets.token_urlsafe(32),
        invited_by=actor,
        expires_at=now + INVITATION_LIFETIME,
    )
    invitation.full_clean()
    invitation.save()
    record_event(
        type="member.invited",
        subject=invitation,
        business=business,
        actor=actor,
        now=now,
        data={"email": invitation.email, "role": role},
    )
    _mail_invitation.enqueue(invitation_id=invitation.pk)
    return invitation


def _check_not_too_many(business: Business, actor: User, now: datetime) -> None:
    # By actor too: businesses are made as easily as invitations.
    sent = Event.objects.filter(
        Q(business=business) | Q(actor=actor),
        type="member.invited",
        occurred_at__gt=now - timedelta(days=1),
    )
    if sent.count() >= INVITATIONS_A_DAY:
        raise TooManyInvitations(
            f"No more than {INVITATIONS_A_DAY} invitations are sent a day. "
            "Try again tomorrow."
        )


@task
def _mail_invitation(invitation_id: int) -> None:
    """Mail an invitation to a business."""
    # Withdrawn or replaced before the worker came to it, there is nothing to send.
    for invitation in Invitation.objects.select_related(
        "business", "invited_by"
    ).filter(pk=invitation_id):
        emails.invitation_sent(invitation)


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, actor: User, now: datetime) -> None:
    """:raises InvalidInvitation: if it was accepted, or is gone already"""
    _lock(invitation.business)
    if not Invitation.objects.filter(pk=invitation.pk, accepted_at=None).exists():
        raise InvalidInvitation("This invitation was accepted or withdrawn already.")
    _withdraw(invitation, actor, now)


def _withdraw_all_of(membership: Membership, actor: User, now: datetime) -> None:
    """Whoever may invite nobody any more comes back by no invitation of their own."""
    sent = membership.business.invitations.open(now).filter(invited_by=membership.user)
    for invitation in sent.select_related("business").order_by("pk"):
        _withdraw(invitation, actor, now)


def _withdraw(invitation: Invitation, actor: User, now: datetime) -> None:
    record_event(
        type="member.uninvited",
        subject=invitation,
        business=invitation.business,
        actor=actor,
        now=now,
        data={"email": invitation.email},
    )
    invitation.delete()


@transaction.atomic
def accept_invitation(*, token: str, user: User, now: datetime) -> Membership:
    """
    Join the business that invited one of the user's verified addresses.

    :raises InvalidInvitation: if it is unknown, expired, used or for another address
    :raises AlreadyMember: if the user is in the business already
    """
    invitation = selectors.open_invitation(token, now)
    if not selectors.owns_address(user, invitation.email):
        raise InvalidInvitation(
            f"This invitation is for {invitation.email}. Sign in with that address."
        )
    return join_business(invitation=invitation, user=user, now=now)


@transaction.atomic
def join_business(*, invitation: Invitation, user: User, now: datetime) -> Membership:
    """
    Use an invitation up. The caller knows that it is the user's.

    :raises InvalidInvitation: if it was used or withdrawn meanwhile
    :raises AlreadyMember: if the user is in the business already
    """
    business = _lock(invitation.business)
    # Read again under the lock: two clicks are one membership.
    invitation = selectors.open_invitation(invitation.token, now)
    if business.memberships.filter(user=user).exists():
        raise AlreadyMember(f"You are a member of {business.name} already.")
    membership = Membership.objects.create(
        business=business, user=user, role=invitation.role
    )
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    record_event(
        type="member.joined",
        subject=membership,
        business=business,
        actor=user,
        now=now,
        data={"user": user.username, "role": invitation.role},
    )
    return membership


@transaction.atomic
def change_role(
    *, membership: Membership, role: Role, actor: User, now: datetime
) -> Membership:
    """
    Give a member another role. Who may invite nobody with it has their own invitations
    withdrawn.

    :raises LastOwner: if nobody would be left to manage the business
    :raises NotAMember: if somebody removed the member meanwhile
    """
    business = _lock(membership.business)
    membership = _fresh(membership)
    if membership.role == role:
        return membership
    _check_not_last_owner(membership)
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    if Permission.MANAGE_BUSINESS not in PERMISSIONS[role]:
        _withdraw_all_of(membership, actor, now)
    record_event(
        type="member.role_changed",
        subject=membership,
        business=business,
        actor=actor,
        now=now,
        data={"user": membership.user.username, "from": before, "to": role},
    )
    return membership


@transaction.atomic
def remove_member(*, membership: Membership, actor: User, now: datetime) -> None:
    """
    Take a member out of a business; members may also leave by themselves. Invitations
    that they sent, and nobody took, are withdrawn.

    :raises LastOwner: if nobody would be left to manage the business
    :raises NotAMember: if somebody removed the member meanwhile
    """
    business = _lock(membership.business)
    membership = _fresh(membership)
    _check_not_last_owner(membership)
    _withdraw_all_of(membership, actor, now)
    record_event(
        type="member.left" if membership.user == actor else "member.removed",
        subject=membership,
        business=business,
        actor=actor,
        now=now,
        data={"user": membership.user.username, "role": membership.role},
    )
    membership.delete()


@transaction.atomic
def let_go(*, membership: Membership, actor: User, now: datetime) -> None:
    """
    As `remove_member`, out of a business that has other members. One of theirs alone
    keeps its owner; whoever is gone already is gone.

    :raises LastOwner: if nobody would be left to manage the business
    """
    # Nobody joins, or leaves, between this look and what follows from it.
    rows = _lock(membership.business).memberships
    if (
        rows.filter(pk=membership.pk).exists()
        and rows.exclude(pk=membership.pk).exists()
    ):
        remove_member(membership=membership, actor=actor, now=now)


def _lock(business: Business) -> Business:
    # Whoever changes the members of a business waits here, so that two owners who leave
    # at once do not both believe that the other stays.
    return Business.objects.select_for_update().get(pk=business.pk)


def _fresh(membership: Membership) -> Membership:
    current = Membership.objects.select_related("user", "business")
    try:
        return current.get(pk=membership.pk)
    except Membership.DoesNotExist:
        raise NotAMember("This person is no longer a member.") from None


def _check_not_last_owner(membership: Membership) -> None:
    owners = membership.business.memberships.owners()
    if membership.role == Role.OWNER and not owners.exclude(pk=membership.pk).exists():
        raise LastOwner(
            f"{membership.user.full_name} is the last owner; make somebody else an "
            "owner first."
        )
