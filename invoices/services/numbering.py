"""Numbers without gaps: taken last, from a locked row, in the transaction that uses them."""

from dataclasses import dataclass
from datetime import date

from accounts.models import Business
from invoices.models import Counter, Series

_PREFIXES = {Series.Kind.INVOICE: "INV-", Series.Kind.CREDIT_NOTE: "CN-"}


@dataclass(frozen=True, slots=True)
class Run:
    """The run of numbers that a document of some day takes its own from."""

    counter_id: int
    year: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A number, and its place in its run."""

    counter_id: int
    sequence: int
    number: str


def open_run(business: Business, kind: Series.Kind, day: date) -> Run:
    """
    Find the run, or make it with its first document.

    First documents numbered at once take turns on the business. Whoever inserts a row
    that names the business, such as an event, shares a lock on it; so that must happen
    before the counter is locked, or the two wait for each other. And they cannot take
    turns on the counter itself: the losers of an insert each keep a shared lock on the
    row that all of them want to write.
    """
    return _find(business, kind, day) or _make(business, kind, day)


def take_number(run: Run) -> Taken:
    """The next number. Its row stays locked until the transaction ends: take it last."""
    counter = Counter.objects.select_for_update().get(pk=run.counter_id)
    taken = counter.next_value
    counter.next_value += 1
    counter.save(update_fields=["next_value"])
    series = Series.objects.get(pk=counter.series_id)
    return Taken(counter.pk, taken, series.number(run.year, taken))


def _find(business: Business, kind: Series.Kind, day: date) -> Run | None:
    series = Series.objects.filter(business=business, kind=kind).first()
    if series is None:
        return None
    year = day.year if series.resets_yearly else 0
    counter = Counter.objects.filter(series=series, year=year).first()
    return Run(counter.pk, day.year) if counter else None


def _make(business: Business, kind: Series.Kind, day: date) -> Run:
    Business.objects.select_for_update().get(pk=business.pk)
    series, _ = Series.objects.get_or_create(
        business=business, kind=kind, defaults={"prefix": _PREFIXES[kind]}
    )
    year = day.year if series.resets_yearly else 0
    counter, _ = Counter.objects.get_or_create(series=series, year=year)
    return Run(counter.pk, day.year)
