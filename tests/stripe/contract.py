"""Stripe's published OpenAPI, held against every request and every answer of a test."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.stripe import description, forms
from tests.stripe import params as declared

PATHS = (
    "/v1/balance_transactions",
    "/v1/charges",
    "/v1/checkout/sessions",
    "/v1/disputes",
    "/v1/events",
    "/v1/payment_intents",
    "/v1/radar/early_fraud_warnings",
    "/v1/refunds",
)

# The description is of 2026-05-27.dahlia. What 2026-10-28.endive changed in the calls
# above, from the differences between the SDKs of the two versions:
REMOVED_PARAMETERS = {
    ("POST", "/v1/checkout/sessions"): "payment_method_types",
    ("POST", "/v1/payment_intents"): "payment_method_types",
    ("POST", "/v1/payment_intents/{intent}"): "payment_method_types",
}
STRINGS = {"type": "array", "items": {"type": "string", "maxLength": 5000}}
ADDED_PARAMETERS = {
    ("POST", "/v1/checkout/sessions"): {"allowed_payment_method_types": STRINGS},
}
ADDED_FIELDS = {
    "checkout.session": {"allowed_payment_method_types": STRINGS | {"nullable": True}},
}

ADDED_VALUES = {
    ("dispute", "status"): ["appeal_needs_response", "appeal_under_review"],
}

Schema = Mapping[str, Any]


class ContractError(AssertionError):
    """A request that Stripe would not understand, or an answer it would not give."""


@dataclass(frozen=True)
class Call:
    """A request found in the contract, its parameters typed by their schema."""

    method: str
    path: str
    template: str
    ids: tuple[str, ...]
    params: dict[str, Any]


class Contract:
    def __init__(self, published: Mapping[str, Any]) -> None:
        self.version: str = published["version"]
        self._schemas: dict[str, Any] = published["schemas"]
        self._paths: dict[str, Any] = published["paths"]
        self._apply_endive()
        self._patterns = [
            (re.compile(re.sub(r"\{[^}]+\}", "([^/]+)", template)), template)
            for template in sorted(self._paths, key=lambda path: path.count("{"))
        ]

    def check_request(self, method: str, url: str, body: str | None) -> Call:
        """
        Read a request as Stripe would.

        :raises ContractError: if Stripe or the pinned SDK has no such call or parameter
        """
        address = urlsplit(url)
        operation, template, ids = self._find(method, address.path)
        if method == "POST" and address.query:
            raise ContractError(f"POST {template}: parameters belong in the body")
        form = body or "" if method == "POST" else address.query
        params = self._read(f"{method} {template}", operation, form)
        _refuse(f"{method} {template}", declared.undeclared(method, template, params))
        return Call(method, address.path, template, ids, params)

    def check_response(
        self, method: str, path: str, status: int, answer: Mapping[str, Any]
    ) -> None:
        """:raises ContractError: if Stripe's schema for this answer does not fit"""
        operation, template, _ = self._find(method, path)
        responses = operation["responses"]
        response = responses.get(str(status), responses["default"])
        schema = response["content"]["application/json"]["schema"]
        subject = f"{method} {template} answered {status}"
        _refuse(subject, self._misfits(answer, schema, ""))

    def check_object(self, answer: Mapping[str, Any]) -> None:
        """:raises ContractError: if an object does not fit the schema it names"""
        schema = self._schemas[answer["object"]]
        _refuse(answer["object"], self._misfits(answer, schema, ""))

    def skeleton(self, name: str) -> dict[str, Any]:
        """An object with every field that is required, and null where that is allowed."""
        return dict(self._least(self._schemas[name]))

    def _apply_endive(self) -> None:
        for (method, template), name in REMOVED_PARAMETERS.items():
            self._parameters(method, template).pop(name, None)
        for (method, template), added in ADDED_PARAMETERS.items():
            self._parameters(method, template).update(added)
        for name, fields in ADDED_FIELDS.items():
            self._schemas[name]["properties"].update(fields)
        for (name, field), values in ADDED_VALUES.items():
            self._schemas[name]["properties"][field]["enum"].extend(values)

    def _parameters(self, method: str, template: str) -> dict[str, Any]:
        operation = self._paths[template][method.lower()]
        parameters: dict[str, Any] = self._form_schema(operation)["properties"]
        return parameters

    def _find(self, method: str, path: str) -> tuple[Any, str, tuple[str, ...]]:
        for pattern, template in self._patterns:
            found = pattern.fullmatch(path)
            if found and method.lower() in self._paths[template]:
                return self._paths[template][method.lower()], template, found.groups()
        raise ContractError(f"{method} {path}: no such call")

    def _read(self, subject: str, operation: Schema, form: str) -> dict[str, Any]:
        problems: list[str] = []
        try:
            tree = forms.decode(form)
        except ValueError as error:
            raise ContractError(f"{subject}: {error}") from error
        schema = self._form_schema(operation) or _query_schema(operation)
        params = forms.read(tree, schema, "", problems)
        _refuse(subject, problems)
        return dict(params)

    @staticmethod
    def _form_schema(operation: Schema) -> Any:
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/x-www-form-urlencoded", {}).get("schema", {})
        return schema if schema.get("properties") else {}

    def _resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        return schema

    def _least(self, schema: Schema) -> Any:
        """The smallest value that fits."""
        schema = self._resolve(schema)
        if schema.get("nullable"):
            return None
        if "anyOf" in schema:
            return self._least(schema["anyOf"][0])
        if "enum" in schema:
            return schema["enum"][0]
        empty = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": []}
        if schema["type"] in empty:
            return empty[schema["type"]]
        required = schema.get("required", ())
        return {
            name: self._least(field)
            for name, field in schema.get("properties", {}).items()
            if name in required or field.get("nullable")
        }

    def _misfits(self, value: Any, schema: Schema, path: str) -> Iterator[str]:
        schema = self._resolve(schema)
        if value is None:
            if not schema.get("nullable"):
                yield f"{path}: null"
        elif "anyOf" in schema:
            yield from self._misfits_of_all(value, schema["anyOf"], path)
        elif schema.get("type") == "object":
            yield from self._object_misfits(value, schema, path)
        elif schema.get("type") == "array":
            yield from self._array_misfits(value, schema, path)
        else:
            yield from _scalar_misfits(value, schema, path)

    def _misfits_of_all(
        self, value: Any, schemas: list[Schema], path: str
    ) -> list[str]:
        attempts = [list(self._misfits(value, schema, path)) for schema in schemas]
        return min(attempts, key=len)

    def _object_misfits(self, value: Any, schema: Schema, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is no object"
            return
        known = schema.get("properties", {})
        others = schema.get("additionalProperties")
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{path}.{name}: missing"
        for name, item in value.items():
            if name in known:
                yield from self._misfits(item, known[name], f"{path}.{name}")
            elif isinstance(others, dict):
                yield from self._misfits(item, others, f"{path}.{name}")
            elif known and not others:
                yield f"{path}.{name}: not a field of Stripe's"

    def _array_misfits(self, value: Any, schema: Schema, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        for index, item in enumerate(value):
            yield from self._misfits(item, schema["items"], f"{path}[{index}]")


@functools.cache
def published() -> Contract:
    """The contract, read once a process."""
    return Contract(description.load(PATHS))


def _query_schema(operation: Schema) -> Schema:
    queries = [
        query for query in operation.get("parameters", ()) if query["in"] == "query"
    ]
    return {
        "type": "object",
        "properties": {query["name"]: query["schema"] for query in queries},
        "required": [query["name"] for query in queries if query.get("required")],
    }


def _scalar_misfits(value: Any, schema: Schema, path: str) -> Iterator[str]:
    types: dict[str, Any] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
    }
    expected = types.get(schema.get("type", ""), object)
    if not isinstance(value, expected) or (
        isinstance(value, bool) and schema.get("type") in ("integer", "number")
    ):
        yield f"{path}: {value!r} is no {schema['type']}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"


def _refuse(subject: str, problems: Iterator[str] | list[str]) -> None:
    if found := list(problems):
        raise ContractError(f"{subject}: {'; '.join(found)}")
