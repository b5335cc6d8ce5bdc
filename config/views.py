"""What belongs to no app: health, and addresses at which there is nothing."""

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import page_not_found

from accounts.http import own_memberships
from accounts.roles import Role
from config.problems import problem_response


# Asked by load balancers and people without an account.
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


# As above.
@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """503 while the database does not answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse(
            "The database does not answer.", status=503, content_type="text/plain"
        )
    return HttpResponse("ok", content_type="text/plain")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page that tells nobody to ask an owner who is one, or has none to ask."""
    roles = {row.role for row in own_memberships(request)}
    context = {"has_owner": bool(roles - {Role.OWNER})}
    return render(request, "403.html", context, status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page for people; a problem (RFC 9457) for scripts."""
    # Most addresses lead somewhere.
    from config.apologies import apology  # noqa: PLC0415 - as said above

    if sorry := apology(request, HTTPStatus.NOT_FOUND, "missing"):
        return sorry
    if not request.path_info.startswith("/api/"):
        return page_not_found(request, exception)
    return problem_response(
        HTTPStatus.NOT_FOUND,
        "not_found",
        "There is no such address; /api/docs/ lists those that are.",
    )
