"""The API's description, and a page to read it on."""

from collections.abc import Iterator
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
from config.problems import CONTENT_TYPE

ABOUT: Final = """\
Publish, invoice and get paid.

Send `Authorization: Token …` with each request. A token is made under *Account → API tokens*, holds for a year
and may do what its owner may.

**Amounts** are integers in minor units of `currency`: 1999 is 19.99 EUR, 1,999 JPY and 1.999 KWD. What people
type (prices, quantities, percentages) is text, in major units: `"19.99"`.

**Lists** come in pages of ten, newest first; `page_size` goes up to 100, and `next` is the address of the page after.

**What is refused** is `application/problem+json` (RFC 9457): test `code`, show `detail`.

**Every POST takes an `Idempotency-Key`.** Lost the answer? Ask again with the same key and the same body: what was
done is not done again, and you get the answer of the first time, with `Idempotent-Replayed: true`. A key is yours
alone, has up to 255 characters and is kept for 24 hours. Kept is what was done, and what was refused with 409; not
what was wrong with the request, nor what failed (5xx), of which nothing was done: ask again with the same key.

**Posts**, read without a token, have an `ETag`; `If-None-Match` is answered with 304 where nothing changed.
"""
PROBLEM: Final = {
    "type": "object",
    "description": "RFC 9457: what was refused, and was not done.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; test for this."},
        "detail": {"type": "string", "description": "A sentence for people."},
        "errors": {
            "type": "object",
            "additionalProperties": True,
            "description": (
                "With code `invalid`: sentences by field. Of a row in a list they are "
                'below its index: `{"lines": {"0": {"quantity": ["…"]}}}`. '
                "`non_field_errors` are about no single field."
            ),
        },
    },
    "required": ["type", "title", "status", "code", "detail"],
    "examples": [
        {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "code": "invalid",
            "detail": "Something in the request is wrong; see errors.",
            "errors": {"email": ["Enter a valid email address."]},
        }
    ],
}


def _refusal(description: str, **headers: str) -> dict[str, Any]:
    content = {"schema": {"$ref": "#/components/schemas/Problem"}}
    answer = {
        "description": description,
        "content": {CONTENT_TYPE: content},
    }
    told = {
        name.replace("_", "-"): {
            "description": said,
            "schema": {"type": "integer", "minimum": 1},
        }
        for name, said in headers.items()
    }
    return answer | ({"headers": told} if told else {})


# What may be answered, by status, and under which name it is described.
REFUSALS: Final = {
    "400": ("BadRequest", _refusal("Wrong in itself; `errors` names each field.")),
    "401": ("Unauthorized", _refusal("Without a token that is known and holds.")),
    "403": ("Forbidden", _refusal("Your role may not, or may only look.")),
    "404": ("NotFound", _refusal("Not there, or nothing that you may see.")),
    "409": (
        "Conflict",
        _refusal(
            "Refused as things stand, and nothing was done; `code` says why. "
            "`idempotency_key_in_use`: the first request under this key is not "
            "answered yet; ask again after `Retry-After` seconds."
        ),
    ),
    "422": (
        "KeyReused",
        _refusal("This Idempotency-Key was used for another request."),
    ),
    "429": (
        "TooManyRequests",
        _refusal("More than are taken in a minute.", Retry_After="Seconds."),
    ),
    "500": ("Broken", _refusal("A fault of ours. Ask again with the same key.")),
    "503": (
        "Unavailable",
        _refusal("The database does not answer.", Retry_After="Seconds."),
    ),
}
SHARED: Final = {
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
    "schemas": {"Problem": PROBLEM},
    "responses": dict(REFUSALS.values()),
}
# Every list has these; a wrong one is a 404, or as if it were not there.
PAGING: Final = frozenset({"cursor", "page_size"})
LINKS: Final = {
    name: {"type": ["string", "null"], "format": "uri", "description": said}
    for name, said in {
        "next": "The address of the page after; null on the last.",
        "previous": "The address of the page before; null on the first.",
    }.items()
}
# Documents that there are in some of an invoice's statuses only.
OF_A_STATUS: Final = ("/document/", "/document/preview/", "/mail-preview/")
ID: Final = "5e0f0ad2-6a0c-4c5e-9d0f-2b8f6a1e7c34"
DRAFT: Final = {
    "customer": ID,
    "currency": "EUR",
    "reference": "PO 1001",
    "lines": [
        {
            "description": "Design",
            "quantity": "2.5",
            "unit": "h",
            "unit_price": "240",
            "tax_rate": ID,
        }
    ],
}
# What one sends, by operation: the job that most come for.
EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "customers_create": {
        "name": "Example Ltd",
        "email": "pay@example.com",
        "address": "1 Market Square\nSpringfield",
        "country": "DE",
    },
    "tax_rates_create": {"name": "VAT 19 %", "percent": "19"},
    "invoices_create": DRAFT,
    "invoices_preview": DRAFT | {"wanted_total": "714.00"},
    "manual_payments_create": {
        "invoice": ID,
        "method": "transfer",
        "amount": 71400,
        "received_on": "2026-03-01",
        "reference": "Statement 7",
    },
    "refunds_create": {"payment": ID, "amount": 1000, "reason": "Goodwill"},
    "credit_notes_create": {
        "invoice": ID,
        "lines": [{"position": 0, "quantity": "0.5"}],
        "reason": "Half an hour less",
        "to_balance": 14280,
    },
    "webhook_endpoints_create": {
        "business": ID,
        "url": "https://hooks.example.com/",
        "types": ["invoice.*"],
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


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular's: what is the same for all, and no view says."""
    result["info"]["description"] = ABOUT
    shared = result.setdefault("components", {})
    for kind, described in SHARED.items():
        shared.setdefault(kind, {}).update(described)
    for name, one in shared["schemas"].items():
        if name.startswith("Paginated"):
            one["properties"].update(LINKS)
        elif "oneOf" in one:
            # What others may see of a person, oneself sees too.
            one["anyOf"] = one.pop("oneOf")
    for address, methods in result["paths"].items():
        for method, operation in methods.items():
            _complete(address, method, operation)
        if "post" in methods:
            _describe_post(methods["post"], is_act=list(methods) == ["post"])
    return result


def _complete(address: str, method: str, operation: dict[str, Any]) -> None:
    # Of a view that answers with a file or a problem, which is no choice of the caller's.
    said = operation.get("parameters", [])
    operation["parameters"] = [one for one in said if one["name"] != "format"]
    answers = operation["responses"]
    for status in _refused(address, method, operation):
        answers.setdefault(status, _named("responses", REFUSALS[status][0]))


def _refused(address: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    asked = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
    writes = method != "get"
    if method in {"post", "put", "patch"} or asked - PAGING:
        yield "400"
    yield "401"
    if writes or "webhook" in address:
        yield "403"
    if "{" in address or asked & PAGING or address.endswith("/refunds/"):
        yield "404"
    if writes or address.endswith(OF_A_STATUS):
        yield "409"
    if method == "post":
        yield "422"
    yield from ("429", "500", "503")


def _describe_post(operation: dict[str, Any], *, is_act: bool) -> None:
    operation["parameters"].append(_named("parameters", HEADER))
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            answer.setdefault("headers", {})[REPLAYED] = _named("headers", REPLAYED)
    if is_act:
        # Nothing is created at an address that nobody can read: invoices_finalize.
        operation["operationId"] = operation["operationId"].removesuffix("_create")
    if example := EXAMPLES.get(operation["operationId"]):
        operation["requestBody"]["content"]["application/json"]["example"] = example


def _named(kind: str, name: str) -> dict[str, str]:
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
