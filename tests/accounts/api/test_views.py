import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from rest_framework.test import APIClient

from accounts.api.views import SignUpThrottle
from accounts.models import ApiToken, Business, Event, Invitation, User
from accounts.roles import Role
from accounts.services import members, tokens
from tests.factories import BusinessFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

NEW = {
    "username": "jo",
    "email": "Jo@Example.com",
    "full_name": "Jo Bloggs",
    "password": "correct horse battery",
}


@pytest.fixture
def anyone():
    return APIClient()


@pytest.fixture
def invitation(business, owner, now, time_machine):
    time_machine.move_to(now)
    return members.invite_member(
        business=business,
        email="jo@example.com",
        role=Role.VIEWER,
        actor=owner,
        now=now,
    )


def speaking_as(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def in_role(business, role):
    return speaking_as(MembershipFactory(business=business, role=role).user)


def ids(answer):
    return [row["id"] for row in answer.json()["results"]]


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


# users


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


def test_signing_up_is_throttled(anyone, monkeypatch):
    monkeypatch.setattr(SignUpThrottle, "rate", "1/min")
    anyone.post("/api/v1/users/", NEW)

    answer = anyone.post("/api/v1/users/", NEW)

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


# businesses


def test_own_businesses_are_listed(api, business):
    BusinessFactory()

    answer = api.get("/api/v1/businesses/")

    assert ids(answer) == [str(business.public_id)]
    assert answer.json()["results"][0]["name"] == business.name


def test_a_business_is_made(api, owner):
    answer = api.post("/api/v1/businesses/", {"name": "Second", "currency": "USD"})

    made = Business.objects.get(name="Second")
    assert answer.status_code == 201
    assert answer.json()["id"] == str(made.public_id)
    assert (answer.json()["currency"], made.email) == ("USD", owner.email)
    assert made.memberships.get(user=owner).role == Role.OWNER


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("email", "nobody"),
        ("currency", "XXQ"),
        ("time_zone", "Mars"),
        ("country", "Germany"),
        ("payment_terms_days", -1),
        ("payment_terms_days", 366),
        ("tax_rounding", "never"),
    ],
)
def test_a_business_that_is_wrong_is_refused(api, business, field, value):
    path = f"/api/v1/businesses/{business.public_id}/"

    made = api.post("/api/v1/businesses/", {"name": "Second"} | {field: value})
    changed = api.patch(path, {field: value})

    assert made.status_code == changed.status_code == 400
    assert list(made.json()["errors"]) == list(changed.json()["errors"]) == [field]
    assert (Business.objects.count(), Event.objects.count()) == (1, 0)


def test_an_owner_changes_the_business(api, business):
    answer = api.patch(
        f"/api/v1/businesses/{business.public_id}/",
        {"name": "New", "publishes": False},
    )

    business.refresh_from_db()
    assert (answer.status_code, answer.json()["name"]) == (200, "New")
    assert (business.name, business.publishes) == ("New", True)


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.AUTHOR, Role.VIEWER])
def test_nobody_else_changes_the_business(business, role):
    member = in_role(business, role)
    path = f"/api/v1/businesses/{business.public_id}/"

    assert member.get(path).status_code == 200
    assert member.patch(path, {"name": "New"}).status_code == 403
    assert Event.objects.count() == 0


@pytest.mark.parametrize("method", ["get", "patch"])
def test_another_business_is_not_found(api, method):
    other = BusinessFactory()

    answer = getattr(api, method)(f"/api/v1/businesses/{other.public_id}/", {})

    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["put", "delete"])
def test_a_business_is_neither_replaced_nor_deleted(api, business, method):
    path = f"/api/v1/businesses/{business.public_id}/"

    assert getattr(api, method)(path, {}).status_code == 405


# members


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


# invitations


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


# tokens


def test_a_token_is_shown_once_and_opens_the_api(api, owner):
    answer = api.post("/api/v1/tokens/", {"name": "laptop"})

    made = answer.json()
    assert answer.status_code == 201
    assert made["token"].startswith(made["prefix"])
    (listed,) = api.get("/api/v1/tokens/").json()["results"]
    assert listed == {key: made[key] for key in made if key != "token"}
    client = APIClient(HTTP_AUTHORIZATION=f"Token {made['token']}")
    assert client.get("/api/v1/users/me/").json()["email"] == owner.email


@pytest.mark.parametrize("name", ["", "x" * 101, None])
def test_a_token_needs_a_name(api, name):
    answer = api.post("/api/v1/tokens/", {"name": name})

    assert answer.status_code == 400
    assert ApiToken.objects.count() == 0


def test_a_token_is_revoked(api, owner, now):
    token, _ = tokens.create_token(user=owner, name="laptop", now=now)

    answer = api.delete(f"/api/v1/tokens/{token.public_id}/")

    assert (answer.status_code, ApiToken.objects.count()) == (204, 0)


@pytest.mark.parametrize("method", ["get", "delete"])
def test_a_token_of_somebody_else_is_not_found(api, now, method):
    token, _ = tokens.create_token(user=UserFactory(), name="theirs", now=now)

    answer = getattr(api, method)(f"/api/v1/tokens/{token.public_id}/")

    assert (answer.status_code, ApiToken.objects.count()) == (404, 1)


def test_too_many_tokens_are_refused(api, monkeypatch):
    monkeypatch.setattr(tokens, "TOKENS_EACH", 0)

    answer = api.post("/api/v1/tokens/", {"name": "one more"})

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_tokens")


# events


def test_what_happened_is_told(api, owner, business, invitation):
    (event,) = api.get("/api/v1/events/").json()["results"]

    assert event["type"] == "member.invited"
    assert (event["business"], event["actor"]) == (
        str(business.public_id),
        owner.username,
    )
    assert event["subject_id"] == str(invitation.public_id)
    alone = api.get(f"/api/v1/events/{event['id']}/").json()
    assert alone == event


def test_events_are_found_by_what_they_are_about(api, business, now):
    made = [
        Event.objects.create(
            type=f"{subject}.changed",
            subject_type=subject,
            subject_id=number,
            business=business,
            occurred_at=now + timedelta(days=int(number)),
        )
        for subject, number in [("invoice", "1"), ("invoice", "2"), ("customer", "1")]
    ]
    first, second, customer = (str(event.public_id) for event in made)

    def found(**params):
        return ids(api.get("/api/v1/events/", params))

    assert found(type="customer.changed") == [customer]
    assert found(subject_type="invoice") == [second, first]
    assert found(subject_type="invoice", subject_id="1") == [first]
    assert found(since=(now + timedelta(days=2)).isoformat()) == [second]
    assert found(business=str(business.public_id)) == [customer, second, first]


@pytest.mark.parametrize(
    "since", ["yesterday", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"]
)
def test_events_since_no_moment_are_refused(api, since):
    response = api.get("/api/v1/events/", {"since": since})

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["since"]


def test_an_event_that_a_customer_caused_has_no_actor(api, business, now):
    Event.objects.create(
        type="invoice.viewed",
        subject_type="invoice",
        subject_id="1",
        business=business,
        occurred_at=now,
    )

    (event,) = api.get("/api/v1/events/").json()["results"]

    assert event["actor"] is None


def test_events_of_others_are_not_told(invitation):
    stranger = speaking_as(MembershipFactory().user)
    event = Event.objects.get()

    assert ids(stranger.get("/api/v1/events/")) == []
    assert stranger.get(f"/api/v1/events/{event.public_id}/").status_code == 404


@pytest.mark.parametrize("method", ["post", "patch", "delete"])
def test_an_event_is_never_changed(api, invitation, method):
    path = f"/api/v1/events/{Event.objects.get().public_id}/"

    assert getattr(api, method)(path, {}).status_code == 405
