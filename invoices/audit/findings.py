"""What the audit finds, and how it reads books that do not fit into memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from accounts.models import Business

CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not agree: by which check, on what, and how."""

    check: str
    subject: str
    words: str

    def __str__(self) -> str:
        return f"{self.check}: {self.subject}: {self.words}"


type Check = Callable[[Business], Iterator[Finding]]
# Called with how many documents were looked at since it was called before.
type Progress = Callable[[int], None]


def in_order(rows: Any, key: str, *columns: str) -> Iterator[Any]:
    """
    Values of a column that no two rows share, and of others beside it, in its order.

    Asked for in parts: of an iterator, MySQL's driver fetches all rows at once.
    """
    values = rows.order_by(key).values_list(key, *columns)
    found = list(values[:CHUNK])
    while found:
        yield from found
        found = list(values.filter(**{f"{key}__gt": found[-1][0]})[:CHUNK])


def chunks(rows: Any) -> Iterator[list[Any]]:
    """All rows by their key, not more in memory than `CHUNK`."""
    after = 0
    while chunk := list(rows.filter(pk__gt=after).order_by("pk")[:CHUNK]):
        yield chunk
        after = chunk[-1].pk
