import pytest

from accounts.roles import Role
from tests.api import speaking_as
from tests.factories import BusinessFactory, MembershipFactory

pytestmark = pytest.mark.django_db


def ids(answer):
    return [row["id"] for row in answer.json()["results"]]


def test_members_are_listed(api, business, owner):
    member = MembershipFactory(business=business, role=Role.AUTHOR)
    MembershipFactory()

    answer = api.get("/api/v1/members/").json()["results"]

    assert [row["user"]["email"] for row in answer] == [member.user.email, owner.email]
    assert answer[0]["business"] == str(business.public_id)


def test_members_are_found_by_role_and_business(api, business, owner):
    member = MembershipFactory(business=business, role=Role.AUTHOR)
    elsewhere = MembershipFactory(user=owner, business=BusinessFactory())

    authors = api.get("/api/v1/members/", {"role": "author"})
    other = api.get("/api/v1/members/", {"business": str(elsewhere.business.public_id)})
    unknown = api.get("/api/v1/members/", {"role": "king"})

    assert ids(authors) == [str(member.public_id)]
    assert ids(other) == [str(elsewhere.public_id)]
    assert unknown.status_code == 400


def test_an_owner_changes_a_role(api, business):
    member = MembershipFactory(business=business, role=Role.VIEWER)
    path = f"/api/v1/members/{member.public_id}/"

    answer = api.patch(path, {"role": "accountant"})
    unchanged = api.patch(path, {})
    wrong = api.patch(path, {"role": "king"})

    member.refresh_from_db()
    assert (answer.status_code, answer.json()["role"]) == (200, "accountant")
    assert (unchanged.status_code, wrong.status_code) == (200, 400)
    assert member.role == Role.ACCOUNTANT


def test_the_last_owner_keeps_the_role(api, business):
    member = business.memberships.get()
    path = f"/api/v1/members/{member.public_id}/"

    changed, removed = api.patch(path, {"role": "viewer"}), api.delete(path)

    assert (changed.status_code, changed.json()["code"]) == (409, "last_owner")
    assert (removed.status_code, removed.json()["code"]) == (409, "last_owner")
    assert business.memberships.count() == 1


def test_an_owner_removes_a_member(api, business):
    member = MembershipFactory(business=business, role=Role.VIEWER)

    answer = api.delete(f"/api/v1/members/{member.public_id}/")

    assert (answer.status_code, business.memberships.count()) == (204, 1)


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.AUTHOR, Role.VIEWER])
def test_a_member_changes_nobody_and_may_leave(business, role):
    member = MembershipFactory(business=business, role=role)
    other = MembershipFactory(business=business, role=Role.VIEWER)
    api = speaking_as(member.user)
    own_path, path = (f"/api/v1/members/{one.public_id}/" for one in (member, other))

    assert api.patch(own_path, {"role": "owner"}).status_code == 403
    assert api.delete(path).status_code == 403
    assert api.delete(own_path).status_code == 204
    assert api.get(path).status_code == 404


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_member_of_another_business_is_not_found(api, method):
    other = MembershipFactory()

    answer = getattr(api, method)(f"/api/v1/members/{other.public_id}/", {})

    assert answer.status_code == 404
