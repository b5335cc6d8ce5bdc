"""Money that came past Stripe, and what customers have to their credit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Q, Sum

from accounts.models import Business
from invoices.audit.findings import CHUNK, Finding, chunks, in_order
from invoices.models import BalanceEntry, Customer, LedgerEntry, ManualPayment
from invoices.states import InvoiceStatus

_KINDS: Final = LedgerEntry.Kind


@dataclass(frozen=True, slots=True)
class Move:
    """What one of both books says of a payment."""

    kind: str
    amount: int
    currency: str
    invoice_id: int
    at: datetime


def payments(business: Business) -> Iterator[Finding]:
    """Money that a person booked, against ledger and balance."""
    rows = ManualPayment.objects.filter(invoice__business=business)
    for chunk in chunks(rows.select_related("invoice")):
        sources = {f"manual:{row.public_id}": row for row in chunk}
        moves = _moves(sources)
        for source, row in sources.items():
            yield from _manual(row, moves[source])
    yield from _of_nobody(
        LedgerEntry.objects.filter(
            invoice__business=business, source__startswith="manual:"
        ),
        "the ledger has it, and no payment does.",
    )
    kinds = BalanceEntry.Kind
    yield from _of_nobody(
        BalanceEntry.objects.filter(
            customer__business=business, kind__in=[kinds.OVERPAYMENT, kinds.RETURNED]
        ),
        "the balance has it, and no payment does.",
    )


def _moves(sources: Iterable[str]) -> Mapping[str, list[Move]]:
    found: defaultdict[str, list[Move]] = defaultdict(list)
    for model in (LedgerEntry, BalanceEntry):
        rows: Any = model._default_manager.filter(source__in=list(sources))
        columns = ("kind", "amount", "currency", "invoice", "occurred_at")
        for source, *values in rows.values_list("source", *columns):
            found[source].append(Move(*values))
    return found


def _manual(row: ManualPayment, moves: Sequence[Move]) -> Iterator[Finding]:
    came = _sum(moves, "payment", "overpayment")
    back = -_sum(moves, "payment_reversed", "returned")
    wanted = row.amount if row.reversed_at else 0
    for booked, right, way in ((came, row.amount, "came"), (back, wanted, "back")):
        if booked != right:
            words = (
                f"of the payment of {row.received_on}, {right} {way}; {booked} is "
                "booked."
            )
            yield Finding("payments", str(row.invoice), words)
    for move in moves:
        if (move.currency, move.invoice_id) != (row.currency, row.invoice_id):
            words = f"{move.kind} of {row} is of another invoice or currency."
            yield Finding("payments", str(row.invoice), words)
        # At noon where the business was then, or earlier: not a day away anywhere.
        away = abs((move.at.date() - row.received_on).days)
        if move.kind == _KINDS.PAYMENT and away > 1:
            words = f"it came on {row.received_on}, and is booked as of {move.at:%F}."
            yield Finding("payments", str(row.invoice), words)


def _sum(moves: Iterable[Move], *kinds: str) -> int:
    return sum(move.amount for move in moves if move.kind in kinds)


def _of_nobody(rows: Any, words: str) -> Iterator[Finding]:
    for page in batched(in_order(rows, "pk", "source"), CHUNK, strict=False):
        sources = {source for _, source in page}
        ids = {source: _id(source) for source in sources}
        there = ManualPayment.objects.filter(public_id__in=filter(None, ids.values()))
        known = set(there.values_list("public_id", flat=True))
        for source in sorted(sources):
            if ids[source] not in known:
                yield Finding("payments", source, words)


def _id(source: str) -> UUID | None:
    try:
        return UUID(source.removeprefix("manual:"))
    except ValueError:
        return None


def balances(business: Business) -> Iterator[Finding]:
    """
    Nobody owes a balance, but for a payment that was taken back after it had paid; and
    both books tell the same of it.
    """
    entries = BalanceEntry.objects.filter(customer__business=business)
    sums = entries.values("customer", "currency").annotate(
        sum=Sum("amount"),
        returned=Sum("amount", filter=Q(kind="returned"), default=0),
    )
    for row in sums.filter(sum__lt=F("returned")).order_by("customer", "currency"):
        name = Customer.objects.get(pk=row["customer"]).name
        words = f"the balance is {row['sum']} {row['currency']}."
        yield Finding("balances", name, words)
    pairs = {
        "applied": _KINDS.FROM_BALANCE,
        "credit_note": _KINDS.TO_BALANCE,
        "held": _KINDS.HELD_TO_BALANCE,
        "held_returned": "held_from_balance",
    }
    for kind, booked in pairs.items():
        kept = entries.filter(kind=kind)
        ledger = LedgerEntry.objects.filter(invoice__business=business, kind=booked)
        yield from _both(kept, ledger)


def _both(kept: Any, ledger: Any) -> Iterator[Finding]:
    """Each entry stands in both books, there with the other sign."""
    columns = ("source", "amount", "currency", "invoice")
    for rows, others, name in (
        (kept, ledger, "the ledger"),
        (ledger, kept, "the balance"),
    ):
        moves = in_order(rows, "pk", *columns)
        for chunk in batched(moves, CHUNK, strict=False):
            sources = [source for _, source, *_ in chunk]
            found = others.filter(source__in=sources).values_list(*columns)
            there = {source: values for source, *values in found}
            for _, source, amount, *of in chunk:
                other, *of_other = there.get(source, [None])
                if other != -amount:
                    words = f"{amount} has no {-amount} in {name}."
                    yield Finding("balances", source, words)
                elif of != of_other:
                    words = f"{amount} is of another invoice or currency in {name}."
                    yield Finding("balances", source, words)


def drafts(business: Business) -> Iterator[Finding]:
    """Nothing was booked on what was never issued."""
    booked = LedgerEntry.objects.filter(
        invoice__business=business, invoice__status=InvoiceStatus.DRAFT
    )
    for entry in booked.select_related("invoice").order_by("pk").iterator():
        words = f"{entry.kind} {entry.source} is booked on a draft."
        yield Finding("ledger", str(entry.invoice), words)
