import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from accounts.api.views import SignUpThrottle
from accounts.models import Event, User
from accounts.roles import Role
from tests.api import speaking_as
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

NEW = {
    "username": "jo",
    "email": "Jo@Example.com",
    "full_name": "Jo Bloggs",
    "password": "correct horse battery",
}


def test_sign_up_over_the_api(anyone, run_tasks):
    answer = anyone.post("/api/v1/users/", NEW | {"business_name": "Studio"})

    assert answer.status_code == 201
    assert answer.json() == {
        "username": "jo",
        "email": "jo@example.com",
        "full_name": "Jo Bloggs",
        "gender": "",
    }
    user = User.objects.get()
    assert user.check_password(NEW["password"])
    assert user.memberships.get().business.name == "Studio"
    run_tasks()
    (message,) = mail.outbox
    link = re.search(r"https?://[^/]+(/accounts/confirm-email/\S+)", message.body)[1]
    assert EmailAddress.objects.get().verified is False
    anyone.post(link)
    assert EmailAddress.objects.get().verified is True


def test_the_answer_does_not_tell_who_has_an_account(anyone, run_tasks):
    other = UserFactory(email="jo@example.com", username="other")

    taken = anyone.post("/api/v1/users/", NEW)
    free = anyone.post("/api/v1/users/", NEW | {"email": "kim@example.com"})

    assert taken.status_code == free.status_code == 201
    assert taken.json() | {"email": "kim@example.com"} == free.json()
    run_tasks()
    to_the_other = [m.body for m in mail.outbox if m.to == ["jo@example.com"]]
    assert len(to_the_other) == 1
    assert "/accounts/password/reset/" in to_the_other[0]
    assert User.objects.filter(email="jo@example.com").get() == other


def test_an_address_taken_this_very_moment_is_taken(anyone, monkeypatch):
    UserFactory(email="jo@example.com")
    monkeypatch.setattr("accounts.adapters.filter_users_by_email", lambda email: [])

    answer = anyone.post("/api/v1/users/", NEW)

    assert (answer.status_code, User.objects.count()) == (201, 1)


def test_an_address_gets_one_mail_in_a_while(anyone, run_tasks):
    for username in ("jo", "jo2", "jo3"):
        anyone.post("/api/v1/users/", NEW | {"username": username})

    run_tasks()
    assert len(mail.outbox) == 1


def test_signing_up_is_throttled_for_who_has_signed_in_as_well(anyone, monkeypatch):
    monkeypatch.setattr(SignUpThrottle, "rate", "1/min")
    anyone.post("/api/v1/users/", NEW)

    for client in (anyone, speaking_as(UserFactory())):
        answer = client.post("/api/v1/users/", NEW | {"email": "kim@example.com"})
        assert (answer.status_code, answer.json()["code"]) == (429, "throttled")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "KIM"),
        ("username", "me"),
        ("username", "a b"),
        ("username", ""),
        ("email", "nobody"),
        ("full_name", ""),
        ("full_name", "x" * 151),
        ("gender", "yes"),
        ("password", "123"),
        ("password", "jo@example.com"),
        ("business_name", "x" * 151),
    ],
)
def test_a_sign_up_that_is_wrong_makes_nobody(anyone, field, value):
    UserFactory(username="kim")

    answer = anyone.post("/api/v1/users/", NEW | {field: value})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert User.objects.count() == 1


def test_malformed_json_is_a_sentence(anyone):
    answer = anyone.generic(
        "POST", "/api/v1/users/", "{", content_type="application/json"
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_people_are_listed_and_counted(api):
    jo, kim = (
        UserFactory(username="jo", proven=True),
        UserFactory(username="kim", proven=True),
    )
    UserFactory(username="unproven")

    answer = api.get("/api/v1/users/").json()

    assert answer["count"] == 2
    assert answer["results"] == [
        {"username": "kim", "full_name": kim.full_name, "email": None},
        {"username": "jo", "full_name": jo.full_name, "email": None},
    ]


@pytest.mark.parametrize("search", ["JO", "blog", "o B"])
def test_people_are_found_by_part_of_a_name(api, search):
    UserFactory(username="jo", full_name="Jo Bloggs", proven=True)
    UserFactory(username="kim", full_name="Kim", proven=True)

    answer = api.get("/api/v1/users/", {"search": search}).json()

    assert [user["username"] for user in answer["results"]] == ["jo"]
    assert answer["count"] == 1


def test_an_address_is_shown_to_fellow_members_alone(api, business):
    fellow, stranger = UserFactory(proven=True), UserFactory(proven=True)
    MembershipFactory(business=business, user=fellow, role=Role.AUTHOR)
    MembershipFactory(user=stranger)

    shown = {
        user["username"]: user["email"]
        for user in api.get("/api/v1/users/").json()["results"]
    }
    alone = api.get(f"/api/v1/users/{stranger.username}/").json()

    assert shown == {fellow.username: fellow.email, stranger.username: None}
    assert alone["email"] is None


def test_an_address_finds_nobody(api):
    UserFactory(email="secret@example.org", proven=True)

    answer = api.get("/api/v1/users/", {"search": "secret@example.org"}).json()

    assert answer["results"] == []


@pytest.mark.parametrize("me", ["me", "ME", "jo.b", "Jo.B"])
def test_one_sees_all_about_oneself(me):
    user = UserFactory(username="jo.b", email="jo@example.com")

    answer = speaking_as(user).get(f"/api/v1/users/{me}/")

    assert answer.status_code == 200
    assert answer.json()["email"] == "jo@example.com"
    assert set(answer.json()) == {
        "username",
        "email",
        "full_name",
        "gender",
        "created_at",
        "updated_at",
    }


def test_one_changes_oneself(api, owner):
    answer = api.patch(
        "/api/v1/users/me/",
        {"full_name": "Jo", "username": "JO", "email": "other@example.com"},
    )

    before = owner.email
    owner.refresh_from_db()
    assert answer.status_code == 200
    assert (owner.full_name, owner.username, owner.email) == ("Jo", "jo", before)
    assert answer.json()["username"] == "jo"


@pytest.mark.parametrize(
    "wrong", [{"username": "KIM"}, {"username": "a/b"}, {"gender": "yes"}]
)
def test_a_change_that_is_wrong_changes_nothing(api, owner, wrong):
    UserFactory(username="kim")

    answer = api.patch("/api/v1/users/me/", wrong)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(wrong)
    assert Event.objects.count() == 0


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_nobody_changes_somebody_else(api, method):
    other = UserFactory(full_name="Kim", proven=True)

    answer = getattr(api, method)(f"/api/v1/users/{other.username}/", {})

    other.refresh_from_db()
    assert (answer.status_code, other.is_active) == (403, True)


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_whoever_is_not_listed_is_not_found(api, method):
    other = UserFactory()

    answer = getattr(api, method)(f"/api/v1/users/{other.username}/", {})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_account_is_closed(api, owner):
    answer = api.delete("/api/v1/users/me/")

    owner.refresh_from_db()
    assert (answer.status_code, owner.is_active) == (204, False)


def test_the_last_owner_among_others_stays(api, owner, business):
    MembershipFactory(business=business, role=Role.VIEWER)

    answer = api.delete(f"/api/v1/users/{owner.username}/")

    owner.refresh_from_db()
    assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert owner.is_active is True
