"""Who may write the books that they see."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts import selectors
from accounts.http import person
from accounts.roles import Permission


class WritesBooks(BasePermission):
    """Of a row of a business: whoever may see it reads it, and some roles write it."""

    message = "Your role may not write the books of this business."

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return request.method in SAFE_METHODS or selectors.may(
            person(request), Permission.WRITE_BOOKS, obj.business
        )
