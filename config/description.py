"""The API's description, and a page to read it on."""

from typing import Any, Final

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
from accounts.api.idempotency import HEADER, LONGEST, REPLAYED

PROBLEM: Final = {
    "application/problem+json": {
        "schema": {
            "type": "object",
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "code": {"type": "string", "description": "Stable; test for this."},
                "detail": {"type": "string", "description": "A sentence for people."},
            },
            "required": ["type", "title", "status", "code", "detail"],
        }
    }
}
KEYS: Final = {
    "parameters": {
        HEADER: {
            "name": HEADER,
            "in": "header",
            "description": (
                "Made up by you, such as a UUID: asked again with it within 24 hours, the "
                "request is answered as the first time, and nothing is done twice."
            ),
            "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
        }
    },
    "headers": {
        REPLAYED: {
            "description": "`true`, if this was done before under the same key.",
            "schema": {"type": "string", "enum": ["true"]},
        }
    },
    "responses": {
        "Conflict": {
            "description": (
                "Refused as things stand, and nothing was done; `code` says why. "
                "`idempotency_key_in_use`: the first request under this key is not "
                "answered yet; ask again after `Retry-After` seconds."
            ),
            "content": PROBLEM,
        },
        "KeyReused": {
            "description": "This Idempotency-Key was used for another request.",
            "content": PROBLEM,
        },
    },
}


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call] # a base without types
    """Found by the name of its class: our tokens are described as knox's."""

    target_class = "accounts.api.authentication.TokenAuthentication"


def describe[Endpoints](endpoints: Endpoints) -> Endpoints:
    """A hook of drf-spectacular's, which has found the views and not yet read them."""
    vars(api_settings)["DEFAULT_SCHEMA_CLASS"] = AutoSchema
    schema.apply()
    return endpoints


def with_keys(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular's: what Idempotency-Key does is the same at every POST."""
    shared = result.setdefault("components", {})
    for kind, described in KEYS.items():
        shared.setdefault(kind, {}).update(described)
    for methods in result["paths"].values():
        if "post" in methods:
            _describe_key(methods["post"])
    return result


def _describe_key(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(_shared("parameters", HEADER))
    answers = operation["responses"]
    for status, answer in answers.items():
        if status.startswith("2"):
            headers = answer.setdefault("headers", {})
            headers[REPLAYED] = _shared("headers", REPLAYED)
    answers.setdefault("409", _shared("responses", "Conflict"))
    answers.setdefault("422", _shared("responses", "KeyReused"))


def _shared(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


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
