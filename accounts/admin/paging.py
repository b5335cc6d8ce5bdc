"""Pages of a list that may be longer than anyone reads."""

from functools import cached_property
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from unfold.views import ChangeList

# A hundred pages. Who looks for what is behind them narrows the list down.
MOST: Final = 5_000


class Bounded(Paginator[Any]):
    """Counts to `MOST`, and has no pages beyond: all rows are never counted."""

    template_name = "admin/includes/pages.html"

    @cached_property
    def _found(self) -> int:
        rows: Any = self.object_list
        found: int = rows.order_by().values("pk")[: MOST + 1].count()
        return found

    @property
    def has_more(self) -> bool:
        return self._found > MOST

    @property
    def count(self) -> int:
        return min(self._found, MOST)

    def page(self, number: int | str) -> Page[Any]:
        """
        Its keys first, and then its rows. Asked for both at once, the database works out
        of each row before them what the list shows, and sums the ledger of it.
        """
        place = self.validate_number(number)
        rows: Any = self.object_list
        end = place * self.per_page
        keys = rows.values_list("pk", flat=True)[end - self.per_page : end]
        return Page(rows.filter(pk__in=list(keys)), place, self)


class BoundedList(ChangeList):
    """A list whose head counts what somebody asked for, and its foot whatever is there."""

    paginator: Bounded

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        is_narrowed = self.query or self.has_active_filters
        if self.paginator.has_more or not is_narrowed:
            # Unfold says how many there are, and leads to all, where these two differ.
            self.full_result_count = self.result_count
