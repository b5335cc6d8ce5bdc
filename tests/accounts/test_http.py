from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from accounts import http
from accounts.models import Business
from accounts.roles import PERMISSIONS, Permission, Role
from tests.factories import BusinessFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def request_of(user: Any) -> HttpRequest:
    request = HttpRequest()
    request.user = user
    return request


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("publishes", [True, False])
def test_a_request_may_what_the_tables_of_the_api_say(role, permission, publishes):
    business = BusinessFactory(publishes=publishes)
    user = MembershipFactory(business=business, role=role).user
    BusinessFactory()
    request = request_of(user)

    granted = Business.objects.for_user(user, permission)

    assert set(http.businesses_for(request, permission)) == set(granted)
    assert http.may(request, permission) is granted.exists()
    assert http.may(request, permission, business.pk) is granted.exists()
    assert http.may(request, permission, business.pk + 1) is False


def test_a_role_counts_in_its_own_business_only():
    user = UserFactory()
    own = MembershipFactory(user=user, role=Role.OWNER).business
    viewed = MembershipFactory(user=user, role=Role.VIEWER).business
    request = request_of(user)

    assert http.may(request, Permission.WRITE_BOOKS, own.pk)
    assert not http.may(request, Permission.WRITE_BOOKS, viewed.pk)
    assert http.may(request, Permission.VIEW_BOOKS, viewed.pk)


@pytest.mark.parametrize("permission", Permission)
def test_operators_may_everything_everywhere(permission):
    business = BusinessFactory()
    request = request_of(UserFactory(is_superuser=True))

    assert http.may(request, permission, business.pk)
    assert list(http.businesses_for(request, permission)) == [business]


def test_an_operator_who_was_let_go_is_none():
    user = UserFactory(is_superuser=True, is_active=False)

    assert not http.is_operator(request_of(user))


def test_roles_are_read_once_for_a_request(django_assert_num_queries):
    request = request_of(MembershipFactory().user)

    with django_assert_num_queries(1):
        for permission in PERMISSIONS[Role.OWNER]:
            http.may(request, permission)
        http.own_zone(request)


def test_the_day_is_that_of_the_first_business():
    user = UserFactory()
    MembershipFactory(user=user, business__time_zone="Asia/Tokyo")
    MembershipFactory(user=user, business__time_zone="America/New_York")
    evening = datetime(2026, 2, 28, 20, 0, tzinfo=UTC)

    assert http.own_zone(request_of(user)) == ZoneInfo("Asia/Tokyo")
    assert http.today(request_of(user), evening) == date(2026, 3, 1)


def test_without_a_business_the_day_is_utc():
    evening = datetime(2026, 2, 28, 20, 0, tzinfo=UTC)

    assert http.today(request_of(UserFactory()), evening) == date(2026, 2, 28)


def test_nobody_may_nothing():
    nobody = AnonymousUser()

    assert not http.is_operator(request_of(nobody))
    assert http.own_memberships(request_of(nobody)) == []
