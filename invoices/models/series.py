from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from accounts.models import Business

# As the longest of them is printed, within the column of a document's number.
_LARGEST = {"prefix": "P" * 20, "year": 2099, "seq": 4_294_967_295}


def check_pattern(pattern: str) -> None:
    """:raises ValidationError: if the numbers it gives would not differ, or not fit"""
    try:
        first, second = (
            pattern.format(prefix="", year=2026, seq=seq) for seq in (1, 2)
        )
        longest = pattern.format(**_LARGEST)
    except (AttributeError, IndexError, KeyError, ValueError):
        raise ValidationError(
            "Use {prefix}, {year} and {seq}, as in {prefix}{year}-{seq:05}."
        ) from None
    if first == second:
        raise ValidationError("Put {seq} in: without it all numbers are the same.")
    if len(longest) > 50:
        raise ValidationError("Numbers by this pattern get longer than 50 characters.")


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
