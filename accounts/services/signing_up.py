"""Becoming a user."""

import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.exceptions import EmailTaken, InvalidInput
from accounts.models import Invitation, User, check_not_reserved
from accounts.services import businesses, members
from accounts.services.events import record_event

_TRIES: Final = 5
# Leaves room for what makes a name unique.
_NAME_LENGTH: Final = 40


@transaction.atomic
def sign_up(
    *,
    user: User,
    now: datetime,
    business_name: str = "",
    invitation: Invitation | None = None,
) -> User:
    """
    Save a new user with a place to work: the business that invited them, or their own.

    Two sign-ups at once for one address make one user.

    :param user: unsaved, password set; gets a user name if it has none
    :param business_name: of their own business; empty means the person's name
    :param invitation: open, and sent to the user's address
    :raises EmailTaken: if there is an account with the address
    :raises InvalidInput: if the user name was chosen and is taken
    :raises InvalidInvitation: if the invitation was used meanwhile
    """
    _save(user)
    record_event(
        type="user.signed_up", subject=user, business=None, actor=user, now=now
    )
    if invitation is not None:
        members.join_business(invitation=invitation, user=user, now=now)
    else:
        name = business_name or user.full_name
        businesses.create_business(owner=user, now=now, fields={"name": name})
    return user


def _save(user: User) -> None:
    for username in [user.username] if user.username else _usernames(user.full_name):
        user.username = username
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError:
            if User.objects.filter(email=user.email).exists():
                raise EmailTaken("There is an account with this address.") from None
        else:
            return
    raise InvalidInput("This user name is taken; choose another.")


def _usernames(full_name: str) -> Iterator[str]:
    name = slugify(full_name)[:_NAME_LENGTH].strip("-") or "user"
    try:
        check_not_reserved(name)
    except ValidationError:
        name = "user"
    yield name
    for _ in range(_TRIES):
        yield f"{name}-{secrets.token_hex(3)}"
