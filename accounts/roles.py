"""What a member of a business may do: one table, for pages, API and admin alike."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from django.db import models


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    ACCOUNTANT = "accountant", "Accountant"
    AUTHOR = "author", "Author"
    VIEWER = "viewer", "Viewer"


class Permission(models.TextChoices):
    MANAGE_BUSINESS = (
        "manage_business",
        "Change the business, invite and remove members",
    )
    VIEW_BOOKS = "view_books", "See customers, invoices and payments"
    WRITE_BOOKS = "write_books", "Write, finalize, send and void invoices"
    WRITE_POSTS = "write_posts", "Write posts and moderate comments"


PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ACCOUNTANT: frozenset({Permission.VIEW_BOOKS, Permission.WRITE_BOOKS}),
    Role.AUTHOR: frozenset({Permission.WRITE_POSTS}),
    Role.VIEWER: frozenset({Permission.VIEW_BOOKS}),
}


def roles_with(permission: Permission) -> list[Role]:
    return [role for role, granted in PERMISSIONS.items() if permission in granted]


class Open(models.TextChoices):
    """What is no matter of a role."""

    EVERYBODY = "everybody", "Everybody, signed in or not"
    SIGNED_IN = "signed_in", "Whoever is signed in"
    MEMBERS = "members", "Every member of the business"
    ONESELF = "oneself", "Each person for themselves"
    OPERATORS = "operators", "Operators of the site"


Rule = Permission | Open


class Access(NamedTuple):
    """Who may see it, and who may change it or have anything done with it."""

    read: Rule
    write: Rule


_BOOKS: Final = Access(Permission.VIEW_BOOKS, Permission.WRITE_BOOKS)
_LOOK: Final = Access(Permission.VIEW_BOOKS, Permission.VIEW_BOOKS)
_BUSINESS: Final = Access(Permission.MANAGE_BUSINESS, Permission.MANAGE_BUSINESS)
_MEMBERS: Final = Access(Open.MEMBERS, Permission.MANAGE_BUSINESS)
_POSTS: Final = Access(Permission.WRITE_POSTS, Permission.WRITE_POSTS)
_PUBLIC: Final = Access(Open.EVERYBODY, Permission.WRITE_POSTS)
_OWN: Final = Access(Open.ONESELF, Open.ONESELF)
_OPERATORS: Final = Access(Open.OPERATORS, Open.OPERATORS)

# The API, by what follows /api/v1/. What `tests/config/test_who_may.py` finds at an
# address and not here fails it, and so does an answer that differs from this.
ENDPOINTS: Final[Mapping[str, Access]] = {
    "businesses": _MEMBERS,
    "comments": _PUBLIC,
    "credit-notes": _BOOKS,
    "customers": _BOOKS,
    "disputes": _BOOKS,
    "events": _BOOKS,
    "invitations": _BUSINESS,
    "invoices": _BOOKS,
    "manual-payments": _BOOKS,
    "members": _MEMBERS,
    "payments": _BOOKS,
    "posts": _PUBLIC,
    "refunds": _BOOKS,
    "reminder-steps": _BOOKS,
    "series": _BOOKS,
    "tags": _PUBLIC,
    "tax-rates": _BOOKS,
    "tokens": _OWN,
    "users": _OWN,
    "webhook-endpoints": _BUSINESS,
}
# Where the method alone does not say it.
EXCEPTIONS: Final[Mapping[str, Rule]] = {
    "GET /api/v1/users/": Open.SIGNED_IN,
    "GET /api/v1/tokens/": Open.SIGNED_IN,
    "GET /api/v1/invitations/": Open.SIGNED_IN,
    "GET /api/v1/webhook-endpoints/": Open.SIGNED_IN,
    "PATCH /api/v1/comments/{id}/": Open.ONESELF,
    "PUT /api/v1/comments/{id}/": Open.ONESELF,
    "POST /api/v1/businesses/": Open.SIGNED_IN,
    "POST /api/v1/comments/": Open.SIGNED_IN,
    "POST /api/v1/invitations/accept/": Open.SIGNED_IN,
    "POST /api/v1/tokens/": Open.SIGNED_IN,
    "POST /api/v1/users/": Open.EVERYBODY,
    "GET /api/schema/": Open.EVERYBODY,
    "GET /api/docs/": Open.EVERYBODY,
}
# The back office, by the model that a page is about.
PAGES: Final[Mapping[str, Access]] = {
    "account.emailaddress": _OPERATORS,
    "accounts.apitoken": _OPERATORS,
    "accounts.business": Access(Permission.VIEW_BOOKS, Permission.MANAGE_BUSINESS),
    "accounts.event": _LOOK,
    "accounts.invitation": _BUSINESS,
    "accounts.membership": Access(Permission.VIEW_BOOKS, Permission.MANAGE_BUSINESS),
    "accounts.user": _OPERATORS,
    "accounts.webhookdelivery": _BUSINESS,
    "accounts.webhookendpoint": _BUSINESS,
    "billing.checkout": _LOOK,
    "billing.dispute": _BOOKS,
    "billing.heldpayment": _BOOKS,
    "billing.payment": _BOOKS,
    "billing.reconciliationfinding": _BOOKS,
    "billing.reconciliationrun": _OPERATORS,
    "billing.refund": _LOOK,
    "billing.stripeevent": _OPERATORS,
    "blog.comment": _POSTS,
    "blog.post": _POSTS,
    "blog.tag": _POSTS,
    "django_tasks_database.dbtaskresult": _OPERATORS,
    "invoices.attachment": _BOOKS,
    "invoices.balanceentry": _LOOK,
    "invoices.creditnote": _BOOKS,
    "invoices.customer": _BOOKS,
    "invoices.delivery": _LOOK,
    "invoices.document": _LOOK,
    "invoices.invoice": _BOOKS,
    "invoices.ledgerentry": _LOOK,
    "invoices.manualpayment": _BOOKS,
    "invoices.reminderstep": _BOOKS,
    "invoices.series": _BOOKS,
    "invoices.taxrate": _BOOKS,
    "mfa.authenticator": _OPERATORS,
}


def rule_of(method: str, path: str) -> Rule:
    """
    Of an endpoint of the API.

    :raises KeyError: if the table does not know it
    """
    if rule := EXCEPTIONS.get(f"{method} {path}"):
        return rule
    access = ENDPOINTS[path.split("/")[3]]
    return access.read if method == "GET" else access.write


def grants(rule: Rule, role: Role) -> bool:
    """Whether a member of that role may, in the business that they are a member of."""
    if isinstance(rule, Permission):
        return rule in PERMISSIONS[role]
    return rule != Open.OPERATORS
