"""Columns whose comparison must be the same on every database."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import lookups
from django.db.models.expressions import Combinable


class ExactMixin:
    """
    Compares byte by byte on MySQL, as SQLite does anyway; spaces at the end alone do
    not count there.

    MySQL's default collation takes `pi_3AbC` and `pi_3aBC`, or `jose` and `josé`, for
    one key. (`db_collation` is no way out: SQLite does not know `utf8mb4_bin`.)
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        # Of the field that this is mixed into.
        parameters: dict[str, Any] = super().db_parameters(connection)  # type: ignore[misc] # as above
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters


class ExactCharField[S = str | Combinable, G = str](ExactMixin, models.CharField[S, G]):
    """Text in which case and accents matter: tokens, ids of other systems."""


class LowercaseCharField(ExactMixin, models.CharField[str, str]):
    """Text in which case does not matter: written and looked up in lower case."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return value.lower() if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        # An expression is worked out by the database.
        if isinstance(value, str):
            value = value.lower()
            setattr(model_instance, self.attname, value)
        return value


class LowercasePattern(lookups.Lookup[Any]):
    """Mixed into lookups by pattern, whose value Django does not prepare."""

    def get_prep_lookup(self) -> Any:
        value = super().get_prep_lookup()
        return value.lower() if isinstance(value, str) else value


for _pattern in (
    lookups.IExact,
    lookups.Contains,
    lookups.IContains,
    lookups.StartsWith,
    lookups.IStartsWith,
    lookups.EndsWith,
    lookups.IEndsWith,
):
    LowercaseCharField.register_lookup(
        type(f"Lowercase{_pattern.__name__}", (LowercasePattern, _pattern), {})
    )


class LowercaseEmailField(LowercaseCharField, models.EmailField[str, str]):
    """An e-mail address: `Jo@Example.com` and `jo@example.com` are one."""
