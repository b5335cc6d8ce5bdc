"""An invoice or a credit note against its own rows, the ledger and the event log."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count

from accounts.exceptions import Refusal
from accounts.models import Event
from invoices import selectors
from invoices.audit.findings import Finding
from invoices.audit.sealed import ordered
from invoices.models import LedgerEntry, TaxRate
from invoices.states import InvoiceStatus

_KINDS: Final = LedgerEntry.Kind
_WORKED_OUT: Final = (
    *("subtotal", "discount", "net", "tax", "total"),
    *("prepaid", "rounding", "payable"),
)
_TOLD: Final = (
    "invoice.extended",
    "invoice.document_stored",
    "credit_note.document_stored",
)


@dataclass(frozen=True, slots=True)
class Known:
    """
    Which events there are of the documents of a chunk: how many of each type, and what
    the last of those says that must be so still.
    """

    events: Mapping[str, Mapping[str, int]]
    told: Mapping[tuple[str, str], Mapping[str, Any]]

    @classmethod
    def of(cls, rows: Sequence[Any], subject_type: str) -> "Known":
        ids = [str(row.public_id) for row in rows]
        counts = (
            Event.objects.filter(subject_type=subject_type, subject_id__in=ids)
            .values("subject_id", "type")
            .annotate(count=Count("pk"))
        )
        events: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for row in counts:
            events[row["subject_id"]][row["type"]] = row["count"]
        told = Event.objects.filter(
            subject_type=subject_type, subject_id__in=ids, type__in=_TOLD
        ).order_by("pk")
        facts = told.values_list("subject_id", "type", "data")
        return cls(events, {(subject, name): data for subject, name, data in facts})

    def says(self, row: Any, name: str) -> Mapping[str, Any]:
        """What the last event of a type says of a document; nothing if there is none."""
        return self.told.get((str(row.public_id), name), {})

    def missing(self, row: Any, *types: str) -> Iterator[Finding]:
        for name in types:
            if not self.events.get(str(row.public_id), {}).get(name):
                yield Finding("events", str(row), f"no event says {name}.")


def invoice_findings(invoice: Any, known: Known) -> Iterator[Finding]:
    yield from _arithmetic(invoice)
    yield from state(invoice)
    yield from _credited(invoice)
    yield from _times(invoice, known)
    yield from _invoice_events(invoice, known)


def _arithmetic(invoice: Any) -> Iterator[Finding]:
    lines = ordered(invoice.lines)
    adjustments = ordered(invoice.adjustments)
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
        InvoiceStatus.UNCOLLECTIBLE: left <= 0,
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


def _times(invoice: Any, known: Known) -> Iterator[Finding]:
    """It is due when it was issued for, or extended to; and paid when something came."""
    seal = getattr(invoice, "seal", None)
    to = known.says(invoice, "invoice.extended").get("to")
    due = str(invoice.due_date)
    # Canonical JSON, where no text that somebody typed has such quotes.
    is_sealed = seal is not None and f'"due_date":"{due}"' in seal.content
    if due != to and (to or not is_sealed):
        words = f"it is due on {due}, and nobody moved it there."
        yield Finding("events", str(invoice), words)
    moments = {entry.occurred_at for entry in invoice.ledger.all()}
    if invoice.status == InvoiceStatus.PAID and invoice.paid_at not in {
        *moments,
        invoice.finalized_at,
    }:
        words = f"it is paid since {invoice.paid_at}, when nothing was booked."
        yield Finding("ledger", str(invoice), words)


def _invoice_events(invoice: Any, known: Known) -> Iterator[Finding]:
    wanted = ["invoice.finalized"]
    if invoice.voided_at:
        wanted.append("invoice.voided")
    if invoice.status == InvoiceStatus.PAID and invoice.payable:
        wanted.append("invoice.paid")
    if invoice.status == InvoiceStatus.UNCOLLECTIBLE:
        wanted.append("invoice.given_up")
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


def credit_note_findings(note: Any, known: Known) -> Iterator[Finding]:
    taxes = list(note.taxes.all())
    yield from _compare(note, "net", note.net, sum(row.net for row in taxes))
    yield from _compare(note, "tax", note.tax, sum(row.amount for row in taxes))
    if note.currency != note.invoice.currency:
        words = f"it is in {note.currency}, and its invoice in {note.invoice.currency}."
        yield Finding("credit notes", str(note), words)
    yield from known.missing(note, "credit_note.issued")
