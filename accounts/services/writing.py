"""Setting the fields of a row that a caller may set."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model


def set_fields(row: Model, fields: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """:raises TypeError: if one is not allowed: a mistake of the code's, not a person's"""
    if unknown := set(fields) - allowed:
        names = ", ".join(sorted(unknown))
        raise TypeError(f"not for a caller to set on {row._meta.verbose_name}: {names}")
    for name, value in fields.items():
        setattr(row, name, value)
