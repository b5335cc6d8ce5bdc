"""Numbers without gaps, and the chain of their seals."""

from collections.abc import Iterator, Mapping
from typing import Any

from accounts.models import Business, Event
from invoices import seals
from invoices.audit.findings import Finding, in_order
from invoices.models import Counter, CreditNote, Invoice, Seal, SkippedNumbers


def numbers(business: Business) -> Iterator[Finding]:
    """Series without gaps, but for what was skipped, each chained to the one before."""
    counters = Counter.objects.filter(series__business=business)
    for counter in counters.select_related("series__business").order_by("pk"):
        yield from _gaps(counter)
        yield from _skips(counter)
        yield from _chain(counter)
    yield from _gone(business)


def _gaps(counter: Counter) -> Iterator[Finding]:
    name = _run(counter)
    model: Any = Invoice if counter.series.kind == "invoice" else CreditNote
    rows = model.objects.filter(counter=counter)
    skipped = SkippedNumbers.objects.filter(counter=counter).order_by("first")
    ranges = iter([*skipped.values_list("first", "last"), (counter.next_value, 0)])
    first, last = next(ranges)
    expected = 1
    for (sequence,) in in_order(rows, "sequence"):
        while expected == first and last:
            expected = last + 1
            first, last = next(ranges)
        if sequence != expected:
            words = f"{_range(expected, sequence - 1)} missing."
            yield Finding("numbers", name, words)
        expected = sequence + 1
    while expected == first and last:
        expected = last + 1
        first, last = next(ranges)
    if expected != counter.next_value:
        words = f"{expected} is expected next, and {counter.next_value} is kept."
        yield Finding("numbers", name, words)


def _skips(counter: Counter) -> Iterator[Finding]:
    """Somebody raised the next number past each run of numbers that nothing has."""
    business, kind = counter.series.business, counter.series.kind
    events = Event.objects.about("business", business.public_id)
    raised = events.filter(type="series.raised").values_list("data", flat=True)
    known = {
        (said.get("from"), said.get("to"))
        for said in raised
        if (said.get("kind"), said.get("year")) == (kind, counter.year)
    }
    skipped = SkippedNumbers.objects.filter(counter=counter).order_by("first")
    for first, last in skipped.values_list("first", "last"):
        if (first, last + 1) not in known:
            words = f"{_range(first, last)} skipped, and no event says by whom."
            yield Finding("numbers", _run(counter), words)


def _gone(business: Business) -> Iterator[Finding]:
    """The last of a run is missed by nobody but the record of what happened."""
    rows: Mapping[str, Any] = {
        "invoice.finalized": Invoice.objects.filter(finalized_at__isnull=False),
        "credit_note.issued": CreditNote.objects.all(),
    }
    for name, issued in rows.items():
        told = Event.objects.filter(business=business, type=name).count()
        there = issued.filter(business=business).count()
        if told > there:
            words = f"{told} events say so, of {there} documents."
            yield Finding("events", name, words)


def _range(first: int, last: int) -> str:
    return f"{first} is" if first >= last else f"{first} to {last} are"


def _run(counter: Counter) -> str:
    return f"{counter.series} {counter.year or ''}".strip()


def _chain(counter: Counter) -> Iterator[Finding]:
    previous = ""
    rows = Seal.objects.filter(counter=counter)
    for sequence, sha256, before, chain in in_order(
        rows, "sequence", "sha256", "previous", "chain"
    ):
        if before != previous:
            words = f"the seal of {sequence} does not follow on the one before."
            yield Finding("chain", _run(counter), words)
        if seals.chained(before, sha256) != chain:
            words = f"the chain is broken at {sequence}."
            yield Finding("chain", _run(counter), words)
        previous = chain
