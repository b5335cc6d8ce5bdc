from typing import Any, cast

from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts.http import person
from accounts.models import Business
from accounts.roles import Permission
from invoices.api.permissions import WritesBooks


def business_of(request: Request, fields: dict[str, Any]) -> Business:
    """
    Takes the business out of the fields; the only one that the person writes for, where
    none is given.

    :raises PermissionDenied: if the person may not write its books, or any
    :raises ValidationError: if there are several and none is given
    """
    writable = Business.objects.for_user(person(request), Permission.WRITE_BOOKS)
    if business := fields.pop("business", None):
        if not writable.filter(pk=business.pk).exists():
            raise PermissionDenied(WritesBooks.message)
        return cast("Business", business)
    own = list(writable[:2])
    if not own:
        raise PermissionDenied("Your role may not write the books of a business.")
    if len(own) > 1:
        raise serializers.ValidationError(
            {"business": ["You write the books of several: say of which."]}
        )
    return own[0]
