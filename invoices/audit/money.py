"""Money that came past Stripe, and what customers have to their credit."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import batched
from typing import Any, Final

from django.db.models import Sum

from accounts.models import Business
from invoices.audit.findings import CHUNK, Finding, chunks, in_order
from invoices.models import BalanceEntry, Customer, LedgerEntry, ManualPayment
from invoices.states import InvoiceStatus

_KINDS: Final = LedgerEntry.Kind


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


def drafts(business: Business) -> Iterator[Finding]:
    """Nothing was booked on what was never issued."""
    booked = LedgerEntry.objects.filter(
        invoice__business=business, invoice__status=InvoiceStatus.DRAFT
    )
    for entry in booked.select_related("invoice").order_by("pk").iterator():
        words = f"{entry.kind} {entry.source} is booked on a draft."
        yield Finding("ledger", str(entry.invoice), words)
