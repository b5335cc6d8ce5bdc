"""
Whether the books of a business agree with themselves. Nothing here writes.

Every document is worked out again from its own frozen rows, and compared with what is
stored, what the ledger says, and what was sealed. Documents are read in chunks, so that
memory does not grow with the books.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import batched
from typing import Any, Final

from django.db.models import Count, Model, Q, Sum

from accounts.exceptions import Refusal
from accounts.models import Business, Event
from invoices import seals, selectors
from invoices.models import (
    BalanceEntry,
    Counter,
    CreditNote,
    Customer,
    Document,
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    LedgerEntry,
    ManualPayment,
    Seal,
    SkippedNumbers,
    TaxRate,
    TaxTotal,
    document_storage,
)
from invoices.states import InvoiceStatus

CHUNK: Final = 500
_KINDS: Final = LedgerEntry.Kind
_WORKED_OUT: Final = (
    *("subtotal", "discount", "net", "tax", "total"),
    *("prepaid", "rounding", "payable"),
)


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


def documents(
    business: Business, *, with_files: bool, progress: Progress
) -> Iterator[Finding]:
    """All that can be said of each document by itself."""
    for invoices in chunks(_invoices(business)):
        known = _Known.of(invoices, "invoice")
        for invoice in invoices:
            yield from _invoice(invoice, known)
            yield from _sealed(invoice, _content(invoice))
            yield from _stored(invoice, with_files=with_files)
        progress(len(invoices))
    for notes in chunks(_credit_notes(business)):
        known = _Known.of(notes, "creditnote")
        for note in notes:
            yield from _credit_note(note, known)
            yield from _sealed(note, _note_content(note))
            yield from _stored(note, with_files=with_files)
        progress(len(notes))


def _invoices(business: Business) -> Any:
    invoices = Invoice.objects.filter(business=business, finalized_at__isnull=False)
    return (
        invoices.with_amounts()
        .select_related("seal", "document", "revises")
        .prefetch_related("lines", "adjustments", "taxes", "credit_notes", "ledger")
    )


def _credit_notes(business: Business) -> Any:
    notes = CreditNote.objects.filter(business=business)
    return notes.select_related("seal", "document", "invoice").prefetch_related(
        "lines", "taxes"
    )


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


@dataclass(frozen=True, slots=True)
class _Known:
    """Which events there are of the documents of a chunk: how many of each type."""

    events: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, rows: Sequence[Any], subject_type: str) -> "_Known":
        ids = [str(row.public_id) for row in rows]
        counts = (
            Event.objects.filter(subject_type=subject_type, subject_id__in=ids)
            .values("subject_id", "type")
            .annotate(count=Count("pk"))
        )
        events: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for row in counts:
            events[row["subject_id"]][row["type"]] = row["count"]
        return cls(events)

    def missing(self, row: Any, *types: str) -> Iterator[Finding]:
        for name in types:
            if not self.events.get(str(row.public_id), {}).get(name):
                yield Finding("events", str(row), f"no event says {name}.")


# Invoices


def _invoice(invoice: Any, known: _Known) -> Iterator[Finding]:
    yield from _arithmetic(invoice)
    yield from state(invoice)
    yield from _credited(invoice)
    yield from _invoice_events(invoice, known)


def _arithmetic(invoice: Any) -> Iterator[Finding]:
    lines = _ordered(invoice.lines)
    adjustments = _ordered(invoice.adjustments)
    for row in (*lines, *adjustments):
        # As it was taxed then, not as the rate is now.
        row.tax_rate = TaxRate(
            name=row.tax_name,
            category=row.tax_category,
            percent=row.tax_percent or Decimal(0),
        )
    try:
        totals = selectors.draft_totals(invoice, lines, adjustments)
    except Refusal as refusal:
        yield Finding("arithmetic", str(invoice), str(refusal))
        return
    for name in _WORKED_OUT:
        yield from _compare(
            invoice, name, getattr(invoice, name), getattr(totals, name)
        )
    nets = [*totals.line_nets, *totals.adjustment_nets]
    for row, net in zip((*lines, *adjustments), nets, strict=True):
        yield from _compare(invoice, f"net of “{row}”", row.net, net)
    stored = {(row.category, row.percent): row for row in invoice.taxes.all()}
    for total in totals.taxes:
        row = stored.pop((total.tax.category, total.tax.percent), None)
        name = f"tax {total.tax.category} {total.tax.percent.normalize():f} %"
        found = (row.net, row.amount) if row else None
        yield from _compare(invoice, name, found, (total.net, total.amount))
    for category, percent in stored:
        yield Finding(
            "arithmetic", str(invoice), f"tax {category} {percent} % is of no line."
        )


def _compare(document: Any, name: str, stored: Any, right: Any) -> Iterator[Finding]:
    if stored != right:
        words = f"{name} is {stored}, and comes to {right}."
        yield Finding("arithmetic", str(document), words)


def state(invoice: Any) -> Iterator[Finding]:
    """
    Whether the status is what the ledger comes to.

    :param invoice: `with_amounts`
    """
    left = invoice.payable - invoice.paid - invoice.credited
    wrong = {
        InvoiceStatus.PAID: left > 0,
        InvoiceStatus.OPEN: left <= 0,
        InvoiceStatus.VOID: bool(invoice.paid or invoice.credited),
    }
    if wrong.get(invoice.status):
        words = f"it is {invoice.status}, and the ledger leaves {left} of it."
        yield Finding("ledger", str(invoice), words)
    if any(row.business_id != invoice.business_id for row in invoice.ledger.all()):
        words = "an entry is not said to be of its business."
        yield Finding("ledger", str(invoice), words)


def _credited(invoice: Any) -> Iterator[Finding]:
    notes = list(invoice.credit_notes.all())
    if (whole := sum(note.total for note in notes)) > invoice.total:
        words = f"credit notes come to {whole}, more than its {invoice.total}."
        yield Finding("credit notes", str(invoice), words)
    booked = {
        (entry.kind, entry.source): entry.amount for entry in invoice.ledger.all()
    }
    wanted = {}
    latest = max(notes, key=lambda note: note.pk, default=None)
    for note in notes:
        source = f"credit_note:{note.public_id}"
        credit = _KINDS.CREDIT, source
        wanted[credit] = note.reduces
        if note is latest and whole == invoice.total:
            wanted[credit] = _settled(invoice, note, booked.get(credit, 0))
        wanted[_KINDS.TO_BALANCE, source] = -note.to_balance
        wanted[_KINDS.OUT_OF_BAND, source] = -note.out_of_band
    kinds = {_KINDS.CREDIT, _KINDS.TO_BALANCE, _KINDS.OUT_OF_BAND}
    of_notes = {key for key in booked if key[0] in kinds}
    for key in sorted(of_notes | set(wanted)):
        if booked.get(key, 0) != wanted.get(key, 0):
            words = (
                f"the ledger has {booked.get(key, 0)} as {key[0]} of {key[1]}, "
                f"and the credit note {wanted.get(key, 0)}."
            )
            yield Finding("credit notes", str(invoice), words)


def _settled(invoice: Any, note: Any, booked: int) -> int:
    """What the note that completes takes off the due: what was rounded goes with it."""
    settled: int = note.reduces + invoice.rounding
    return settled if note.reduces else max(0, min(booked, settled))


def _invoice_events(invoice: Any, known: _Known) -> Iterator[Finding]:
    wanted = ["invoice.finalized"]
    if invoice.voided_at:
        wanted.append("invoice.voided")
    if invoice.status == InvoiceStatus.PAID and invoice.payable:
        wanted.append("invoice.paid")
    if invoice.sent_at:
        wanted.append("invoice.sent")
    yield from known.missing(invoice, *wanted)
    events = known.events.get(str(invoice.public_id), {})
    entries: defaultdict[str, int] = defaultdict(int)
    for entry in invoice.ledger.all():
        entries[f"invoice.{entry.kind}_booked"] += 1
    booked = {name: count for name, count in events.items() if name.endswith("_booked")}
    for name in sorted({*entries, *booked}):
        if (count := booked.get(name, 0)) != entries[name]:
            words = f"{count} events say {name}, of {entries[name]} ledger entries."
            yield Finding("events", str(invoice), words)


def _content(invoice: Any) -> dict[str, Any]:
    return seals.of_invoice(
        invoice,
        _ordered(invoice.lines),
        _ordered(invoice.adjustments),
        invoice.taxes.all(),
    )


def _ordered(rows: Any) -> list[Any]:
    return sorted(rows.all(), key=lambda row: (row.position, row.pk))


# Credit notes


def _credit_note(note: Any, known: _Known) -> Iterator[Finding]:
    taxes = list(note.taxes.all())
    yield from _compare(note, "net", note.net, sum(row.net for row in taxes))
    yield from _compare(note, "tax", note.tax, sum(row.amount for row in taxes))
    if note.currency != note.invoice.currency:
        words = f"it is in {note.currency}, and its invoice in {note.invoice.currency}."
        yield Finding("credit notes", str(note), words)
    yield from known.missing(note, "credit_note.issued")


def _note_content(note: Any) -> dict[str, Any]:
    lines = sorted(note.lines.all(), key=lambda row: row.pk)
    return seals.of_credit_note(note, lines, note.taxes.all())


# What is stored beside a document


def _sealed(document: Any, content: Mapping[str, Any]) -> Iterator[Finding]:
    seal: Seal | None = getattr(document, "seal", None)
    if seal is None:
        yield Finding("seals", str(document), "it has no seal.")
        return
    if seals.sha256(seal.content) != seal.sha256:
        yield Finding("seals", str(document), "the seal's hash is not of its content.")
    text = seals.numbered(content, document.number, document.sequence)
    if text != seal.content:
        names = ", ".join(_changed(text, seal.content)) or "its form"
        words = f"it no longer says what was sealed: {names}."
        yield Finding("seals", str(document), words)
    if (seal.counter_id, seal.sequence) != (document.counter_id, document.sequence):
        yield Finding("seals", str(document), "its seal is of another number.")


def _changed(now: str, sealed: str) -> list[str]:
    left, right = seals.parsed(now), seals.parsed(sealed)
    # An extension moves it; what was printed stays sealed.
    if left.get("due_date", "") >= right.get("due_date", ""):
        left.pop("due_date", None), right.pop("due_date", None)
    names = sorted({*left, *right})
    return [name for name in names if left.get(name) != right.get(name)]


def _stored(document: Any, *, with_files: bool) -> Iterator[Finding]:
    stored: Document | None = getattr(document, "document", None)
    if stored is None:
        # It is rendered later by a task, which may be a moment away.
        return
    if stored.sha256 not in str(stored.file.name):
        words = "the hash of its PDF is not that in the file's name."
        yield Finding("files", str(document), words)
    if with_files:
        yield from _file(document, stored)


def _file(document: Any, stored: Document) -> Iterator[Finding]:
    storage = document_storage()
    name = str(stored.file.name)
    if not storage.exists(name):
        yield Finding("files", str(document), f"{name} is not there.")
        return
    with storage.open(name) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != stored.sha256:
        words = f"the PDF's SHA-256 is {sha256}, and {stored.sha256} was kept."
        yield Finding("files", str(document), words)


# Numbers and their chain


def numbers(business: Business) -> Iterator[Finding]:
    """Series without gaps, but for what was skipped, each chained to the one before."""
    counters = Counter.objects.filter(series__business=business)
    for counter in counters.select_related("series").order_by("pk"):
        yield from _gaps(counter)
        yield from _chain(counter)


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


# Money that came past Stripe, and what customers have to their credit


def payments(business: Business) -> Iterator[Finding]:
    """Money that a person booked, against ledger and balance."""
    rows = ManualPayment.objects.filter(invoice__business=business)
    for chunk in chunks(rows.select_related("invoice")):
        sources = {f"manual:{row.public_id}": row for row in chunk}
        booked = _booked(LedgerEntry, sources)
        kept = _booked(BalanceEntry, sources)
        for source, row in sources.items():
            came = booked["payment", source] + kept["overpayment", source]
            back = booked["payment_reversed", source] + kept["returned", source]
            yield from _manual(row, came, row.amount, "came")
            yield from _manual(row, -back, row.amount if row.reversed_at else 0, "back")
    manual = LedgerEntry.objects.filter(
        invoice__business=business, source__startswith="manual:"
    )
    for entries in batched(in_order(manual, "pk", "source"), CHUNK, strict=False):
        ids = [source.partition(":")[2] for _, source in entries]
        there = ManualPayment.objects.filter(public_id__in=ids)
        known = {str(found) for found in there.values_list("public_id", flat=True)}
        for missing in sorted(set(ids) - known):
            words = "the ledger has it, and no payment does."
            yield Finding("payments", f"manual:{missing}", words)


def _booked(
    model: type[LedgerEntry | BalanceEntry], sources: Mapping[str, Any]
) -> Mapping[tuple[str, str], int]:
    rows = model._default_manager.filter(source__in=list(sources))
    found = rows.values_list("kind", "source", "amount")
    return defaultdict(int, {(kind, source): amount for kind, source, amount in found})


def _manual(row: Any, booked: int, wanted: int, way: str) -> Iterator[Finding]:
    if booked != wanted:
        words = (
            f"of the payment of {row.received_on}, {wanted} {way}; {booked} is booked."
        )
        yield Finding("payments", str(row.invoice), words)


def balances(business: Business) -> Iterator[Finding]:
    """No customer owes a balance, and both books tell the same of it."""
    entries = BalanceEntry.objects.filter(customer__business=business)
    sums = entries.values("customer", "currency").annotate(sum=Sum("amount"))
    for row in sums.filter(sum__lt=0).order_by("customer", "currency"):
        name = Customer.objects.get(pk=row["customer"]).name
        words = f"the balance is {row['sum']} {row['currency']}."
        yield Finding("balances", name, words)
    pairs = {
        "applied": _KINDS.FROM_BALANCE,
        "credit_note": _KINDS.TO_BALANCE,
        "held": _KINDS.HELD_TO_BALANCE,
    }
    for kind, booked in pairs.items():
        kept = entries.filter(kind=kind)
        ledger = LedgerEntry.objects.filter(invoice__business=business, kind=booked)
        yield from _both(kept, ledger)


def _both(kept: Any, ledger: Any) -> Iterator[Finding]:
    """Each entry stands in both books, there with the other sign."""
    for rows, others, name in (
        (kept, ledger, "the ledger"),
        (ledger, kept, "the balance"),
    ):
        moves = in_order(rows, "pk", "source", "amount")
        for chunk in batched(moves, CHUNK, strict=False):
            sources = [source for _, source, _ in chunk]
            found = dict(
                others.filter(source__in=sources).values_list("source", "amount")
            )
            for _, source, amount in chunk:
                if found.get(source) != -amount:
                    words = f"{amount} has no {-amount} in {name}."
                    yield Finding("balances", source, words)


# What belongs to nothing


def orphans() -> Iterator[Finding]:
    """Rows of no business's, as their document is gone. Looks at all of the books."""
    invoices = Q(invoice__in=Invoice.objects.all())
    lost: Sequence[tuple[type[Model], Q]] = (
        (InvoiceLine, ~invoices),
        (InvoiceAdjustment, ~invoices),
        (TaxTotal, ~invoices),
        (LedgerEntry, ~invoices),
        (ManualPayment, ~invoices),
        (CreditNote, ~invoices),
        (BalanceEntry, ~Q(customer__in=Customer.objects.all())),
        (Seal, _of_nothing()),
        (Document, _of_nothing()),
    )
    for model, condition in lost:
        rows = model._default_manager.filter(condition).order_by("pk")
        for pk in rows.values_list("pk", flat=True).iterator():
            name = f"{model._meta.verbose_name} {pk}"
            yield Finding("orphans", name, "what it belongs to is gone.")


def _of_nothing() -> Q:
    return ~Q(invoice__in=Invoice.objects.all()) & ~Q(
        credit_note__in=CreditNote.objects.all()
    )


def drafts(business: Business) -> Iterator[Finding]:
    """Nothing was booked on what was never issued."""
    booked = LedgerEntry.objects.filter(
        invoice__business=business, invoice__status=InvoiceStatus.DRAFT
    )
    for entry in booked.select_related("invoice").order_by("pk").iterator():
        words = f"{entry.kind} {entry.source} is booked on a draft."
        yield Finding("ledger", str(entry.invoice), words)


CHECKS: Final[Sequence[Check]] = (numbers, payments, balances, drafts)
