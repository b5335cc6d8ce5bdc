"""Queries that the ORM writes once, and each call runs."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.models import QuerySet, Value


class _Given(str):
    """Stands where a value will be; its text is the value's name."""


class Prepared:
    """
    Rows of a query whose values alone change from call to call.

    Writing the SQL of a few joins takes the ORM ten times as long as the database takes
    to answer it. Here the first call has it written, with a stand-in for each value.

    :param make: a `values_list`, of expressions that stand for the values
    :param names: of the values, which the database gets as they are: no field of the
        model changes case or type on the way
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], *names: str) -> None:
        self.make = make
        self.names = names

    def __call__(self, **values: str | int) -> list[tuple[Any, ...]]:
        database: Any = connection
        if database.in_atomic_block or database.health_check_done:
            return self._run(values)
        # Instead of Django's own check, which is a round trip of its own: the connection
        # is there if it answers this, and what only reads may be asked again.
        database.health_check_done = True
        try:
            return self._run(values)
        except (InterfaceError, OperationalError):
            if database.connection is None or database.is_usable():
                raise
        database.close()
        return self._run(values)

    def _run(self, values: Mapping[str, str | int]) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            # Writing it asks for the server's version: over a connection of its own, if
            # there was none yet.
            sql, params = self._written
            given = [
                values[part] if isinstance(part, _Given) else part for part in params
            ]
            cursor.execute(sql, given)
            rows: Iterable[Any] = cursor.fetchall()
        if self._converters:
            rows = self._compiler.apply_converters(rows, self._converters)
        return [tuple(row) for row in rows]

    @cached_property
    def _compiler(self) -> Any:
        given = {name: Value(_Given(name)) for name in self.names}
        query = self.make(**given).query
        return query.get_compiler(connection=connection)

    @cached_property
    def _written(self) -> tuple[str, tuple[Any, ...]]:
        sql, params = self._compiler.as_sql()
        return sql, tuple(params)

    @cached_property
    def _converters(self) -> Any:
        # Known only once the SQL is written.
        columns = [column for column, _, _ in self._compiler.select]
        return self._compiler.get_converters(columns)
