import pytest

from accounts.roles import Role
from blog.rights import edits_every_post, writes_posts
from tests.factories import BusinessFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("role", "publishes", "writes", "edits"),
    [
        (Role.OWNER, True, True, True),
        (Role.AUTHOR, True, True, False),
        (Role.ACCOUNTANT, True, False, False),
        (Role.VIEWER, True, False, False),
        (Role.OWNER, False, False, False),
        (Role.AUTHOR, False, False, False),
    ],
)
def test_roles_in_a_business_decide_who_writes(role, publishes, writes, edits):
    business = BusinessFactory(publishes=publishes)
    user = MembershipFactory(business=business, role=role).user

    assert (writes_posts(user), edits_every_post(user)) == (writes, edits)


def test_staff_write_and_superusers_edit_without_a_business():
    staff = UserFactory(is_staff=True)
    superuser = UserFactory(is_superuser=True)

    assert (writes_posts(staff), edits_every_post(staff)) == (True, False)
    assert (writes_posts(superuser), edits_every_post(superuser)) == (True, True)


def test_a_reader_writes_and_edits_nothing():
    reader = UserFactory()

    assert (writes_posts(reader), edits_every_post(reader)) == (False, False)
