"""What people and scripts are told while the database is away."""

import sys
from http import HTTPStatus
from typing import Final

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

# Numbers of the server and of its client for "not now": full, shutting down, connection
# killed or timed out; not reached, of unknown name, gone, lost.
AWAY: Final = frozenset({1040, 1053, 1927, 4031, 2002, 2003, 2005, 2006, 2013, 2055})
# Seconds; one that sleeps takes about as long to wake.
RETRY_AFTER: Final = 15


def broken(request: HttpRequest) -> HttpResponse:
    """The answer to what nobody caught: a 503 while the database is away, else a 500."""
    if not is_away(sys.exception()):
        return server_error(request)
    response = _problem() if request.path_info.startswith("/api/") else _page(request)
    response["Retry-After"] = str(RETRY_AFTER)
    response["Cache-Control"] = "no-store"
    return response


def is_away(error: BaseException | None) -> bool:
    """Whether the error, or one that led to it, is that the database is not there."""
    while error is not None:
        if isinstance(error, Error) and error.args and error.args[0] in AWAY:
            return True
        error = error.__cause__ or error.__context__
    return False


def _page(request: HttpRequest) -> HttpResponse:
    # A form must not be sent again by itself.
    again = RETRY_AFTER if request.method == "GET" else None
    return HttpResponse(
        render_to_string("503.html", {"again": again}),
        status=HTTPStatus.SERVICE_UNAVAILABLE,
    )


def _problem() -> HttpResponse:
    body = {
        "type": "about:blank",
        "title": HTTPStatus.SERVICE_UNAVAILABLE.phrase,
        "status": HTTPStatus.SERVICE_UNAVAILABLE,
        "code": "database_unavailable",
        "detail": f"The database does not answer. Try again in {RETRY_AFTER} seconds.",
    }
    return JsonResponse(
        body,
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        content_type="application/problem+json",
    )
