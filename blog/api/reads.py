"""
What everybody may read of the blog, without asking who reads.

Most requests are of this kind, and most of their time would go into finding out that
nothing about them is special. So a plain GET by nobody in particular is answered here:
with the bytes of the last time as long as the edition is the same, which one statement
tells; and a post that was not asked for before, from one statement more. All else, and
whatever is odd about a request, is for the view set, whose answers are the same.
"""

import hashlib
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from rest_framework.renderers import JSONRenderer

from accounts.api.throttles import AnonymousThrottle
from accounts.models import Edition
from accounts.prepared import Prepared
from blog.api import rows
from blog.api.views import PostViewSet
from blog.kept import Answer, Shelf

SHELF: Final = Shelf()
ANY_READER: Final = {None, "", "*/*", "application/json"}
LIST: Final = PostViewSet.as_view({"get": "list", "post": "create"})
DETAIL: Final = PostViewSet.as_view(
    {
        "get": "retrieve",
        "put": "update",
        "patch": "partial_update",
        "delete": "destroy",
    }
)
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
    if not _is_plain(request):
        return LIST(request)
    address, edition = request.build_absolute_uri(), _edition()
    kept = SHELF.get(address)
    if kept and kept.edition == edition and _admits(request):
        return _response(request, kept, "GET, POST, HEAD, OPTIONS")
    response: HttpResponse = LIST(request).render()
    if not edition or response.status_code != HTTPStatus.OK:
        return response
    answer = _answer(edition, response.content)
    SHELF.put(address, answer)
    return _response(request, answer, "GET, POST, HEAD, OPTIONS")


@csrf_exempt
@login_not_required
def post(request: HttpRequest, slug: str) -> HttpResponseBase:
    if not _is_plain(request) or request.GET:
        return DETAIL(request, slug=slug)
    address = request.build_absolute_uri()
    answer = SHELF.get(address)
    if not (answer and answer.edition == _edition()):
        answer = _post(slug)
    if not (answer and _admits(request)):
        return DETAIL(request, slug=slug)
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


def _admits(request: HttpRequest) -> bool:
    """Count the request. Whoever asks too often is told so by the view set."""
    return AnonymousThrottle().admits_nobody(request)


def _response(request: HttpRequest, answer: Answer, allow: str) -> HttpResponseBase:
    response = HttpResponse(answer.body, headers={**HEADERS, "Allow": allow})
    response["ETag"] = answer.etag
    return get_conditional_response(request, answer.etag, response=response) or response


def _answer(edition: UUID, body: bytes) -> Answer:
    return Answer(edition, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _editions() -> QuerySet[Any, Any]:
    return Edition.objects.filter(pk=Edition.ONLY).values_list("mark")


read_edition: Final = Prepared(_editions)


def _edition() -> UUID | None:
    return next((mark for (mark,) in read_edition()), None)


def _post(slug: str) -> Answer | None:
    row = rows.published(slug)
    if row is None or row["edition"] is None:
        return None
    return _answer(row["edition"], JSONRenderer().render(rows.shown(row)))
