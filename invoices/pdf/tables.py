"""Tables: those that put things in their places, and long ones across pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from reportlab.platypus import Flowable, Table
from reportlab.platypus.tables import TableRenderCB

from invoices.pdf.letters import text
from invoices.pdf.looks import INK, REGULAR, RULE, SMALL, SMALL_RIGHT
from invoices.pdf.speech import Speech
from invoices.pdf.tagging import Grid, Layout

Looks = Iterable[tuple[Any, ...]]
Cell = Flowable | Sequence[Flowable]

_PLAIN: Final = (
    ("FONTNAME", (0, 0), (-1, -1), REGULAR),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 0),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
)
_OF_ROWS: Final = (
    ("LINEBELOW", (0, 0), (-1, 0), 1, INK),
    ("LINEBELOW", (0, 1), (-1, -1), 0.5, RULE),
    ("TOPPADDING", (0, 1), (-1, -1), 5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
    ("LEFTPADDING", (1, 0), (-1, -1), 6),
)


def table(
    rows: Sequence[Sequence[Cell]],
    widths: Sequence[float],
    looks: Looks = (),
    reading: TableRenderCB | None = None,
    **options: Any,
) -> Table:
    return Table(
        [list(row) for row in rows],
        widths,
        style=[*_PLAIN, *looks],
        renderCB=reading or Layout(),
        hAlign="LEFT",
        **options,
    )


@dataclass(frozen=True, slots=True)
class Row:
    cells: Sequence[Cell]
    amount: int


class Rows(Flowable):
    """
    Rows under a head, across pages: each page repeats the head, begins with what it
    brought forward and ends with what it carries.

    Heights are measured once, as a table of hundreds of rows is split page by page.
    """

    def __init__(
        self,
        speech: Speech,
        head: Sequence[Cell],
        rows: Sequence[Row],
        widths: Sequence[float],
        named: int = 0,
    ) -> None:
        """
        :param named: the column that has room for the name of what is carried
        """
        super().__init__()
        self._named = named
        self._speech, self._widths, self._reading = speech, widths, Grid()
        self._head, self.rows = head, rows
        whole = self._table([row.cells for row in rows])
        # As high as it likes: rows beyond what is available would not be measured.
        whole.wrap(sum(widths), inf)
        # No other name tells them.
        heights: list[float] = vars(whole)["_rowHeights"]
        self._head_height, *self.heights = heights
        carry = self._table([self._carry("brought", 0)])
        _, height = carry.wrap(sum(widths), inf)
        self._carry_height = height - self._head_height
        self.brought: int | None = None
        self.carries = False

    def wrap(self, available_width: float, available_height: float) -> Any:
        height = self._head_height + sum(self.heights)
        height += self._carry_height * (self.carries + (self.brought is not None))
        return sum(self._widths), height

    def split(self, available_width: float, available_height: float) -> list[Any]:
        room = available_height - self._head_height - self._carry_height
        if self.brought is not None:
            room -= self._carry_height
        fitting = 0
        while fitting < len(self.rows) and self.heights[fitting] <= room:
            room -= self.heights[fitting]
            fitting += 1
        # What all but fits without its carry leaves its last row to the next page.
        fitting = min(fitting, len(self.rows) - 1)
        if fitting < 1:
            return []
        before = (self.brought or 0) + sum(row.amount for row in self.rows[:fitting])
        first, rest = self._part(0, fitting), self._part(fitting, len(self.rows))
        first.brought, first.carries = self.brought, True
        rest.brought, rest.carries = before, self.carries
        return [first, rest]

    def draw(self) -> None:
        rows, heights = [row.cells for row in self.rows], list(self.heights)
        total = (self.brought or 0) + sum(row.amount for row in self.rows)
        if self.brought is not None:
            rows.insert(0, self._carry("brought", self.brought))
            heights.insert(0, self._carry_height)
        if self.carries:
            rows.append(self._carry("carried", total))
            heights.append(self._carry_height)
        drawn = self._table(rows, [self._head_height, *heights])
        drawn.wrap(sum(self._widths), inf)
        drawn.drawOn(self.canv, 0, 0)

    def _part(self, start: int, end: int) -> Rows:
        part = copy(self)
        # The library's mark on what was moved to a new page once, and would not be twice.
        vars(part).pop("_postponed", None)
        part.rows, part.heights = self.rows[start:end], self.heights[start:end]
        return part

    def _table(
        self, rows: Sequence[Sequence[Cell]], heights: Sequence[float] | None = None
    ) -> Table:
        return table(
            [self._head, *rows],
            self._widths,
            _OF_ROWS,
            self._reading,
            rowHeights=heights,
        )

    def _carry(self, key: str, amount: int) -> Sequence[Cell]:
        cells: list[Cell] = [[] for _ in self._widths]
        cells[self._named] = text(self._speech.say(key), SMALL)
        cells[-1] = text(self._speech.money(amount), SMALL_RIGHT)
        return cells
