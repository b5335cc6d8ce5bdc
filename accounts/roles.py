"""What a member of a business may do: one table, for pages, API and admin alike."""

from collections.abc import Mapping

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
