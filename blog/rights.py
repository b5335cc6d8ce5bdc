"""Who writes in the blog, which belongs to the site and not to a business."""

from functools import partial
from typing import Any

from django.db.models import QuerySet

from accounts.models import Business, User
from accounts.prepared import Prepared
from accounts.roles import Permission


def writes_posts(user: User) -> bool:
    """Whether they may write posts of their own, and moderate comments."""
    if user.is_staff or user.is_superuser:
        return True
    return bool(_where_they_write(user=user.pk))


def edits_every_post(user: User) -> bool:
    """Whether they own a business that publishes here, or run the site."""
    return user.is_superuser or bool(_what_they_own(user=user.pk))


def _businesses(user: User, permission: Permission) -> QuerySet[Any, Any]:
    granting = Business.objects.for_user(user, permission).filter(publishes=True)
    return granting.values_list("pk")


# Asked at every request of a person to the blog's API.
_where_they_write = Prepared(
    partial(_businesses, permission=Permission.WRITE_POSTS), "user"
)
_what_they_own = Prepared(
    partial(_businesses, permission=Permission.MANAGE_BUSINESS), "user"
)
