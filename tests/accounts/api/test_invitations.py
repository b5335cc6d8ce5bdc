from datetime import timedelta

import pytest
from django.core import mail

from accounts.models import Invitation
from accounts.roles import Role
from accounts.services import members
from tests.api import in_role, speaking_as
from tests.factories import BusinessFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def ids(answer):
    return [row["id"] for row in answer.json()["results"]]


def test_somebody_is_invited(api, business, owner, run_tasks):
    answer = api.post(
        "/api/v1/invitations/",
        {
            "business": str(business.public_id),
            "email": "Jo@Example.com",
            "role": "author",
        },
    )

    invitation = Invitation.objects.get()
    assert answer.status_code == 201
    assert answer.json()["id"] == str(invitation.public_id)
    assert answer.json()["email"] == "jo@example.com"
    assert answer.json()["invited_by"] == owner.username
    run_tasks()
    assert [message.to for message in mail.outbox] == [["jo@example.com"]]


def test_nothing_but_the_mail_has_the_token(api, invitation):
    path = f"/api/v1/invitations/{invitation.public_id}/"

    for answer in (
        api.get(path),
        api.get("/api/v1/invitations/"),
        api.get("/api/v1/events/"),
    ):
        assert answer.status_code == 200
        assert str(invitation.public_id) in answer.content.decode()
        assert invitation.token not in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("business", "no-id"),
        ("business", "c0ffee00-0000-4000-8000-000000000000"),
        ("email", "nobody"),
        ("role", "king"),
    ],
)
def test_an_invitation_that_is_wrong_is_refused(api, business, field, value):
    sent = {
        "business": str(business.public_id),
        "email": "jo@example.com",
        "role": "viewer",
    }

    answer = api.post("/api/v1/invitations/", sent | {field: value})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert Invitation.objects.count() == 0


def test_nobody_invites_into_the_business_of_others(api):
    other = BusinessFactory()

    answer = api.post(
        "/api/v1/invitations/",
        {
            "business": str(other.public_id),
            "email": "jo@example.com",
            "role": "owner",
        },
    )

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["business"])


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.AUTHOR, Role.VIEWER])
def test_a_member_who_is_no_owner_invites_nobody(business, invitation, role):
    api = in_role(business, role)
    sent = {
        "business": str(business.public_id),
        "email": "kim@example.com",
        "role": "owner",
    }

    assert api.post("/api/v1/invitations/", sent).status_code == 403
    assert ids(api.get("/api/v1/invitations/")) == []
    path = f"/api/v1/invitations/{invitation.public_id}/"
    assert api.delete(path).status_code == 403
    assert list(Invitation.objects.all()) == [invitation]


def test_open_invitations_are_told_from_accepted(api, business, owner, invitation, now):
    members.join_business(invitation=invitation, user=UserFactory(), now=now)
    other = members.invite_member(
        business=business,
        email="kim@example.com",
        role=Role.VIEWER,
        actor=owner,
        now=now,
    )

    accepted = api.get("/api/v1/invitations/", {"accepted": "true"})
    still_open = api.get("/api/v1/invitations/", {"accepted": "false"})

    assert ids(accepted) == [str(invitation.public_id)]
    assert ids(still_open) == [str(other.public_id)]


def test_an_invitation_is_withdrawn(api, invitation):
    answer = api.delete(f"/api/v1/invitations/{invitation.public_id}/")

    assert (answer.status_code, Invitation.objects.count()) == (204, 0)


def test_an_invitation_of_others_is_not_found(invitation):
    stranger = speaking_as(MembershipFactory().user)

    answer = stranger.delete(f"/api/v1/invitations/{invitation.public_id}/")

    assert (answer.status_code, Invitation.objects.count()) == (404, 1)


def test_an_invitation_is_accepted(invitation, business):
    user = UserFactory(email="jo@example.com", proven=True)

    answer = speaking_as(user).post(
        "/api/v1/invitations/accept/", {"token": invitation.token}
    )

    assert (answer.status_code, answer.json()["role"]) == (201, "viewer")
    assert answer.json()["business"] == str(business.public_id)
    assert user.memberships.count() == 1


@pytest.mark.parametrize(
    ("email", "later", "token"),
    [
        ("kim@example.com", timedelta(0), None),
        ("jo@example.com", members.INVITATION_LIFETIME, None),
        ("jo@example.com", timedelta(0), "forged"),
    ],
    ids=["another address", "expired", "unknown"],
)
def test_an_invitation_that_does_not_hold_is_refused(
    invitation, time_machine, email, later, token
):
    user = UserFactory(email=email, proven=True)
    time_machine.shift(later)

    answer = speaking_as(user).post(
        "/api/v1/invitations/accept/", {"token": token or invitation.token}
    )

    assert answer.status_code == 409
    assert answer.json()["code"] == "invalid_invitation"
    assert user.memberships.count() == 0
