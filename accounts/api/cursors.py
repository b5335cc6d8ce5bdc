"""
Pages of a list that begins with the newest, as `config.api.NewestFirst` makes them.

Without REST framework, for what most readers ask; all else is for that.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from django.http import HttpRequest

PAGE_SIZE: Final = 10
LARGEST_PAGE: Final = 100
# What comes after a row; other cursors begin with a page's last row, or count.
_AFTER: Final = re.compile(rb"p=([0-9]{1,18})")
_SIZE: Final = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True)
class Page:
    """Which page a request asks for."""

    address: str
    size: int
    # The `pk` after which it begins; None is the first page.
    before: int | None

    @classmethod
    def of(cls, request: HttpRequest) -> Self | None:
        """None, if it asks for anything but a size and what follows a row."""
        asked = request.GET
        if not asked.keys() <= {"page_size", "cursor"}:
            return None
        size = asked.get("page_size", str(PAGE_SIZE))
        cursor = asked.get("cursor")
        before = None if cursor is None else _row_of(cursor)
        if not _SIZE.fullmatch(size) or (cursor is not None and before is None):
            return None
        address = request.build_absolute_uri()
        return cls(address, min(int(size), LARGEST_PAGE), before)

    def links(self, keys: Sequence[int]) -> dict[str, Any]:
        """
        To the pages beside it.

        :param keys: of its rows, and of one more if there is one
        """
        on_it = keys[: self.size]
        return {
            "next": self._to(f"p={on_it[-1]}") if len(keys) > self.size else None,
            "previous": None if self.before is None else self._to(f"r=1&p={on_it[0]}"),
        }

    def _to(self, cursor: str) -> str:
        scheme, host, path, query, fragment = urlsplit(self.address)
        asked = parse_qs(query, keep_blank_values=True)
        asked["cursor"] = [base64.b64encode(cursor.encode()).decode()]
        query = urlencode(sorted(asked.items()), doseq=True)
        return urlunsplit((scheme, host, path, query, fragment))


def _row_of(cursor: str) -> int | None:
    try:
        found = _AFTER.fullmatch(base64.b64decode(cursor.encode("ascii")))
    except (UnicodeEncodeError, binascii.Error):
        return None
    return int(found[1]) if found else None
