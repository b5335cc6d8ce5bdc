"""What a view may rely on."""

from django.http import HttpRequest

from accounts.models import User


class AuthenticatedRequest(HttpRequest):
    """Of somebody signed in: pages require that unless they say otherwise."""

    user: User
