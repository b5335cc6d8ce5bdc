"""What a call costs the database: statements, rows touched, and how they are found."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction

# More rows than this are not read one after the other to find some of them.
MANY: Final = 2_000
_READ: Final = "SHOW SESSION STATUS LIKE 'Handler_read%'"
_EXPLAINED: Final = ("SELECT", "UPDATE", "DELETE")

# What is done with rows once all of them were read.
_COLLECTED: Final = {"Using filesort", "Using temporary"}
_LIMIT: Final = re.compile(r"\bLIMIT \d")

type Statement = tuple[str, Any]


@dataclass
class Cost:
    """Of one call. Statements and rows do not depend on who else is busy."""

    milliseconds: float
    statements: int
    rows: int


@dataclass
class Watch:
    """Sees every statement while it is on."""

    statements: list[Statement] = field(default_factory=list)

    def __call__(
        self, execute: Any, sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        self.statements.append((sql, params))
        return execute(sql, params, many, context)


@contextmanager
def watched() -> Iterator[Watch]:
    watch = Watch()
    with connection.execute_wrapper(watch):
        yield watch


def cost_of(call: Callable[[], object]) -> Cost:
    before = _rows_touched()
    own = _rows_touched() - before
    with watched() as watch:
        started = time.perf_counter()
        call()
        took = time.perf_counter() - started
    touched = _rows_touched() - before - 2 * own
    return Cost(1000 * took, len(watch.statements), touched)


def _rows_touched() -> int:
    """By this session; a reading touches some rows itself."""
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        return sum(int(value) for _, value in cursor.fetchall())


def full_scans(statements: Sequence[Statement]) -> list[str]:
    """
    Statements that look at all rows of a large table, or of one of its indexes, by what
    `EXPLAIN` says: each with the table, and how many rows are thought to be there.
    """
    known = {
        sql: params
        for sql, params in statements
        if sql.lstrip("( ").startswith(_EXPLAINED)
    }
    return [
        f"{row['type']} of {row['table']}, {row['rows']} rows: {sql}"
        for sql, params in known.items()
        for row in _plan(sql, params)
        if _reads_all(row, sql)
        # Rows of a part of the statement that was found otherwise: another line has it.
        and not str(row["table"]).startswith("<")
    ]


def _reads_all(row: dict[str, Any], sql: str) -> bool:
    if row["type"] not in {"ALL", "index"} or int(row["rows"] or 0) <= MANY:
        return False
    is_in_order = row["type"] == "index" and not _COLLECTED & set(
        str(row["Extra"]).split("; ")
    )
    # In the order of an index, rows are read until there are enough of them.
    return not (is_in_order and _LIMIT.search(sql))


def _plan(sql: str, params: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@dataclass
class Lock:
    """From the answer to the statement that takes it until the transaction is over."""

    table: str
    taken: float = 0
    seconds: float = 0

    def __call__(
        self, execute: Any, sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        answer = execute(sql, params, many, context)
        takes = sql.startswith("UPDATE") or "FOR UPDATE" in sql
        if takes and self.table in sql and not self.taken:
            self.taken = time.perf_counter()
            transaction.on_commit(self.over)
        return answer

    def over(self) -> None:
        self.seconds = time.perf_counter() - self.taken


@contextmanager
def held(table: str) -> Iterator[Lock]:
    lock = Lock(table)
    with connection.execute_wrapper(lock):
        yield lock


def resident_mb() -> float:
    """Memory of this process, as the system counts it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1024**2
