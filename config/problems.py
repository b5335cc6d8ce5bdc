"""What a script is told that something is wrong: a problem, as RFC 9457 writes it."""

from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponse, JsonResponse

CONTENT_TYPE: Final = "application/problem+json"


def problem_of(status: HTTPStatus, code: str, detail: str) -> dict[str, Any]:
    """:param code: for programs, and stable; `detail` is for people"""
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": detail,
    }


def problem_response(status: HTTPStatus, code: str, detail: str) -> HttpResponse:
    body = problem_of(status, code, detail)
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE)
