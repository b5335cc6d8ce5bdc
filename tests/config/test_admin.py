from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.admin.base import BackOfficeAdmin
from accounts.models import Business, User
from accounts.roles import Role
from blog.admin import BlogAdmin
from config.admin import MENU
from tests.factories import BusinessFactory, MembershipFactory, PostFactory, UserFactory
from tests.rows import OF_BUSINESS, ROWS

pytestmark = pytest.mark.django_db

BOOKS = {
    "Invoices",
    "Customers",
    "Credit notes",
    "Tax rates",
    "Series",
    "Reminder steps",
    "Deliveries",
    "Attachments",
    "Documents",
    "Payments",
    "Manual payments",
    "Balance entries",
    "Money to decide on",
    "Refunds",
    "Disputes",
    "Findings",
    "Checkouts",
    "Ledger entries",
    "Businesses",
    "Memberships",
    "Events",
}

OWNERS = {"Invitations", "Webhook deliveries", "Webhook endpoints"}


def page(name: str, view: str, *args: object) -> str:
    return reverse(f"admin:{name.replace('.', '_')}_{view}", args=args)


def newest(name: str) -> int | str:
    key: int | str = apps.get_model(name).objects.order_by("pk").last().pk
    return key


@pytest.fixture
def operator(business: Business) -> User:
    user = UserFactory(is_superuser=True, is_staff=True)
    MembershipFactory(user=user, business=business)
    return user


@pytest.fixture
def at_desk(client: Client, operator: User) -> Client:
    client.force_login(operator)
    return client


def signed_in(client: Client, business: Business, role: Role) -> Client:
    client.force_login(MembershipFactory(business=business, role=role).user)
    return client


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
    assert response.status_code == 200
    return len(captured)


def test_every_model_is_in_the_menu_once_and_no_library_brings_its_own_page():
    reverse("admin:index")  # what is asked for first registers the pages
    listed = [name for entries in MENU.values() for name in entries]
    registered = {model._meta.label_lower for model in admin.site._registry}

    assert sorted(listed) == sorted(registered) == sorted(ROWS)
    assert all(
        isinstance(each, BackOfficeAdmin) for each in admin.site._registry.values()
    )


@pytest.mark.thorough
@pytest.mark.parametrize("name", ROWS)
def test_every_list_and_page_opens_at_the_same_cost_for_one_row_and_for_three(
    at_desk, business, name
):
    ROWS[name](business)
    row = page(name, "change", newest(name))
    at_desk.get(row)  # what is read once per process is read
    for_one = queries(at_desk, page(name, "changelist")), queries(at_desk, row)
    ROWS[name](business)
    ROWS[name](business)

    for_three = queries(at_desk, page(name, "changelist")), queries(at_desk, row)

    assert for_three == for_one


def test_every_list_has_filters():
    without = {
        model._meta.label_lower
        for model, each in admin.site._registry.items()
        if not each.list_filter
    }

    # A tag is a name, and nothing else.
    assert without == {"blog.tag"}


@pytest.mark.thorough
@pytest.mark.parametrize("name", ROWS)
def test_every_list_can_be_searched(at_desk, business, name):
    ROWS[name](business)
    if admin.site.get_model_admin(apps.get_model(name)).search_fields:
        found = at_desk.get(page(name, "changelist"), {"q": "no such thing"})

        assert found.context["cl"].result_count == 0


@pytest.mark.thorough
@pytest.mark.parametrize("name", ROWS)
def test_what_can_be_added_has_a_form(at_desk, name):
    may_add = name in {
        "accounts.invitation",
        "accounts.webhookendpoint",
        "blog.post",
        "invoices.customer",
        "invoices.invoice",
        "invoices.reminderstep",
        "invoices.taxrate",
    }

    response = at_desk.get(page(name, "add"))

    assert response.status_code == (200 if may_add else 403)


@pytest.mark.thorough
@pytest.mark.parametrize("name", OF_BUSINESS)
def test_rows_of_another_business_are_not_found(client, business, owner, name):
    client.force_login(owner)
    ROWS[name](BusinessFactory())
    foreign = newest(name)
    ROWS[name](business)
    own = newest(name)

    shown = [
        row.pk for row in client.get(page(name, "changelist")).context["cl"].queryset
    ]

    assert foreign not in shown
    assert own in shown
    assert client.get(page(name, "change", foreign)).status_code == 404
    assert client.post(page(name, "change", foreign)).status_code == 404
    assert client.post(page(name, "delete", foreign)).status_code == 404
    assert client.get(page(name, "change", own)).status_code == 200


@pytest.mark.thorough
@pytest.mark.parametrize("name", OF_BUSINESS)
def test_viewers_change_nothing(client, business, name):
    signed_in(client, business, Role.VIEWER)
    ROWS[name](business)
    row = newest(name)

    assert client.get(page(name, "add")).status_code == 403
    assert client.post(page(name, "change", row)).status_code == 403
    assert client.post(page(name, "delete", row), {"post": "yes"}).status_code == 403


@pytest.mark.thorough
@pytest.mark.parametrize("name", OF_BUSINESS)
def test_authors_do_not_see_the_books(client, business, name):
    signed_in(client, business, Role.AUTHOR)
    ROWS[name](business)

    assert client.get(page(name, "changelist")).status_code == 403
    assert client.get(page(name, "change", newest(name))).status_code == 403


@pytest.mark.parametrize(
    ("role", "publishes", "titles"),
    [
        (Role.OWNER, False, BOOKS | OWNERS),
        (Role.OWNER, True, BOOKS | OWNERS | {"Posts", "Comments", "Tags"}),
        (Role.ACCOUNTANT, True, BOOKS),
        (Role.VIEWER, True, BOOKS),
        (Role.AUTHOR, True, {"Posts", "Comments", "Tags"}),
        (Role.AUTHOR, False, set()),
    ],
)
def test_the_sidebar_shows_what_a_role_may_see(client, role, publishes, titles):
    signed_in(client, BusinessFactory(publishes=publishes), role)

    groups = client.get(reverse("admin:index")).context["sidebar_navigation"]

    shown = {item["title"] for group in groups for item in group["items"]}
    assert shown == titles | {"Overview"}


def test_an_operator_sees_everything(at_desk):
    groups = at_desk.get(reverse("admin:index")).context["sidebar_navigation"]

    assert sum(len(group["items"]) for group in groups) == len(ROWS) + 1


def test_staff_without_a_business_enter_and_see_no_books(client):
    client.force_login(UserFactory(is_staff=True))

    response = client.get(reverse("admin:index"))

    assert response.status_code == 200
    assert "figures" not in response.context
    assert client.get(page("invoices.invoice", "changelist")).status_code == 403


def test_nobody_enters_before_signing_in(client):
    wanted = page("invoices.customer", "changelist")

    response = client.get(wanted, follow=True)

    last = urlsplit(response.redirect_chain[-1][0])
    assert last.path == reverse("account_login")
    assert parse_qs(last.query) == {"next": [wanted]}
    assert response.status_code == 200


def test_the_sign_in_page_leads_nowhere_else(client):
    response = client.get(reverse("admin:login"), {"next": "https://evil.example/"})

    assert parse_qs(urlsplit(response["Location"]).query) == {
        "next": [reverse("admin:index")]
    }


def test_no_password_is_taken_but_by_the_sign_in_page(client, owner):
    form = {"username": owner.email, "password": "correct horse"}

    response = client.post(reverse("admin:login"), form)

    assert urlsplit(response["Location"]).path == reverse("account_login")
    assert "_auth_user_id" not in client.session


def test_whoever_is_signed_in_need_not_sign_in_again(client, owner):
    client.force_login(owner)

    response = client.get(reverse("admin:login"), {"next": "/admin/invoices/invoice/"})

    assert response["Location"] == "/admin/invoices/invoice/"


def test_people_without_a_business_are_told_so_without_a_loop(client):
    client.force_login(UserFactory(email="reader@example.com"))

    response = client.get(reverse("admin:login"), follow=True)

    assert response.redirect_chain == [(reverse("admin:index"), 302)]
    assert response.status_code == 403
    assert "reader@example.com, and this account belongs to no business" in (
        response.content.decode()
    )


def test_a_closed_account_does_not_enter(client, owner):
    client.force_login(owner)
    owner.is_active = False
    owner.save()

    assert client.get(reverse("admin:index")).status_code == 302


def test_signing_out_is_handed_on_as_it_was_asked(client, owner):
    client.force_login(owner)

    response = client.post(reverse("admin:logout"))

    assert (response.status_code, response["Location"]) == (
        307,
        reverse("account_logout"),
    )


def test_passwords_are_changed_where_mail_tells_of_it(client, owner):
    client.force_login(owner)

    response = client.get(reverse("admin:password_change"))

    assert response["Location"] == reverse("account_change_password")


def test_the_content_policy_is_loosened_for_the_back_office_alone(client, owner):
    client.force_login(owner)

    inside = client.get(reverse("admin:index"))["Content-Security-Policy"]
    outside = client.get(reverse("accounts:home"))["Content-Security-Policy"]

    assert "script-src 'self' 'unsafe-eval';" in inside
    assert "style-src 'self' 'unsafe-inline'" in inside
    assert "unsafe" not in outside


def test_no_address_tells_where_the_rows_of_others_are_seen(client, owner):
    draft = PostFactory(slug="a-secret-merger")
    kind = ContentType.objects.get_for_model(draft)
    client.force_login(owner)
    Business.objects.update(publishes=False)

    response = client.get(f"/admin/r/{kind.pk}/{draft.pk}/")

    assert response.status_code == 404
    assert "Location" not in response


def test_the_page_of_a_row_leads_to_where_readers_see_it(at_desk):
    post = PostFactory(slug="fish", published=True)

    shown = at_desk.get(page("blog.post", "change", post.pk)).content.decode()

    assert 'href="/blog/fish/"' in shown


def test_rows_are_not_deleted_in_bulk(at_desk, business):
    ROWS["invoices.customer"](business)

    response = at_desk.get(page("invoices.customer", "changelist"))

    assert response.context["action_form"] is None


def test_pages_of_the_blog_ask_who_may_write_it():
    pages = [admin.site.get_model_admin(apps.get_model(name)) for name in MENU["Blog"]]

    assert all(isinstance(each, BlogAdmin) for each in pages)
