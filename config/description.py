"""The API's description, and a page to read it on."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.settings import api_settings

from accounts.api import schema


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call] # a base without types
    """Found by the name of its class: our tokens are described as knox's."""

    target_class = "accounts.api.authentication.TokenAuthentication"


def describe[Endpoints](endpoints: Endpoints) -> Endpoints:
    """A hook of drf-spectacular's, which has found the views and not yet read them."""
    vars(api_settings)["DEFAULT_SCHEMA_CLASS"] = AutoSchema
    schema.apply()
    return endpoints


# Swagger UI writes style attributes; its scripts are files.
api_docs = csp_override(
    settings.SECURE_CSP | {"style-src": [CSP.SELF, CSP.UNSAFE_INLINE]}
)(SpectacularSwaggerSplitView.as_view(url_name="api-schema"))

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path(
        "docs/",
        # Public, as the schema it shows is.
        login_not_required(api_docs),
        name="api-docs",
    ),
]
