"""Signing up, by page, as a person does it."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import Business, Invitation, User
from accounts.roles import Role
from accounts.services import members, signing_up
from tests.at_once import at_once
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

DETAILS = {
    "email": "Jo@Example.com",
    "password1": "correct horse battery",
    "full_name": "Jo Bloggs",
    "business_name": "Studio",
}


def link_in(message):
    return re.search(r"https?://\S+", message.body)[0]


def path_in(message):
    return re.sub(r"^https?://[^/]+", "", link_in(message))


@pytest.fixture
def invitation(now, time_machine):
    time_machine.move_to(now)
    owner = MembershipFactory(role=Role.OWNER, business__name="Their Ltd")
    return members.invite_member(
        business=owner.business,
        email="jo@example.com",
        role=Role.ACCOUNTANT,
        actor=owner.user,
        now=now,
    )


def test_sign_up_verify_sign_in(client, run_tasks):
    sent = client.post("/accounts/signup/", DETAILS)
    assert sent.status_code == 302
    assert sent.url == "/accounts/confirm-email/"
    assert client.get("/accounts/").status_code == 302
    run_tasks()
    (message,) = mail.outbox
    assert message.to == ["jo@example.com"]

    # On another device, where nobody is about to sign up.
    elsewhere = Client()
    assert elsewhere.get(path_in(message)).status_code == 200
    elsewhere.post(path_in(message))
    credentials = {"login": "JO@example.com", "password": DETAILS["password1"]}
    entered = elsewhere.post("/accounts/login/", credentials)

    assert entered.status_code == 302
    page = elsewhere.get("/accounts/")
    assert (page.status_code, page.context["user"].full_name) == (200, "Jo Bloggs")
    (membership,) = page.context["memberships"]
    assert (membership.role, membership.business.name) == (Role.OWNER, "Studio")


def test_the_link_in_the_mail_begins_with_the_address_of_the_site(
    client, run_tasks, settings
):
    settings.SITE_URL = "https://pay.example"
    settings.ALLOWED_HOSTS = ["*"]

    client.post("/accounts/signup/", DETAILS, headers={"host": "evil.example"})

    run_tasks()
    assert link_in(mail.outbox[0]).startswith(
        "https://pay.example/accounts/confirm-email/"
    )


def test_nobody_signs_in_before_the_address_is_proven(client, run_tasks):
    client.post("/accounts/signup/", DETAILS)

    answer = Client().post(
        "/accounts/login/",
        {"login": "jo@example.com", "password": DETAILS["password1"]},
    )

    assert answer.url == "/accounts/confirm-email/"
    assert EmailAddress.objects.get().verified is False


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": ""}, "email"),
        ({"password1": "123"}, "password1"),
        ({"full_name": ""}, "full_name"),
        ({"full_name": "x" * 151}, "full_name"),
        ({"business_name": "x" * 151}, "business_name"),
    ],
)
def test_a_sign_up_that_is_wrong_makes_nobody(client, wrong, field):
    page = client.post("/accounts/signup/", DETAILS | wrong)

    assert field in page.context["form"].errors
    assert User.objects.count() == 0


def test_an_address_that_has_an_account_is_told_by_mail_alone(client, run_tasks):
    user = UserFactory(email="jo@example.com")

    answer = client.post("/accounts/signup/", DETAILS)

    run_tasks()
    assert (answer.status_code, answer.url) == (302, "/accounts/confirm-email/")
    (message,) = mail.outbox
    assert "/accounts/password/reset/" in message.body
    assert list(User.objects.all()) == [user]


def test_a_second_click_at_once_gets_the_answer_of_the_first(client, monkeypatch):
    before = signing_up.sign_up

    def beaten(**details):
        UserFactory(email="jo@example.com")
        return before(**details)

    monkeypatch.setattr(signing_up, "sign_up", beaten)

    answer = client.post("/accounts/signup/", DETAILS)

    assert (answer.status_code, answer.url) == (302, "/accounts/confirm-email/")
    assert User.objects.count() == 1


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_many_clicks_at_once_make_one_user():
    def click():
        return Client().post("/accounts/signup/", DETAILS).status_code

    assert at_once([click] * 4) == [302] * 4
    assert (User.objects.count(), Business.objects.count()) == (1, 1)


def test_whoever_is_invited_signs_up_and_is_in(client, invitation, run_tasks):
    run_tasks()
    (message,) = mail.outbox
    page = client.get(path_in(message))
    assert page.context["invitation"] == invitation

    # The address of the mail is proven by the token that was in it.
    entered = client.post("/accounts/signup/?next=/accounts/", DETAILS)

    assert (entered.status_code, entered.url) == (302, "/accounts/")
    (membership,) = client.get("/accounts/").context["memberships"]
    assert membership.business.name == "Their Ltd"
    assert membership.role == Role.ACCOUNTANT
    assert EmailAddress.objects.get(user=membership.user).verified is True
    assert Business.objects.count() == 1


def test_signing_up_with_another_address_is_an_ordinary_sign_up(client, invitation):
    client.get(f"/accounts/invitations/{invitation.token}/")

    answer = client.post("/accounts/signup/", DETAILS | {"email": "kim@example.com"})

    invitation.refresh_from_db()
    user = User.objects.get(email="kim@example.com")
    assert answer.url == "/accounts/confirm-email/"
    assert EmailAddress.objects.get(user=user).verified is False
    assert user.memberships.get().business.name == "Studio"
    assert invitation.accepted_at is None


@pytest.mark.parametrize("this_moment", [False, True])
def test_an_invitation_withdrawn_meanwhile_is_an_ordinary_sign_up(
    client, invitation, this_moment, monkeypatch
):
    client.get(f"/accounts/invitations/{invitation.token}/")
    before = signing_up.sign_up

    def overtaken(**details):
        Invitation.objects.all().delete()
        return before(**details)

    if this_moment:
        monkeypatch.setattr(signing_up, "sign_up", overtaken)
    else:
        Invitation.objects.all().delete()

    answer = client.post("/accounts/signup/", DETAILS)

    user = User.objects.get(email="jo@example.com")
    assert answer.url == "/accounts/confirm-email/"
    assert user.memberships.get().business.name == "Studio"


def test_whoever_has_an_account_signs_in_and_accepts(client, invitation):
    user = UserFactory(email="jo@example.com", proven=True)
    path = f"/accounts/invitations/{invitation.token}/"
    assert f"?next={path}" in client.get(path).content.decode().replace("%2F", "/")

    credentials = {"login": user.email, "password": "correct horse"}
    entered = client.post(f"/accounts/login/?next={path}", credentials)
    assert entered.url == path
    joined = client.post(path)

    assert (joined.status_code, joined.url) == (302, "/accounts/")
    assert user.memberships.get().role == Role.ACCOUNTANT
