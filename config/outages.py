"""What people and scripts are told while the database is away."""

import sys
from http import HTTPStatus
from typing import Any, Final

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

from config.problems import problem_response

# Numbers of the server and of its client for "not now": full, shutting down, connection
# killed or timed out; not reached, of unknown name, gone, lost.
AWAY: Final = frozenset({1040, 1053, 1927, 4031, 2002, 2003, 2005, 2006, 2013, 2055})
# Seconds; one that sleeps takes about as long to wake.
RETRY_AFTER: Final = 15


def broken(request: HttpRequest) -> HttpResponse:
    """The answer to what nobody caught: a 503 while the database is away, else a 500."""
    return _away(request) if is_away(sys.exception()) else _broken(request)


def is_away(error: BaseException | None) -> bool:
    """Whether the error, or one that led to it, is that the database is not there."""
    while error is not None:
        if isinstance(error, Error) and error.args and error.args[0] in AWAY:
            return True
        error = error.__cause__ or error.__context__
    return False


def _broken(request: HttpRequest) -> HttpResponse:
    if _is_script(request):
        return problem_response(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internal_error",
            "This failed on our side, and our log says where. Look whether it was done, "
            "or ask again with the same Idempotency-Key.",
        )
    sorry = _apology(request, HTTPStatus.INTERNAL_SERVER_ERROR, "broken")
    return sorry or server_error(request)


def _away(request: HttpRequest) -> HttpResponse:
    # A form must not be sent again by itself.
    again = RETRY_AFTER if request.method == "GET" else None
    if _is_script(request):
        response = problem_response(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "database_unavailable",
            f"The database does not answer. Try again in {RETRY_AFTER} seconds.",
        )
    else:
        response = _apology(
            request, HTTPStatus.SERVICE_UNAVAILABLE, "away", again
        ) or HttpResponse(
            render_to_string("503.html", {"again": again}),
            status=HTTPStatus.SERVICE_UNAVAILABLE,
        )
    response["Retry-After"] = str(RETRY_AFTER)
    response["Cache-Control"] = "no-store"
    return response


def _is_script(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def _apology(request: HttpRequest, *said: Any) -> HttpResponse | None:
    # Most requests fail nobody.
    from config.apologies import apology  # noqa: PLC0415 - as said above

    return apology(request, *said)
