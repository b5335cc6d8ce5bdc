"""Whose token a request carries: one statement."""

from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet
from django.utils import timezone
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import ApiToken, User
from accounts.prepared import Prepared

USER: Final = [field.attname for field in User._meta.concrete_fields]
TOKEN: Final = [field.attname for field in ApiToken._meta.concrete_fields]


def _tokens(digest: str) -> QuerySet[Any, Any]:
    columns = [*TOKEN, *(f"user__{name}" for name in USER)]
    return ApiToken.objects.filter(digest=digest).values_list(*columns)


_find: Final = Prepared(_tokens, "digest")


class TokenAuthentication(KnoxAuthentication):
    """
    As knox's, found by the whole hash rather than by what tokens begin with.

    Whoever can compare the times that an index takes learns of a hash, not of a key. A
    token that has expired is refused, and stays for its owner to see.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        """:raises AuthenticationFailed: if the token is unknown, old, or of nobody"""
        for row in _find(digest=hash_token(token.decode(errors="replace"))):
            found = ApiToken.from_db(DEFAULT_DB_ALIAS, TOKEN, row[: len(TOKEN)])
            found.user = User.from_db(DEFAULT_DB_ALIAS, USER, row[len(TOKEN) :])
            if found.expiry > timezone.now():
                holder: tuple[User, ApiToken] = self.validate_user(found)
                return holder
        raise AuthenticationFailed("Invalid token.")
