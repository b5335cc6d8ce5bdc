from __future__ import annotations

import re
from string import Formatter

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from accounts.models import Business

# As the longest of them is printed, within the column of a document's number.
_LARGEST = {"prefix": "P" * 20, "year": 2099, "seq": 4_294_967_295}
_NO_SPEC = re.compile(r"(?!)")
_SPECS = {
    "prefix": re.compile(""),
    "year": re.compile(""),
    "seq": re.compile(r"(0[1-9])?"),
}


def check_pattern(pattern: str) -> None:
    """:raises ValidationError: if the numbers it gives would not differ, or not fit"""
    fields = _fields(pattern)
    if fields.count("seq") != 1 or fields.count("year") > 1:
        raise ValidationError(
            "Put {seq} in once, and {year} once at most: without {seq} all numbers are "
            "the same."
        )
    if len(pattern.format(**_LARGEST)) > 50:
        raise ValidationError("Numbers by this pattern get longer than 50 characters.")


def _fields(pattern: str) -> list[str]:
    try:
        parsed = list(Formatter().parse(pattern))
    except ValueError:
        parsed = [("", "?", "", None)]
    known = [(name, spec) for _, name, spec, _ in parsed if name is not None]
    # Digits alone: what is padded or written otherwise could not be told apart.
    if any(conversion for *_, conversion in parsed) or not all(
        _SPECS.get(name, _NO_SPEC).fullmatch(spec or "") for name, spec in known
    ):
        raise ValidationError(
            "Use {prefix}, {year} and {seq}, as in {prefix}{year}-{seq:05}."
        )
    return [name for name, _ in known]


class Series(models.Model):
    """How the documents of one kind are numbered in a business."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", "Invoices"
        CREDIT_NOTE = "credit_note", "Credit notes"

    business = models.ForeignKey(
        Business, on_delete=models.PROTECT, related_name="series"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    prefix = models.CharField(max_length=20, blank=True)
    pattern = models.CharField(
        max_length=50,
        default="{prefix}{seq:05}",
        validators=[check_pattern],
        help_text="Of {prefix}, {year} and {seq}, as in {prefix}{year}-{seq:05}.",
    )
    resets_yearly = models.BooleanField(
        default=False,
        help_text="Begin at 1 with each year, by the date of the document.",
    )

    class Meta:
        verbose_name_plural = "series"
        constraints = [
            models.UniqueConstraint(
                fields=["business", "kind"], name="series_once_per_kind"
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    def number(self, year: int, value: int) -> str:
        return self.pattern.format(prefix=self.prefix, year=year, seq=value)

    def place(self, number: str) -> tuple[int | None, int] | None:
        """The year, where the pattern has one, and the value that give this number."""
        expression = "".join(
            re.escape(text) + self._digits(name)
            for text, name, _, _ in Formatter().parse(self.pattern)
        )
        found = re.fullmatch(expression, number, re.ASCII)
        if found is None:
            return None
        parts = found.groupdict()
        year, value = parts.get("year"), int(parts["seq"])
        # `007` is not what a pattern without zeros gives.
        if self.number(int(year or 0), value) != number:
            return None
        return (int(year) if year else None, value)

    def _digits(self, name: str | None) -> str:
        expressions = {"year": r"(?P<year>\d{4})", "seq": r"(?P<seq>\d+)"}
        return expressions.get(name or "", re.escape(self.prefix) if name else "")


class Counter(models.Model):
    """
    A run of numbers without gaps. The row is locked while a number is taken from it.

    `year` is 0 where the series never begins anew.
    """

    series = models.ForeignKey(
        Series, on_delete=models.PROTECT, related_name="counters"
    )
    year = models.PositiveSmallIntegerField(default=0)
    next_value = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series", "year"], name="counter_once_per_year"
            ),
            models.CheckConstraint(
                condition=Q(next_value__gte=1), name="counter_starts_at_one"
            ),
        ]

    def __str__(self) -> str:
        return self.series.number(self.year, self.next_value)


class SkippedNumbers(models.Model):
    """Numbers that nothing has, since the next number was raised past them."""

    counter = models.ForeignKey(
        Counter, on_delete=models.PROTECT, related_name="skipped"
    )
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "skipped numbers"
        constraints = [
            models.UniqueConstraint(
                fields=["counter", "first"], name="skipped_numbers_once"
            ),
            models.CheckConstraint(
                condition=Q(first__gte=1, last__gte=F("first")),
                name="skipped_numbers_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"
