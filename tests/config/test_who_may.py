"""
Every endpoint of the API and every page of the back office, asked by every role, by a
stranger and by nobody, for rows of their own business and of another: each answers as
`accounts.roles` says, which knows them all.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django_tasks_db.models import DBTaskResult
from rest_framework.test import APIClient

from accounts.roles import (
    ENDPOINTS,
    EXCEPTIONS,
    PAGES,
    Open,
    Permission,
    Role,
    grants,
    rule_of,
)
from config.addresses import Endpoint, Page, endpoints, pages
from invoices.services.attaching import attach_file
from invoices.services.contacts import create_contact
from tests.api import speaking_as
from tests.factories import (
    BusinessFactory,
    CommentFactory,
    CustomerFactory,
    InvoiceLineFactory,
    MembershipFactory,
    PostFactory,
    TaxRateFactory,
)
from tests.rows import AT, ROWS, frozen

# Thousands of questions, whose answers no database changes: asked once, where it is MySQL.
pytestmark = [pytest.mark.django_db, pytest.mark.thorough, pytest.mark.mysql]

NOBODY = "nobody"
PEOPLE = (*Role, NOBODY)
# Pages beyond Django's that show, and do nothing.
SHOWING = {
    "download",
    "statement",
    "at_stripe",
    "see_log",
    "history",
    "changelist",
    "change",
}


class Shop:
    """A business with a member in each role, and a row of everything."""

    def __init__(self, *, publishes: bool) -> None:
        self.business = BusinessFactory(publishes=publishes)
        self.people: dict[str, Any] = {
            role: MembershipFactory(business=self.business, role=role).user
            for role in Role
        }
        self.rows = {name: make(self.business) for name, make in ROWS.items()}
        # With the secret, which is told once.
        self.rows["accounts.apitoken"], _ = self.rows["accounts.apitoken"]
        self.rows["accounts.business"] = self.business
        self.rows["accounts.webhookendpoint"] = self.row(
            "accounts.webhookdelivery"
        ).endpoint
        self.rows["django_tasks_database.dbtaskresult"] = DBTaskResult.objects.first()
        # Authors change their own posts, owners anybody's.
        post = PostFactory(published=True, author=self.people[Role.AUTHOR])
        post.tags.add(self.row("blog.tag"))
        self.rows["blog.post"] = post
        self.rows["blog.comment"] = CommentFactory(post=post, approved=True)
        self.customer = CustomerFactory(business=self.business)
        self.draft = InvoiceLineFactory(
            invoice__business=self.business, invoice__customer=self.customer
        ).invoice
        self.contact = create_contact(
            customer=self.customer,
            fields={"name": "Ann", "email": "ann@example.com"},
            actor=None,
            now=AT,
        )
        self.file = attach_file(
            invoice=self.draft,
            upload=ContentFile(b"%PDF-1.7", "Plan.pdf"),
            actor=None,
            now=AT,
        )
        self.rate = TaxRateFactory(business=self.business)
        self.open = frozen(self.business)

    def row(self, name: str) -> Any:
        return self.rows[name]

    def address(self, path: str) -> str:
        kind = path.split("/")[3] if path.count("/") > 3 else ""
        ids = {
            "customer_id": self.customer.public_id,
            "delivery_id": self.row("accounts.webhookdelivery").public_id,
            "invoice_id": self.draft.public_id,
            "slug": {"posts": "blog.post", "tags": "blog.tag"},
            "username": self.people[Role.VIEWER].username,
        }
        named = ids["slug"].get(kind)
        ids["slug"] = self.row(named).slug if named else ""
        ids["id"] = ids["public_id"] = self._id(kind, path)
        return path.format(**ids)

    def _id(self, kind: str, path: str) -> Any:
        if "/contacts/" in path:
            return self.contact.public_id
        if "/attachments/" in path:
            return self.file.public_id
        if kind == "series":
            return f"{self.business.public_id}-invoice"
        known = {
            "businesses": self.business,
            "comments": self.rows["blog.comment"],
            "credit-notes": self.rows["invoices.creditnote"],
            "customers": self.customer,
            "disputes": self.rows["billing.dispute"],
            "events": self.rows["accounts.event"],
            "invitations": self.rows["accounts.invitation"],
            "invoices": self.draft,
            "manual-payments": self.rows["invoices.manualpayment"],
            "members": self.rows["accounts.membership"],
            "payments": self.rows["billing.payment"],
            "refunds": self.rows["billing.refund"],
            "reminder-steps": self.rows["invoices.reminderstep"],
            "tax-rates": self.rows["invoices.taxrate"],
            "tokens": self.rows["accounts.apitoken"],
            "webhook-endpoints": self.rows["accounts.webhookendpoint"],
        }
        return known[kind].public_id if kind in known else ""

    def wish(self, path: str) -> dict[str, Any]:
        """What would be made of it, if the person may."""
        business = {"business": str(self.business.public_id)}
        line = {
            "description": "Design",
            "unit_price": "80",
            "tax_rate": str(self.rate.public_id),
        }
        draft = {"customer": str(self.customer.public_id), "lines": [line]}
        invoice = {"invoice": str(self.open.public_id)}
        wishes = {
            "credit-notes/": invoice | {"reason": "Broken"},
            "credit-notes/preview/": invoice,
            "customers/": business | {"name": "Ben", "email": "ben@example.com"},
            "invitations/": business | {"email": "new@example.com", "role": "viewer"},
            "invoices/": draft,
            "invoices/preview/": draft,
            "manual-payments/": invoice
            | {"amount": 100, "method": "transfer", "received_on": "2026-03-01"},
            "refunds/": {
                "payment": str(self.row("billing.payment").public_id),
                "amount": 999_999,
            },
            "reminder-steps/": business | {"days": 77},
            "tax-rates/": business | {"name": "VAT", "category": "S", "percent": "7"},
            "webhook-endpoints/": business
            | {"url": "http://127.0.0.1:9/hook", "types": ["*"]},
            "posts/": {"title": "News", "body": "Today."},
        }
        return wishes.get(path.removeprefix("/api/v1/"), {})


@pytest.fixture
def shops() -> tuple[Shop, Shop]:
    return Shop(publishes=True), Shop(publishes=False)


def test_every_address_is_in_the_table_and_the_table_knows_no_other() -> None:
    found = endpoints()
    kinds = {each.path.split("/")[3] for each in found if "/v1/" in each.path}

    assert [str(each) for each in found if not _is_known(each)] == []
    assert {each.model for each in pages()} == set(PAGES)
    assert kinds == set(ENDPOINTS)
    assert set(EXCEPTIONS) <= {str(each) for each in found}


def _is_known(endpoint: Endpoint) -> bool:
    try:
        return bool(rule_of(*endpoint))
    except (KeyError, IndexError):
        return False


def test_every_endpoint_answers_as_the_table_says(shops) -> None:
    own, _ = shops
    wrong = []
    for endpoint in endpoints():
        for who in PEOPLE:
            client = speaking_as(own.people[who]) if who != NOBODY else APIClient()
            for shop in shops:
                code = _asked(client, endpoint, shop)
                is_right = _expected(endpoint, who, is_own=shop is own)
                if not is_right(code):
                    whose = "own" if shop is own else "foreign"
                    wrong.append(f"{endpoint} {who} {whose}: {code}")

    assert not wrong, "\n".join(wrong)


def _asked(client: APIClient, endpoint: Endpoint, shop: Shop) -> int:
    cache.clear()
    method = endpoint.method.lower()
    said = (
        {} if method == "get" else {"data": shop.wish(endpoint.path), "format": "json"}
    )
    with transaction.atomic():
        code = getattr(client, method)(shop.address(endpoint.path), **said).status_code
        transaction.set_rollback(True)
    return int(code)


def _done(code: int) -> bool:
    return code < 300 or code in {400, 409}


def _refused(*codes: int) -> Callable[[int], bool]:
    return lambda code: code in codes


def _expected(endpoint: Endpoint, who: str, *, is_own: bool) -> Callable[[int], bool]:
    rule = rule_of(*endpoint)
    if rule == Open.EVERYBODY or (rule == Open.SIGNED_IN and who != NOBODY):
        return _done
    if who == NOBODY:
        return _refused(401)
    if rule == Open.ONESELF:
        return _of_oneself(endpoint, who, is_own=is_own)
    may = grants(rule, Role(who))
    if rule == Permission.WRITE_POSTS:
        # Of the site: there is no other to write for. But posts have authors.
        is_mine = is_own or who != Role.AUTHOR or "/posts/{" not in endpoint.path
        return _done if may and is_mine else _refused(403)
    if "{" not in endpoint.path:
        return _of_many(endpoint, may=may, is_own=is_own)
    if not is_own or not _reads(endpoint, Role(who)):
        return _refused(404)
    return _done if may else _refused(403)


def _of_many(endpoint: Endpoint, *, may: bool, is_own: bool) -> Callable[[int], bool]:
    if endpoint.method == "GET":
        # Everybody has a list; whose rows are on it is tested where they are.
        return _refused(200)
    if endpoint.path.endswith("/usual/"):
        return _done if may else _refused(403)
    # Who may not see a row cannot name it either: that is 400.
    return _refused(200, 201, 202, 409) if may and is_own else _refused(400, 403, 404)


def _of_oneself(endpoint: Endpoint, who: str, *, is_own: bool) -> Callable[[int], bool]:
    if "comments" in endpoint.path:
        return _refused(403)
    is_self = is_own and "users" in endpoint.path and who == Role.VIEWER
    return _done if is_self else _refused(404)


def _reads(endpoint: Endpoint, role: Role) -> bool:
    access = ENDPOINTS[endpoint.path.split("/")[3]]
    # A member knows of the business, and so of what only some may change.
    return access.read != Permission.VIEW_BOOKS or grants(access.read, role)


def test_every_page_answers_as_the_table_says(shops) -> None:
    own, _ = shops
    wrong, asked = [], 0
    for who in PEOPLE:
        client = Client(raise_request_exception=False)
        if who != NOBODY:
            client.force_login(own.people[who])
        for page, shop, method in _visits(shops, who):
            code = _opened(client, page, shop, method)
            asked += 1
            if not _page_expected(page, who, method, is_own=shop is own)(code):
                whose = "own" if shop is own else "foreign"
                wrong.append(f"{method} {page.name} {who} {whose}: {code}")

    assert asked > 1500
    assert not wrong, "\n".join(wrong)


def _visits(shops: tuple[Shop, Shop], who: str) -> Iterator[tuple[Page, Shop, str]]:
    for page in pages():
        for shop in shops if "changelist" not in page.action else shops[:1]:
            yield page, shop, "get"
            # What would be done is done elsewhere; here it is refused.
            if page.action not in SHOWING and not _may_open(page, who, "post"):
                yield page, shop, "post"


def _opened(client: Client, page: Page, shop: Shop, method: str) -> int:
    args = [] if _is_of_all(page) else [shop.row(page.model).pk]
    with transaction.atomic():
        code = getattr(client, method)(reverse(page.name, args=args)).status_code
        transaction.set_rollback(True)
    return int(code)


def _is_of_all(page: Page) -> bool:
    return page.action in {"changelist", "add"} or page.action.startswith("add_")


def _may_open(page: Page, who: str, method: str) -> bool:
    if who == NOBODY:
        return False
    access = PAGES[page.model]
    is_shown = method == "get" and page.action in SHOWING
    return grants(access.read if is_shown else access.write, Role(who))


def _page_expected(
    page: Page, who: str, method: str, *, is_own: bool
) -> Callable[[int], bool]:
    if who == NOBODY:
        return _refused(302)
    access = PAGES[page.model]
    is_foreign = not is_own and isinstance(access.read, Permission)
    if is_foreign and access.read != Permission.WRITE_POSTS and not _is_of_all(page):
        return _refused(403, 404)
    if not _may_open(page, who, method):
        return _refused(403, 404)
    if page.action in {"changelist", "change", "history"}:
        return _refused(200)
    # Some states refuse what the role may; nothing breaks.
    return lambda code: code < 500
