"""Who may do what, for the reference: by role, by endpoint of the API, by page."""

from collections.abc import Iterator

from accounts.roles import (
    PAGES,
    PERMISSIONS,
    Open,
    Permission,
    Role,
    Rule,
    grants,
    rule_of,
)
from config.addresses import endpoints, pages

_OF_ALL = {"changelist", "add", "history", "change", "delete"}
_NOTES = """\
A dash is a refusal: 403 for what one sees and may not do, 404 for what one does not see. Of
another business everything is 404, whatever the role. A list has the rows that one sees, so
everybody who is signed in has one. Authors change their own posts, owners anybody's.
`tests/config/test_who_may.py` asks each of these as each role, for rows of the own business
and of another, and fails for an address that is not here.
"""


def page() -> str:
    return "\n".join(
        [
            "# Who may do what\n",
            _head(""),
            *_permissions(),
            f"\n{_NOTES}",
            "## The API\n",
            _head("Endpoint", "Not signed in"),
            *_endpoints(),
            "\n## The back office\n",
            "Operators of the site see every page, of every business.\n",
            _head("Page", "What may be done there"),
            *_pages(),
            "",
        ]
    )


def _head(first: str, *more: str) -> str:
    names = [first, *(role.label for role in Role), *more]
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def _permissions() -> Iterator[str]:
    for permission in Permission:
        granted = [_yes(permission in PERMISSIONS[role]) for role in Role]
        yield _row(permission.label, *granted)


def _endpoints() -> Iterator[str]:
    for endpoint in endpoints():
        rule = rule_of(*endpoint)
        is_list = endpoint.method == "GET" and "{" not in endpoint.path
        answers = [_yes(is_list or grants(rule, role)) for role in Role]
        if rule == Open.ONESELF:
            answers = ["own"] * len(Role)
        yield _row(f"`{endpoint}`", *answers, _yes(rule == Open.EVERYBODY))


def _pages() -> Iterator[str]:
    for model, access in PAGES.items():
        answers = [_seen(access.read, access.write, role) for role in Role]
        actions = [each.action for each in pages() if each.model == model]
        more = [f"`{each}`" for each in actions if each not in _OF_ALL]
        yield _row(f"`{model}`", *answers, ", ".join(more))


def _seen(read: Rule, write: Rule, role: Role) -> str:
    if not grants(read, role):
        return "—"
    # Nobody writes what may be looked at and no more.
    is_written = write != Permission.VIEW_BOOKS and grants(write, role)
    return "yes" if is_written else "sees"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "—"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
