"""Answers about people and businesses that span models."""

from datetime import datetime

from allauth.account.models import EmailAddress

from accounts.exceptions import InvalidInvitation
from accounts.models import Business, Invitation, User
from accounts.roles import Permission


def may(user: User, permission: Permission, business: Business) -> bool:
    return Business.objects.for_user(user, permission).filter(pk=business.pk).exists()


def open_invitation(token: str, now: datetime) -> Invitation:
    """:raises InvalidInvitation: if it is unknown, used or expired"""
    invitation = (
        Invitation.objects.select_related("business", "invited_by")
        .filter(token=token)
        .first()
    )
    if invitation is None:
        raise InvalidInvitation(
            "There is no such invitation. It may have been withdrawn or replaced by a "
            "newer one; ask whoever invited you."
        )
    if invitation.accepted_at is not None:
        raise InvalidInvitation("This invitation was used already.")
    if not invitation.is_open(now):
        raise InvalidInvitation(
            "This invitation has expired. Ask whoever invited you for another."
        )
    return invitation


def owns_address(user: User, email: str) -> bool:
    """Whether the user proved that the address is theirs."""
    proven: bool = EmailAddress.objects.filter(
        user=user, email=email.lower(), verified=True
    ).exists()
    return proven
