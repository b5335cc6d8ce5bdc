"""Numbers without gaps: taken last, from a locked row, in the transaction that uses them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, OuterRef, Subquery

from accounts.models import Business, User
from accounts.services.events import record_event
from accounts.services.writing import set_fields
from invoices.exceptions import NumberNotAvailable, SeriesChanged
from invoices.models import (
    Counter,
    CreditNote,
    Invoice,
    Seal,
    Series,
    SkippedNumbers,
)

FIELDS: Final = frozenset({"prefix", "pattern", "resets_yearly"})
# What the column holds, with room to count on.
LARGEST: Final = 4_000_000_000
_PREFIXES = {Series.Kind.INVOICE: "INV-", Series.Kind.CREDIT_NOTE: "CN-"}
_OTHER = {
    Series.Kind.INVOICE: Series.Kind.CREDIT_NOTE,
    Series.Kind.CREDIT_NOTE: Series.Kind.INVOICE,
}
_SOME_YEAR: Final = 2099


@dataclass(frozen=True, slots=True)
class Run:
    """The run of numbers that a document of some day takes its own from."""

    counter_id: int
    year: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A number, its place in its run, and the chain of seals up to there."""

    counter_id: int
    sequence: int
    number: str
    chain: str


def open_run(business: Business, kind: Series.Kind, day: date) -> Run:
    """
    Find the run, or make it with its first document.

    First documents numbered at once take turns on the series. They cannot on the counter
    itself: the losers of an insert each keep a shared lock on the row that all of them
    want to write.

    Locks come in one order, or two wait for each other: the business, which whoever
    inserts a row that names it shares, such as an event; the series, by who changes them;
    last the counter.
    """
    return _find(business, kind, day) or _make(business, kind, day)


def take_number(run: Run) -> Taken:
    """
    The next number. Its row stays locked until the transaction ends: take it last.

    Counting on takes the lock, and is the first of two statements: every one that is made
    from here on is waited for by all others who number something.

    :raises SeriesChanged: if the series began to count otherwise since the run was found
    """
    counters = Counter.objects.filter(pk=run.counter_id)
    counters.update(next_value=F("next_value") + 1)
    latest = Seal.objects.filter(counter=OuterRef("pk")).order_by("-sequence")
    counter = (
        counters.select_related("series")
        .annotate(chain=Subquery(latest.values("chain")[:1]))
        .get()
    )
    series, taken = counter.series, counter.next_value - 1
    if counter.year != _year_of_run(series, run.year):
        raise SeriesChanged(
            "The numbers were changed at this moment. Please try again."
        )
    number = series.number(run.year, taken)
    return Taken(counter.pk, taken, number, counter.chain or "")


def series_of(business: Business, kind: Series.Kind) -> Series:
    """The series of a business; unsaved, as it would be made, where there is none yet."""
    return Series.objects.filter(business=business, kind=kind).first() or Series(
        business=business, kind=kind, prefix=_PREFIXES[kind]
    )


@transaction.atomic
def raise_next_number(
    *,
    business: Business,
    kind: Series.Kind,
    next_value: int,
    day: date,
    actor: User | None,
    now: datetime,
) -> Counter:
    """
    Leave out numbers, as where a business counts on from other books. What is left out
    is written down, so that no gap is without its reason.

    :param day: within the year whose run is raised, where numbers begin anew yearly
    :raises NumberNotAvailable: if that is not above the next number as it is
    """
    _make_series(business, kind)
    event = record_event(
        type="series.raised",
        subject=business,
        business=business,
        actor=actor,
        now=now,
        data={"kind": kind, "to": next_value},
    )
    series = _lock_series(business, kind)
    year = _year_of_run(series, day.year)
    counter, _ = Counter.objects.get_or_create(series=series, year=year)
    counter = Counter.objects.select_for_update().get(pk=counter.pk)
    if not counter.next_value < next_value <= LARGEST:
        raise NumberNotAvailable(
            f"The next number is {counter.next_value}. It can be raised, up to "
            f"{LARGEST}, and never lowered."
        )
    SkippedNumbers.objects.create(
        counter=counter, first=counter.next_value, last=next_value - 1
    )
    event.data |= {"year": year, "from": counter.next_value}
    event.save(update_fields=["data"])
    counter.next_value = next_value
    counter.save(update_fields=["next_value"])
    return counter


@transaction.atomic
def change_series(
    *,
    business: Business,
    kind: Series.Kind,
    fields: Mapping[str, Any],
    actor: User | None,
    now: datetime,
) -> Series:
    """
    Number what comes by other rules. Numbers that were given stay.

    :param fields: any of `FIELDS`
    :raises ValidationError: naming each field that is wrong
    :raises NumberNotAvailable: if a number that was given would come again, or could be
        one of the other kind
    """
    _make_series(business, kind)
    record_event(
        type="series.changed",
        subject=business,
        business=business,
        actor=actor,
        now=now,
        data={"kind": kind, **fields},
    )
    series = _lock_series(business, kind)
    counters = Counter.objects.select_for_update().filter(series=series)
    next_values = dict(counters.order_by("pk").values_list("year", "next_value"))
    set_fields(series, fields, FIELDS)
    _check(series)
    other = series_of(business, _OTHER[kind])
    if number := _of_both(series, other):
        raise NumberNotAvailable(
            f"{number} could be that of an invoice and of a credit note. Choose another "
            "prefix or pattern for one of them."
        )
    if number := _coming_again(series, other, next_values):
        raise NumberNotAvailable(
            f"{number} was given before, and would come again. Choose a prefix or a "
            "pattern that was not used yet."
        )
    series.save(update_fields=sorted(FIELDS))
    return series


def _check(series: Series) -> None:
    series.clean_fields(exclude={"business"})
    if series.resets_yearly and "{year}" not in series.pattern:
        raise ValidationError(
            {"pattern": "Put {year} in: without it each year has the same numbers."}
        )


def _of_both(series: Series, other: Series) -> str | None:
    """A number that either could give, found by one of each length."""
    for first, second in ((series, other), (other, series)):
        for digits in range(len(str(LARGEST))):
            number = first.number(_SOME_YEAR, 10**digits)
            if second.place(number):
                return number
    return None


def _coming_again(
    series: Series, other: Series, next_values: Mapping[int, int]
) -> str | None:
    for number in chain(_given(series), _given(other)):
        place = series.place(number) if number else None
        if place is None:
            continue
        year, value = place
        if value >= next_values.get(_year_of_run(series, year or 0), 1):
            return number
    return None


def _given(series: Series) -> Iterator[str | None]:
    if series.kind == Series.Kind.INVOICE:
        invoices = Invoice.objects.filter(business=series.business_id)
        numbers = invoices.exclude(number=None).values_list("number", flat=True)
        return numbers.iterator()
    notes = CreditNote.objects.filter(business=series.business_id)
    return notes.values_list("number", flat=True).iterator()


def _find(business: Business, kind: Series.Kind, day: date) -> Run | None:
    series = Series.objects.filter(business=business, kind=kind).first()
    if series is None:
        return None
    year = _year_of_run(series, day.year)
    counter = Counter.objects.filter(series=series, year=year).first()
    return Run(counter.pk, day.year) if counter else None


def _make(business: Business, kind: Series.Kind, day: date) -> Run:
    _make_series(business, kind)
    series = _lock_series(business, kind)
    year = _year_of_run(series, day.year)
    counter, _ = Counter.objects.get_or_create(series=series, year=year)
    return Run(counter.pk, day.year)


def _make_series(business: Business, kind: Series.Kind) -> None:
    """
    Make the series of a business that has none yet, with its first document of all.

    Only then is the business locked. Whoever has a customer's lock, as a credit note has,
    would wait there for those who have inserted an event and wait for the customer: so
    both kinds are made at once.
    """
    if Series.objects.filter(business=business, kind=kind).exists():
        return
    Business.objects.select_for_update().get(pk=business.pk)
    for each, prefix in _PREFIXES.items():
        Series.objects.get_or_create(
            business=business, kind=each, defaults={"prefix": prefix}
        )


def _lock_series(business: Business, kind: Series.Kind) -> Series:
    """The series. Of the business's, nobody else changes one or opens a run meanwhile."""
    every = Series.objects.filter(business=business).select_for_update()
    return {row.kind: row for row in every.order_by("pk")}[kind]


def _year_of_run(series: Series, year: int) -> int:
    return year if series.resets_yearly else 0
