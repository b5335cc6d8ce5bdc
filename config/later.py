"""What a cold start leaves to the request that needs it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLResolver, path
from django.urls.resolvers import RoutePattern


class LoadedLater(URLResolver):
    """
    Addresses whose module is imported when one of them is visited, or reversed.

    Django reverses its first name only after it has imported every address there is. So
    a module with an `app_name` is known by that alone, and one without by `names`: name
    to route, of all that it has. `check` imports them all.
    """

    def __init__(
        self,
        route: str,
        urlconf: str,
        *,
        app_name: str | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        pattern = RoutePattern(route, is_endpoint=False)
        super().__init__(pattern, urlconf, app_name=app_name, namespace=app_name)
        self.names = names or {}

    def _populate(self) -> None:
        """Nothing: the root asks this of all, and only of some what is below."""

    @cached_property
    def known(self) -> URLResolver:
        patterns = (
            self.url_patterns
            if self.app_name
            else [path(route, _unused, name=name) for name, route in self.names.items()]
        )
        return URLResolver(self.pattern, patterns)

    @property
    def reverse_dict(self) -> Any:
        return self.known.reverse_dict

    @property
    def namespace_dict(self) -> Any:
        return self.known.namespace_dict

    @property
    def app_dict(self) -> Any:
        return self.known.app_dict


def _unused(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError  # pragma: no cover - a name's stand-in; nothing calls it


class ImportedLater(MetaPathFinder):
    """
    Finds modules that are imported by their first use, not by `import`.

    For what a library imports only to know whether it is there.
    """

    def __init__(self, *names: str) -> None:
        self.names = names

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname not in self.names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.loader:
            spec.loader = LazyLoader(spec.loader)
        return spec
