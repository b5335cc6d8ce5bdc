"""Who speaks to the API."""

from rest_framework.test import APIClient

from accounts.models import Business, User
from accounts.roles import Role
from tests.factories import MembershipFactory


def speaking_as(user: User | None) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    if user:
        # Without this header, or a session, a request is nobody's from the start.
        client.credentials(HTTP_AUTHORIZATION="Token of-this-test")
    return client


def in_role(business: Business, role: Role) -> APIClient:
    return speaking_as(MembershipFactory(business=business, role=role).user)
