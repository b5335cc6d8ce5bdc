import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts import forms
from accounts.models import ApiToken, Business, Invitation, Membership
from accounts.roles import Role
from accounts.services import members, tokens
from tests.factories import BusinessFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client, owner):
    client.force_login(owner)
    return client


def details(business, **changes):
    return {
        "name": business.name,
        "email": business.email,
        "time_zone": "Europe/Berlin",
        "currency": "EUR",
        "payment_terms_days": "14",
        "tax_rounding": "total",
    } | changes


def image(size=(8, 8), format_="PNG"):
    content = io.BytesIO()
    Image.new("L", size).save(content, format_)
    return content.getvalue()


def pages(business, member, invitation, token):
    return {
        "home": ("GET", "/accounts/"),
        "close": ("GET", "/accounts/close/"),
        "tokens": ("GET", "/accounts/tokens/"),
        "first business": ("GET", "/accounts/business/"),
        "business": ("GET", f"/accounts/business/{business.public_id}/"),
        "change business": ("POST", f"/accounts/business/{business.public_id}/"),
        "members": ("GET", f"/accounts/members/{business.public_id}/"),
        "invite": ("POST", f"/accounts/members/{business.public_id}/invite/"),
        "role": ("POST", f"/accounts/member/{member.public_id}/role/"),
        "remove": ("POST", f"/accounts/member/{member.public_id}/remove/"),
        "withdraw": (
            "POST",
            f"/accounts/invitations/{invitation.public_id}/withdraw/",
        ),
        "revoke": ("POST", f"/accounts/tokens/{token.public_id}/revoke/"),
    }


EVERY_PAGE = list(pages(Business(), Membership(), Invitation(), ApiToken()))
OF_A_BUSINESS = EVERY_PAGE[EVERY_PAGE.index("business") :]


@pytest.fixture
def ask(client, business, owner, invitation, now):
    token, _ = tokens.create_token(user=owner, name="laptop", now=now)
    member = MembershipFactory(business=business, role=Role.VIEWER)
    known = pages(business, member, invitation, token)

    def ask(name):
        method, path = known[name]
        return client.generic(method, path)

    return ask


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_whoever_is_not_signed_in_is_sent_to_sign_in(ask, page):
    answer = ask(page)

    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/login/?next=/accounts/")


@pytest.mark.parametrize("page", OF_A_BUSINESS)
def test_what_is_somebody_elses_is_not_found(ask, client, page):
    client.force_login(MembershipFactory(role=Role.OWNER).user)

    assert ask(page).status_code == 404


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.AUTHOR, Role.VIEWER])
@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("business", 200),
        ("members", 200),
        ("change business", 403),
        ("invite", 403),
        ("role", 403),
        ("remove", 403),
        ("withdraw", 403),
        ("revoke", 404),
    ],
)
def test_a_member_who_is_no_owner_sees_and_changes_nothing(
    ask, client, business, role, page, status
):
    client.force_login(MembershipFactory(business=business, role=role).user)

    assert ask(page).status_code == status


@pytest.mark.parametrize("page", ["invite", "role", "remove", "withdraw", "revoke"])
def test_looking_changes_nothing(signed_in, ask, page, business):
    paths = pages(
        business,
        business.memberships.last(),
        Invitation.objects.get(),
        ApiToken.objects.get(),
    )

    assert signed_in.get(paths[page][1]).status_code == 405


def test_home_shows_who_one_is(signed_in, owner, business):
    page = signed_in.get("/accounts/")

    assert owner.email in page.content.decode()
    assert [m.business for m in page.context["memberships"]] == [business]


def test_home_asks_as_often_for_many_businesses(
    signed_in, owner, django_assert_num_queries
):
    def queries():
        with django_assert_num_queries(7, exact=False) as asked:
            signed_in.get("/accounts/")
        return len(asked)

    signed_in.get("/accounts/")
    before = queries()
    MembershipFactory.create_batch(3, user=owner)

    assert queries() == before


def test_a_profile_is_saved(signed_in, owner):
    answer = signed_in.post(
        "/accounts/", {"full_name": "Jo", "username": "JO", "gender": "other"}
    )

    owner.refresh_from_db()
    assert answer.url == "/accounts/"
    assert (owner.full_name, owner.username, owner.gender) == ("Jo", "jo", "other")


@pytest.mark.parametrize("username", ["KIM", "me", "a b", ""])
def test_a_profile_that_is_wrong_comes_back(signed_in, owner, username):
    UserFactory(username="kim")
    before = owner.username

    page = signed_in.post("/accounts/", {"full_name": "Jo", "username": username})

    owner.refresh_from_db()
    assert page.status_code == 400
    assert list(page.context["form"].errors) == ["username"]
    assert owner.username == before


def test_a_user_name_taken_this_very_moment_comes_back(signed_in, owner, monkeypatch):
    UserFactory(username="kim")
    # The form looked before the other came.
    monkeypatch.setattr(forms.ProfileForm, "validate_unique", lambda form: None)

    page = signed_in.post("/accounts/", {"full_name": "Jo", "username": "kim"})

    assert page.status_code == 400
    assert page.context["form"].errors["username"] == [
        "This user name is taken; choose another."
    ]


def test_an_account_is_closed(signed_in, owner):
    answer = signed_in.post("/accounts/close/", {"sure": "on"})

    owner.refresh_from_db()
    assert (answer.url, owner.is_active) == ("/accounts/login/", False)
    assert signed_in.get("/accounts/").status_code == 302


def test_an_account_is_not_closed_by_accident(signed_in, owner):
    assert signed_in.get("/accounts/close/").status_code == 200

    page = signed_in.post("/accounts/close/", {"other": "1"})

    owner.refresh_from_db()
    assert (page.status_code, owner.is_active) == (400, True)


def test_the_last_owner_cannot_close_the_account(signed_in, owner, business):
    MembershipFactory(business=business, role=Role.VIEWER)

    page = signed_in.post("/accounts/close/", {"sure": "on"})

    owner.refresh_from_db()
    assert (page.status_code, owner.is_active) == (400, True)
    assert "last owner" in page.content.decode()


def test_whoever_is_in_no_business_has_no_page_of_one(client):
    client.force_login(UserFactory())

    assert client.get("/accounts/business/").status_code == 404
    assert client.get("/accounts/members/").status_code == 404
    assert "no business" in client.get("/accounts/").content.decode()


def test_the_first_business_is_meant_where_none_is_named(signed_in, owner, business):
    MembershipFactory(user=owner)

    assert signed_in.get("/accounts/business/").context["business"] == business
    assert signed_in.get("/accounts/members/").context["business"] == business


def test_a_business_is_saved(signed_in, business):
    logo = SimpleUploadedFile("logo.png", image())

    answer = signed_in.post(
        f"/accounts/business/{business.public_id}/",
        details(business, name="New", currency="JPY", logo=logo),
    )

    business.refresh_from_db()
    assert answer.url == f"/accounts/business/{business.public_id}/"
    assert (business.name, business.currency) == ("New", "JPY")
    with business.logo.open() as stored:
        assert stored.read() == image()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("email", "nobody"),
        ("currency", "XXQ"),
        ("time_zone", "Mars/Olympus"),
        ("country", "Germany"),
        ("payment_terms_days", "-1"),
        ("payment_terms_days", "366"),
        ("tax_rounding", "never"),
        ("logo", SimpleUploadedFile("logo.png", b"no image")),
        ("logo", SimpleUploadedFile("logo.png", b"")),
        ("logo", SimpleUploadedFile("logo.png", image(format_="GIF"))),
        ("logo", SimpleUploadedFile("logo.html", image())),
        ("logo", SimpleUploadedFile("logo.svg", b"<svg onload='x()'/>")),
        ("logo", SimpleUploadedFile("logo.png", image((4001, 1)))),
        ("logo", SimpleUploadedFile("logo.png", image() + b"0" * 1024 * 1024)),
    ],
)
def test_a_business_that_is_wrong_comes_back(signed_in, business, field, value):
    page = signed_in.post(
        f"/accounts/business/{business.public_id}/",
        details(business, name="New") | {field: value},
    )

    name = business.name
    business.refresh_from_db()
    assert page.status_code == 400
    assert list(page.context["form"].errors) == [field]
    assert (business.name, business.logo.name) == (name, "")


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


def test_a_token_is_shown_once(signed_in, owner):
    page = signed_in.post("/accounts/tokens/", {"name": "laptop"})

    token = ApiToken.objects.get(user=owner)
    key = page.context["key"]
    assert key in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]
    later = signed_in.get("/accounts/tokens/").content.decode()
    assert token.token_key in later
    assert key not in later


def test_a_token_needs_a_name(signed_in):
    page = signed_in.post("/accounts/tokens/", {"name": ""})

    assert page.status_code == 400
    assert ApiToken.objects.count() == 0


def test_too_many_tokens_are_refused(signed_in, monkeypatch):
    monkeypatch.setattr(tokens, "TOKENS_EACH", 0)

    page = signed_in.post("/accounts/tokens/", {"name": "one more"})

    assert page.status_code == 400
    assert "revoke one" in page.content.decode()


def test_a_token_is_revoked(signed_in, owner, now):
    token, _ = tokens.create_token(user=owner, name="laptop", now=now)

    answer = signed_in.post(f"/accounts/tokens/{token.public_id}/revoke/")

    assert answer.url == "/accounts/tokens/"
    assert ApiToken.objects.count() == 0


def test_a_business_of_others_is_not_on_the_page(signed_in):
    other = BusinessFactory(name="Somebody else's")

    assert other.name not in signed_in.get("/accounts/").content.decode()
