"""What a view may rely on: whose a request is, and what that person may do."""

from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from accounts.models import Business, BusinessQuerySet, Membership, User
from accounts.roles import Permission, roles_with

# The session's key to the invitation that somebody came with, for `accounts.adapters`.
INVITATION = "invitation"


class AuthenticatedRequest(HttpRequest):
    """Of somebody signed in: pages require that unless they say otherwise."""

    user: User


def own_memberships(request: HttpRequest) -> list[Membership]:
    """Those of the signed-in person with their businesses, read once per request."""
    known = vars(request)
    if "own_memberships" not in known:
        memberships = Membership.objects.filter(user=person(request).pk)
        known["own_memberships"] = list(
            memberships.select_related("business").order_by("pk")
        )
    rows: list[Membership] = known["own_memberships"]
    return rows


def person(request: HttpRequest) -> User:
    """Who is signed in, where nobody else gets through."""
    return cast("User", request.user)


def is_operator(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser


def may(
    request: HttpRequest, permission: Permission, business_id: int | None = None
) -> bool:
    """Whether the person may do this in that business, or in any if none is given."""
    return is_operator(request) or any(
        business_id in {None, business.pk}
        for business in _granting(request, permission)
    )


def businesses_for(request: HttpRequest, permission: Permission) -> BusinessQuerySet:
    if is_operator(request):
        return Business.objects.all()
    granting = _granting(request, permission)
    return Business.objects.filter(pk__in=[business.pk for business in granting])


def _granting(request: HttpRequest, permission: Permission) -> list[Business]:
    # What `Business.objects.for_user` answers, without a query each time.
    return [
        membership.business
        for membership in own_memberships(request)
        if membership.role in roles_with(permission)
        and (permission != Permission.WRITE_POSTS or membership.business.publishes)
    ]


def own_zone(request: HttpRequest) -> ZoneInfo:
    """The time zone of the person's first business; UTC for operators without one."""
    zones = [row.business.time_zone for row in own_memberships(request)]
    return ZoneInfo(zones[0] if zones else "UTC")


def today(request: HttpRequest, now: datetime) -> date:
    return now.astimezone(own_zone(request)).date()
