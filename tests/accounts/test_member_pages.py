import pytest

from accounts.models import Invitation
from accounts.roles import Role
from accounts.services import members
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_members_are_listed_with_what_an_owner_does(signed_in, business, invitation):
    member = MembershipFactory(business=business, role=Role.VIEWER)
    stranger = MembershipFactory()

    page = signed_in.get("/accounts/members/").content.decode()

    assert member.user.email in page
    assert stranger.user.email not in page
    assert f"/accounts/member/{member.public_id}/remove/" in page
    assert "jo@example.com" in page


def test_members_ask_as_often_for_many(signed_in, business, django_assert_num_queries):
    def queries():
        with django_assert_num_queries(9, exact=False) as asked:
            signed_in.get("/accounts/members/")
        return len(asked)

    signed_in.get("/accounts/members/")
    before = queries()
    MembershipFactory.create_batch(3, business=business)

    assert queries() == before


def test_somebody_is_invited(signed_in, business, owner):
    answer = signed_in.post(
        f"/accounts/members/{business.public_id}/invite/",
        {"email": "Jo@Example.com", "role": "author"},
    )

    invitation = Invitation.objects.get()
    assert answer.url == f"/accounts/members/{business.public_id}/"
    assert (invitation.email, invitation.role, invitation.invited_by) == (
        "jo@example.com",
        Role.AUTHOR,
        owner,
    )


@pytest.mark.parametrize(
    ("email", "role"), [("nobody", "viewer"), ("jo@example.com", "king")]
)
def test_an_invitation_that_is_wrong_comes_back(signed_in, business, email, role):
    page = signed_in.post(
        f"/accounts/members/{business.public_id}/invite/",
        {"email": email, "role": role},
    )

    assert page.status_code == 400
    assert Invitation.objects.count() == 0


def test_a_member_is_not_invited(signed_in, business, owner):
    page = signed_in.post(
        f"/accounts/members/{business.public_id}/invite/",
        {"email": owner.email, "role": "viewer"},
    )

    assert page.status_code == 400
    assert page.context["form"].errors["email"] == [
        f"{owner.email} is a member already."
    ]


def test_an_invitation_is_withdrawn(signed_in, invitation, business):
    path = f"/accounts/invitations/{invitation.public_id}/withdraw/"

    answer = signed_in.post(path)

    assert answer.url == f"/accounts/members/{business.public_id}/"
    assert Invitation.objects.count() == 0


def test_an_accepted_invitation_is_not_withdrawn(signed_in, invitation, now):
    members.join_business(invitation=invitation, user=UserFactory(), now=now)

    page = signed_in.post(f"/accounts/invitations/{invitation.public_id}/withdraw/")

    assert page.status_code == 409
    assert "accepted or withdrawn already" in page.content.decode()


def test_a_role_is_changed(signed_in, business):
    member = MembershipFactory(business=business, role=Role.VIEWER)

    answer = signed_in.post(
        f"/accounts/member/{member.public_id}/role/", {"role": "accountant"}
    )

    member.refresh_from_db()
    assert answer.url == f"/accounts/members/{business.public_id}/"
    assert member.role == Role.ACCOUNTANT


@pytest.mark.parametrize(
    ("role", "sentence"), [("king", "no such role"), ("viewer", "last owner")]
)
def test_a_role_that_cannot_be_is_refused(signed_in, business, role, sentence):
    member = business.memberships.get()

    page = signed_in.post(f"/accounts/member/{member.public_id}/role/", {"role": role})

    member.refresh_from_db()
    assert (page.status_code, member.role) == (409, Role.OWNER)
    assert sentence in page.content.decode()


def test_a_member_is_removed(signed_in, business, owner):
    member = MembershipFactory(business=business, role=Role.VIEWER)

    answer = signed_in.post(f"/accounts/member/{member.public_id}/remove/")

    assert answer.url == f"/accounts/members/{business.public_id}/"
    assert [m.user for m in business.memberships.all()] == [owner]


def test_a_member_leaves(client, business, owner):
    member = MembershipFactory(business=business, role=Role.VIEWER)
    client.force_login(member.user)

    answer = client.post(f"/accounts/member/{member.public_id}/remove/")

    assert answer.url == "/accounts/"
    assert [m.user for m in business.memberships.all()] == [owner]


def test_the_last_owner_does_not_leave(signed_in, business):
    member = business.memberships.get()

    page = signed_in.post(f"/accounts/member/{member.public_id}/remove/")

    assert page.status_code == 409
    assert "last owner" in page.content.decode()
    assert business.memberships.count() == 1


def test_an_invitation_is_shown_to_whoever_has_the_link(client, invitation):
    page = client.get(f"/accounts/invitations/{invitation.token}/")

    text = page.content.decode()
    assert page.status_code == 200
    assert invitation.business.name in text
    assert "/accounts/signup/?email=jo%40example.com" in text
    assert "no-store" in page.headers["Cache-Control"]


def test_looking_at_an_invitation_joins_nothing(client, invitation):
    user = UserFactory(email="jo@example.com", proven=True)
    client.force_login(user)

    client.get(f"/accounts/invitations/{invitation.token}/")

    assert user.memberships.count() == 0


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_invitation_that_is_over_says_so(client, invitation, time_machine, method):
    time_machine.shift(members.INVITATION_LIFETIME)

    page = getattr(client, method)(f"/accounts/invitations/{invitation.token}/")

    assert page.status_code == 410
    assert "has expired" in page.content.decode()


def test_an_unknown_invitation_says_so(client):
    page = client.get("/accounts/invitations/forged/")

    assert page.status_code == 410
    assert "no such invitation" in page.content.decode()


def test_an_invitation_for_somebody_else_says_so(client, invitation):
    client.force_login(UserFactory(email="kim@example.com"))

    page = client.post(f"/accounts/invitations/{invitation.token}/")

    assert page.status_code == 410
    assert "is for jo@example.com" in page.content.decode()


def test_a_member_is_told_that_they_are_in_already(client, invitation, business):
    user = UserFactory(email="jo@example.com", proven=True)
    MembershipFactory(business=business, user=user)
    client.force_login(user)

    page = client.post(f"/accounts/invitations/{invitation.token}/")

    assert page.status_code == 409
    assert "already" in page.content.decode()
