import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts import forms
from accounts.models import ApiToken, Business, Invitation, Membership
from accounts.roles import Role
from accounts.services import tokens
from tests.factories import BusinessFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("page", ["", "business/", "members/", "tokens/", "close/"])
def test_no_browser_shows_a_page_to_whoever_comes_after(desk, page):
    assert "no-store" in desk.get(f"/accounts/{page}")["Cache-Control"]


def details(business, **changes):
    return {
        "name": business.name,
        "email": business.email,
        "country": business.country,
        "time_zone": "Europe/Berlin",
        "currency": "EUR",
        "payment_terms_days": "14",
        "tax_rounding": "total",
        "language": "en",
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
    other = BusinessFactory(name="Somebody else's")

    page = signed_in.get("/accounts/")

    assert owner.email in page.content.decode()
    assert other.name not in page.content.decode()
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
        ("tax_id", "DE1"),
        ("payment_terms_days", "-1"),
        ("payment_terms_days", "366"),
        ("tax_rounding", "never"),
        ("language", "tlh"),
        ("iban", "DE89370400440532013001"),
        ("bic", "COBA"),
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
