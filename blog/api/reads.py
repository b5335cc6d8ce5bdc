"""
What everybody may read of the blog, without asking who reads.

Most requests are of this kind, and most of their time would go into finding out that
nothing about them is special. So a plain GET by nobody in particular is answered here:
with the bytes of the last time as long as the edition is the same, which one statement
tells; and what was not asked for before, from one statement more. All else, and whatever
is odd about a request, is for the view set, whose answers are the same. It is loaded by
the first that is for it.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt

from accounts.api.cursors import Page
from accounts.api.throttles import AnonymousThrottle, address_of
from accounts.models import Edition
from accounts.prepared import Prepared
from blog.api import rows
from blog.kept import Answer, Shelf

type View = Callable[..., HttpResponseBase]

SHELF: Final = Shelf()
ANY_READER: Final = {None, "", "*/*", "application/json"}
LIST: Final = {"get": "list", "post": "create"}
DETAIL: Final = {
    "get": "retrieve",
    "put": "update",
    "patch": "partial_update",
    "delete": "destroy",
}
HEADERS: Final = {
    "Content-Type": "application/json",
    # Whoever keeps it asks each time whether it is still the same.
    "Cache-Control": "no-cache",
    "Vary": "Accept, Authorization, Cookie",
}


# The rest of this module's view sets decide themselves who may, as all of the API does.
@csrf_exempt
@login_not_required
def posts(request: HttpRequest) -> HttpResponseBase:
    page = Page.of(request) if _is_plain(request) else None
    if not page:
        return _list()(request)
    answer = _kept(page.address) or _listed(page)
    if not (answer and _admits(request)):
        return _list()(request)
    SHELF.put(page.address, answer)
    return _response(request, answer, "GET, POST, HEAD, OPTIONS")


@csrf_exempt
@login_not_required
def post(request: HttpRequest, slug: str) -> HttpResponseBase:
    if not _is_plain(request) or request.GET:
        return _detail()(request, slug=slug)
    address = request.build_absolute_uri()
    answer = _kept(address) or _read(slug)
    if not (answer and _admits(request)):
        return _detail()(request, slug=slug)
    SHELF.put(address, answer)
    return _response(request, answer, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS")


def _is_plain(request: HttpRequest) -> bool:
    """Whether it is what a browser, script or robot sends that has never been here."""
    return (
        request.method == "GET"
        and request.META.get("HTTP_ACCEPT") in ANY_READER
        and "HTTP_AUTHORIZATION" not in request.META
        and settings.SESSION_COOKIE_NAME not in request.COOKIES
    )


def _kept(address: str) -> Answer | None:
    answer = SHELF.get(address)
    return answer if answer and answer.edition == _edition() else None


def _listed(page: Page) -> Answer | None:
    """None, if the page is empty."""
    found = rows.newest(page.size + 1, page.before)
    if not found:
        return None
    links = page.links([row["pk"] for row in found])
    results = [rows.summary(row) for row in found[: page.size]]
    return _answer(found[0]["edition"], links | {"results": results})


def _read(slug: str) -> Answer | None:
    """None, if there is nothing that everybody may read."""
    row = rows.published(slug)
    return _answer(row["edition"], rows.shown(row)) if row else None


def _answer(edition: UUID | None, shown: Any) -> Answer | None:
    if not edition:
        return None
    body = rows.written(shown)
    return Answer(edition, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _admits(request: HttpRequest) -> bool:
    """Count the request. Whoever asks too often is told so by the view set."""
    return AnonymousThrottle().admits(address_of(request))


def _response(request: HttpRequest, answer: Answer, allow: str) -> HttpResponseBase:
    response = HttpResponse(answer.body, headers={**HEADERS, "Allow": allow})
    response["ETag"] = answer.etag
    return get_conditional_response(request, answer.etag, response=response) or response


def _editions() -> QuerySet[Any, Any]:
    return Edition.objects.filter(pk=Edition.ONLY).values_list("mark")


read_edition: Final = Prepared(_editions)


def _edition() -> UUID | None:
    return next((mark for (mark,) in read_edition()), None)


@cache
def _list() -> View:
    return _view(LIST)


@cache
def _detail() -> View:
    return _view(DETAIL)


def _view(actions: dict[str, str]) -> View:
    # REST framework takes longer to load than all that a reader needs.
    view: View = import_module("blog.api.views").PostViewSet.as_view(actions)
    return view


urlpatterns = [path("", posts), path("<slug:slug>/", post)]
