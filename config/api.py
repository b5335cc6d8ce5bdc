"""The API's frame: pagination, and errors as RFC 9457 problems with stable codes."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.api.cursors import LARGEST_PAGE, PAGE_SIZE
from accounts.exceptions import InvalidInput, KeyReused, Refusal, StillRunning
from config.problems import CONTENT_TYPE, problem_of


class NewestFirst(CursorPagination):
    """Pages by cursor, newest first: page 10,000 costs what page 1 does."""

    page_size = PAGE_SIZE
    page_size_query_param = "page_size"
    max_page_size = LARGEST_PAGE
    ordering = "-id"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """:raises NotFound: if it is not one that a page named"""
        cursor = super().decode_cursor(request)
        # A page begins at an id, and the first at none.
        position = cursor.position if cursor else None
        if position is not None and not str(position).isdecimal():
            raise exceptions.NotFound(self.invalid_cursor_message)
        return cursor


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """
    Any refusal as a problem; anything unforeseen stays a 500.

    `code` is stable. `errors`, where the input is wrong, names each field; of a row in a
    list, below its index.
    """
    if isinstance(error, Refusal):
        return _refused(error)
    if isinstance(error, ValidationError):
        return _invalid(_messages(error))
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        return _invalid(error.detail)
    status = HTTPStatus(response.status_code)
    answer = _response(status, _code(error), _sentence(error, status))
    for name in ("WWW-Authenticate", "Retry-After"):
        if name in response.headers:
            answer[name] = response.headers[name]
    return answer


def _refused(error: Refusal) -> Response:
    status = HTTPStatus.CONFLICT
    if isinstance(error, InvalidInput):
        status = HTTPStatus.BAD_REQUEST
    elif isinstance(error, KeyReused):
        # As the draft for Idempotency-Key has it.
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    answer = _response(status, error.code, str(error))
    if isinstance(error, StillRunning):
        answer["Retry-After"] = "1"
    return answer


def _messages(error: ValidationError) -> Any:
    if not hasattr(error, "error_dict"):
        return {"non_field_errors": error.messages}
    # The API has one name for what concerns no single field.
    return {
        "non_field_errors" if name == NON_FIELD_ERRORS else name: messages
        for name, messages in error.message_dict.items()
    }


def _invalid(errors: Any) -> Response:
    return _response(
        HTTPStatus.BAD_REQUEST,
        "invalid",
        "Something in the request is wrong; see errors.",
        errors=_by_row(errors) if isinstance(errors, dict) else errors,
    )


def _by_row(errors: dict[str, Any]) -> dict[str, Any]:
    """Services name the field of a row in one word: `lines.0.quantity`."""
    shown: dict[str, Any] = {}
    for name, messages in errors.items():
        *rows, field = str(name).split(".")
        at = shown
        for row in rows:
            at = at.setdefault(row, {})
        at[field] = messages
    return shown


def _code(error: Exception) -> str:
    if isinstance(error, Http404):
        return "not_found"
    if isinstance(error, PermissionDenied):
        return "permission_denied"
    codes = getattr(error, "get_codes", lambda: "error")()
    return codes if isinstance(codes, str) else "invalid"


def _sentence(error: Exception, status: HTTPStatus) -> str:
    if isinstance(error, Http404):
        return "There is nothing here, or nothing that you may see."
    detail = getattr(error, "detail", status.phrase)
    return str(detail)


def _response(status: HTTPStatus, code: str, detail: str, **more: Any) -> Response:
    body = _encodable(problem_of(status, code, detail) | more)
    return Response(body, status=status, content_type=CONTENT_TYPE)


def _encodable(part: Any) -> Any:
    """What was wrong may be quoted, and be half of a surrogate pair: no letter at all."""
    if isinstance(part, str):
        return part.encode(errors="replace").decode()
    if isinstance(part, dict):
        return {name: _encodable(value) for name, value in part.items()}
    return [_encodable(value) for value in part] if isinstance(part, list) else part
