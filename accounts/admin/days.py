"""Lists narrowed down to days, which begin when they do for the person who looks."""

from datetime import datetime, time
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.utils import parse_date_str

# Years in which each day has a counterpart in UTC, and more than anything is of.
YEARS: Final = range(2000, 2100)


class DaysFilter(RangeDateFilter):
    """
    Moments from one day to another, both included.

    By bounds of our own, which an index has: a drill-down would have the database work
    out the day of each row, and know the time zone.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        bounds = ("from", "gte", time.min), ("to", "lte", time.max)
        for name, lookup, clock in bounds:
            typed = self.used_parameters.get(f"{self.field_path}_{name}")
            day = parse_date_str(typed) if typed else None
            if day and day.year in YEARS:
                zone = timezone.get_current_timezone()
                bound = datetime.combine(day, clock, zone)
                queryset = queryset.filter(**{f"{self.field_path}__{lookup}": bound})
        return queryset
