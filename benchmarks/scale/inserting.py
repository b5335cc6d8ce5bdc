"""Rows into a table, many times as fast as `bulk_create`: nothing is asked of the fields."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, Final

from django.db import connection
from django.db.models import DateTimeField, Field, JSONField, Model, UUIDField

CHUNK: Final = 1_000


def insert(rows: Sequence[Model]) -> None:
    """Rows of one model, with all of their values; MySQL or MariaDB."""
    if not rows:
        return
    statement, read = _written(type(rows[0]))
    with connection.cursor() as cursor:
        # The driver's own: Django's writes each row for its log.
        cursor.cursor.cursor.executemany(statement, [read(row) for row in rows])


@cache
def _written(model: type[Model]) -> tuple[str, Callable[[Any], list[Any]]]:
    fields = model._meta.concrete_fields
    quoted = connection.ops.quote_name
    columns = ", ".join(quoted(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    values = attrgetter(*(field.attname for field in fields))
    special = [
        (place, convert)
        for place, field in enumerate(fields)
        if (convert := _convert(field))
    ]

    def read(row: Any) -> list[Any]:
        found = list(values(row))
        for place, convert in special:
            found[place] = convert(found[place])
        return found

    return f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ({marks})", read  # noqa: S608 - names of ours


def _convert(field: Field[Any, Any]) -> Callable[[Any], Any] | None:
    if isinstance(field, DateTimeField):
        # What is written by itself where nobody said when.
        default = datetime.now(UTC) if field.auto_now or field.auto_now_add else None
        return lambda value: _naive(value or default)
    if isinstance(field, JSONField):
        return lambda value: None if value is None else json.dumps(value)
    if isinstance(field, UUIDField):
        native = connection.features.has_native_uuid_field
        return lambda value: str(value) if native else value.hex
    return None


def _naive(value: datetime | None) -> datetime | None:
    return value and value.astimezone(UTC).replace(tzinfo=None)
