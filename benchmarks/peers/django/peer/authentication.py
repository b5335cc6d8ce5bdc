import hashlib
from typing import Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from peer.models import User


class TokenAuthentication(BaseAuthentication):
    """As DRF's own, with the hash of the token in the row of the user."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if scheme != b"Token":
            return None
        digest = hashlib.sha512(token).hexdigest()
        user = User.objects.filter(token_digest=digest).first()
        if user is None:
            raise AuthenticationFailed("No such token.")
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return "Token"
