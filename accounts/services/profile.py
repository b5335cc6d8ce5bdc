"""What people change about themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts.exceptions import InvalidInput
from accounts.models import Membership, User
from accounts.services import members
from accounts.services.editions import begin_edition
from accounts.services.events import record_event
from accounts.services.writing import set_fields

FIELDS: Final = frozenset({"username", "full_name", "gender"})


@transaction.atomic
def update_profile(*, user: User, now: datetime, fields: Mapping[str, Any]) -> User:
    """
    :param fields: any of `FIELDS`
    :raises ValidationError: naming each field that is wrong
    :raises InvalidInput: if the user name is taken
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    before = {name: getattr(user, name) for name in fields}
    set_fields(user, fields, FIELDS)
    # Whether the name is free, the row itself says.
    user.full_clean(validate_unique=False)
    try:
        with transaction.atomic():
            user.save(update_fields=[*fields, "updated_at"])
    except IntegrityError:
        raise InvalidInput("This user name is taken; choose another.") from None
    changed = [name for name in fields if getattr(user, name) != before[name]]
    record_event(
        type="user.updated",
        subject=user,
        business=None,
        actor=user,
        now=now,
        data={"fields": sorted(changed)},
    )
    if {"username", "full_name"} & set(changed):
        begin_edition()
    return user


@transaction.atomic
def close_account(*, user: User, actor: User, now: datetime) -> User:
    """
    Let a person go: nobody signs in as them again, and their tokens hold no more.

    They leave every business that has other members. A business of theirs alone keeps
    them as its owner, and what it issued stays as it is.

    :raises LastOwner: if others would be left in a business that nobody could manage
    """
    own = Membership.objects.filter(user=user).select_related("business")
    # One order of locking for everyone who leaves several.
    for membership in own.order_by("business_id"):
        members.let_go(membership=membership, actor=actor, now=now)
    user = User.objects.select_for_update().get(pk=user.pk)
    user.auth_token_set.all().delete()
    user.is_active = False
    user.save(update_fields=["is_active", "updated_at"])
    record_event(type="user.closed", subject=user, business=None, actor=actor, now=now)
    return user
