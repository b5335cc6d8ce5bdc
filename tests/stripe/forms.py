"""Forms as Stripe's API takes them: bracketed keys in, values typed by a schema out."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

Schema = Mapping[str, Any]
Problems = list[str]

KEY_PARTS = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")
INTEGER = re.compile(r"-?\d{1,15}")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def decode(form: str) -> dict[str, Any]:
    """
    Undo the bracketed keys: `a[b]=1&c[0]=2` becomes `{"a": {"b": "1"}, "c": {"0": "2"}}`.

    :raises ValueError: if one key is both a value and a group
    """
    tree: dict[str, Any] = {}
    for key, value in parse_qsl(form, keep_blank_values=True):
        *groups, name = KEY_PARTS.findall(key)
        group = tree
        for part in groups:
            group = group.setdefault(part, {})
            if isinstance(group, str):
                raise ValueError(f"{key}: a value and a group at once")  # noqa: TRY004 - a wrong form
        group[name or str(len(group))] = value
    return tree


def read(value: Any, schema: Schema, path: str, problems: Problems) -> Any:
    """Type `value` by `schema`; what does not fit is added to `problems`."""
    if "anyOf" in schema:
        return _read_any(value, schema["anyOf"], path, problems)
    kind = schema.get("type", "object")
    return READERS[kind](value, schema, path, problems)


def _read_any(value: Any, schemas: list[Schema], path: str, problems: Problems) -> Any:
    attempts: list[Problems] = []
    for schema in schemas:
        found: Problems = []
        typed = read(value, schema, path, found)
        if not found:
            return typed
        attempts.append(found)
    # The alternative that got furthest into the value is the one that was meant.
    problems.extend(max(attempts, key=lambda problem: problem[0].count(".")))
    return None


def _read_object(value: Any, schema: Schema, path: str, problems: Problems) -> Any:
    if not isinstance(value, dict):
        problems.append(f"{path}: an object is expected, not {value!r}")
        return None
    if path.endswith("metadata"):
        _check_metadata(value, path, problems)
    missing = [name for name in schema.get("required", ()) if name not in value]
    problems.extend(f"{_join(path, name)}: required" for name in missing)
    return {
        name: _read_property(name, item, schema, path, problems)
        for name, item in value.items()
    }


def _read_property(
    name: str, value: Any, schema: Schema, path: str, problems: Problems
) -> Any:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties")
    if name in known:
        return read(value, known[name], _join(path, name), problems)
    if isinstance(others, dict):
        return read(value, others, _join(path, name), problems)
    problems.append(f"{_join(path, name)}: unknown parameter")
    return None


def _read_array(value: Any, schema: Schema, path: str, problems: Problems) -> Any:
    if value == "":
        return []
    if not isinstance(value, dict) or list(value) != list(map(str, range(len(value)))):
        problems.append(f"{path}: a list numbered from 0 is expected, not {value!r}")
        return None
    return [
        read(item, schema["items"], f"{path}[{index}]", problems)
        for index, item in value.items()
    ]


def _read_string(value: Any, schema: Schema, path: str, problems: Problems) -> Any:
    if not isinstance(value, str):
        problems.append(f"{path}: a string is expected, not {value!r}")
        return None
    longest = schema.get("maxLength", len(value))
    if len(value) > longest:
        problems.append(f"{path}: longer than {longest} characters")
    if "enum" in schema and value not in schema["enum"]:
        problems.append(f"{path}: {value!r} is none of {schema['enum']}")
    if not re.search(schema.get("pattern", ""), value):
        problems.append(f"{path}: {value!r} does not match {schema['pattern']}")
    if schema.get("format") == "decimal" and not NUMBER.fullmatch(value):
        problems.append(f"{path}: a decimal is expected, not {value!r}")
    return value


def _read_integer(value: Any, _schema: Schema, path: str, problems: Problems) -> Any:
    if isinstance(value, str) and INTEGER.fullmatch(value):
        return int(value)
    problems.append(f"{path}: an integer is expected, not {value!r}")
    return None


def _read_number(value: Any, _schema: Schema, path: str, problems: Problems) -> Any:
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return float(value)
    problems.append(f"{path}: a number is expected, not {value!r}")
    return None


def _read_boolean(value: Any, _schema: Schema, path: str, problems: Problems) -> Any:
    if value in ("true", "false"):
        return value == "true"
    problems.append(f"{path}: true or false is expected, not {value!r}")
    return None


def _check_metadata(value: Mapping[str, Any], path: str, problems: Problems) -> None:
    # Documented at docs.stripe.com/api/metadata, absent from the schemas of requests.
    if len(value) > 50:
        problems.append(f"{path}: more than 50 keys")
    for key, item in value.items():
        if len(key) > 40:
            problems.append(f"{_join(path, key)}: key longer than 40 characters")
        if len(item) > 500:
            problems.append(f"{_join(path, key)}: value longer than 500 characters")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


READERS: Mapping[str, Callable[[Any, Schema, str, Problems], Any]] = {
    "object": _read_object,
    "array": _read_array,
    "string": _read_string,
    "integer": _read_integer,
    "number": _read_number,
    "boolean": _read_boolean,
}
