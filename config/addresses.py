"""Every address of the API and every page of the back office, as one may list them."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_STANDARD = ("changelist", "add", "change", "delete", "history")


class Endpoint(NamedTuple):
    method: str
    # With the names of what changes in braces.
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Page(NamedTuple):
    # As Django calls it in lower case: `invoices.invoice`.
    model: str
    action: str
    name: str


def endpoints() -> list[Endpoint]:
    """Each once, in the order of their paths."""
    found = set()
    for route, pattern in _patterns(get_resolver().url_patterns):
        if not route.startswith("api/") or "format" in route:
            continue
        view: Any = pattern.callback
        allowed = getattr(getattr(view, "cls", None), "http_method_names", ["get"])
        path = f"/{_plain(route)}"
        for method in list(getattr(view, "actions", None) or ["get"]):
            # A view that was asked once answers HEAD as well, as it answers GET.
            if method in allowed and method != "head":
                found.add(Endpoint(method.upper(), path))
    return sorted(found, key=lambda each: (each.path, each.method))


def pages() -> list[Page]:
    """Those that are about a model, by the model; Django's first."""
    # It is loaded with its first page, and would have no models before.
    from config import back_office  # noqa: F401, PLC0415 - as said above

    found = []
    for model in filter(admin.site.is_registered, apps.get_models()):
        pages_of, opts = admin.site.get_model_admin(model), model._meta
        prefix = f"{opts.app_label}_{opts.model_name}_"
        names = {str(url.name) for url in pages_of.get_urls() if url.name}
        actions = {name.removeprefix(prefix) for name in names}
        found += [
            Page(opts.label_lower, action, f"admin:{prefix}{action}")
            for action in [*_STANDARD, *sorted(actions - {*_STANDARD})]
        ]
    return sorted(found, key=lambda each: each.model)


def _patterns(
    patterns: Iterable[URLPattern | URLResolver], before: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for each in patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLPattern):
            yield route, each
        else:
            yield from _patterns(each.url_patterns, route)


def _plain(route: str) -> str:
    """Of a path or a regular expression, what a person would write."""
    for sign in ("^", "$", "\\Z", "\\"):
        route = route.replace(sign, "")
    while (start := route.find("(?P<")) >= 0:
        end = _closing(route, start)
        name = route[start + 4 : route.index(">", start)]
        route = f"{route[:start]}{{{name}}}{route[end + 1 :]}"
    return _PARAMETER.sub(r"{\1}", route)


def _closing(route: str, start: int) -> int:
    depth = 0
    for place in range(start, len(route)):
        depth += {"(": 1, ")": -1}.get(route[place], 0)
        if depth == 0:
            return place
    raise ValueError(f"No bracket closes in {route}.")
