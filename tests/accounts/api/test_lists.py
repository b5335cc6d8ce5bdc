import pytest

from accounts.models import User
from accounts.roles import Role
from accounts.services import members, tokens
from tests.factories import BusinessFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["users", "businesses", "members", "invitations", "tokens", "events"]
)
def test_whoever_is_nobody_reads_nothing(anyone, path):
    answer = anyone.get(f"/api/v1/{path}/")

    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.parametrize(
    "path", ["users", "businesses", "members", "invitations", "tokens", "events"]
)
def test_a_list_asks_as_often_for_many_rows(
    api, business, owner, invitation, now, path, django_assert_num_queries
):
    def add():
        UserFactory(proven=True)
        MembershipFactory(user=owner, business=BusinessFactory())
        MembershipFactory(business=business, role=Role.VIEWER)
        tokens.create_token(user=owner, name="more", now=now)
        email = f"{User.objects.count()}@example.org"
        members.invite_member(
            business=business, email=email, role=Role.VIEWER, actor=owner, now=now
        )

    def queries():
        with django_assert_num_queries(9, exact=False) as asked:
            assert api.get(f"/api/v1/{path}/").json()["results"]
        return len(asked)

    add()
    before = queries()
    add()
    add()

    assert queries() == before
