"""Whether what Stripe told agrees with the ledger. Nothing here writes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import batched, chain
from typing import Any, Final

from django.db.models import Q, QuerySet, Sum

from accounts.models import Business
from billing.models import Checkout, Dispute, DisputeMovement, Payment, Refund
from billing.states import BACK, LEFT
from invoices.audit.findings import CHUNK, Check, Finding, chunks, in_order
from invoices.audit.orphans import lost
from invoices.models import BalanceEntry, Customer, Invoice, LedgerEntry

# By kind, what is booked and in which currency.
type Amounts = Mapping[str, tuple[int, str]]

_KINDS: Final = LedgerEntry.Kind
_KEPT: Final = (_KINDS.HELD_TO_BALANCE, "held_from_balance")
_CAME: Final = (_KINDS.PAYMENT, _KINDS.HELD)
_OF_REFUNDS: Final = (
    *(_KINDS.REFUND, _KINDS.REFUND_FAILED),
    *(_KINDS.HELD_REFUND, _KINDS.HELD_REFUND_FAILED),
)
_OF_DISPUTES: Final = (
    *(_KINDS.DISPUTE, _KINDS.DISPUTE_BACK),
    *(_KINDS.HELD_DISPUTE, _KINDS.HELD_DISPUTE_BACK),
)


def payments(business: Business) -> Iterator[Finding]:
    """Each payment is booked, as held where it is held, and no other is."""
    rows = Payment.objects.filter(invoice__business=business)
    for payment, words in unbooked_payments(rows):
        yield Finding("payments", str(payment.invoice), words)
    ours = LedgerEntry.objects.filter(invoice__business=business)
    # What a person booked is held against that by `invoices.audit`.
    came = ours.filter(kind__in=_CAME).exclude(source__startswith="manual:")
    known, words = Payment.objects.all(), "it is booked, and no payment is."
    yield from _of_nobody("payments", came, known, "payment_intent", words)
    kept = ours.filter(kind__in=_KEPT)
    yield from _of_nobody("payments", kept, known, "payment_intent", words)


def refunds(business: Business) -> Iterator[Finding]:
    """What left is booked, what came back is too, and no payment goes back twice."""
    rows = Refund.objects.filter(payment__invoice__business=business)
    for refund, words in unbooked_refunds(rows):
        yield Finding("refunds", str(refund.payment.invoice), words)
    entries = LedgerEntry.objects.filter(
        invoice__business=business, kind__in=_OF_REFUNDS
    )
    words = "it is booked, and no refund is."
    yield from _of_nobody("refunds", entries, Refund.objects.all(), "stripe_id", words)
    paid = Payment.objects.filter(invoice__business=business).with_refunded()
    for payment in chain.from_iterable(chunks(paid.select_related("invoice"))):
        if payment.refunded > payment.amount:
            words = (
                f"{payment.refunded} went back of the {payment.amount} of {payment}."
            )
            yield Finding("refunds", str(payment.invoice), words)


def disputes(business: Business) -> Iterator[Finding]:
    """What Stripe took for disputes and gave back is booked, and nothing else is."""
    rows = DisputeMovement.objects.filter(dispute__payment__invoice__business=business)
    for chunk in chunks(rows.select_related("dispute__payment__invoice")):
        booked = _booked([movement.stripe_id for movement in chunk])
        for movement in chunk:
            invoice = movement.dispute.payment.invoice
            wanted = {str(movement.kind): (movement.amount, movement.currency)}
            name = f"{movement} of {movement.dispute}"
            found = booked[movement.stripe_id]
            for words in _differs(name, wanted, found, invoice):
                yield Finding("disputes", str(invoice), words)
    entries = LedgerEntry.objects.filter(
        invoice__business=business, kind__in=_OF_DISPUTES
    )
    moved, words = DisputeMovement.objects.all(), "it is booked, and nothing moved."
    yield from _of_nobody("disputes", entries, moved, "stripe_id", words)


def kept(business: Business) -> Iterator[Finding]:
    """
    What was kept of held money is taken back once the payer has it again, but for what
    has paid another invoice; and put back once it is here again.
    """
    rows: Any = Payment.objects.filter(invoice__business=business)
    held = rows.filter(status=Payment.Status.HELD).with_left()
    missing: defaultdict[tuple[int, str], int] = defaultdict(int)
    for chunk in chunks(held.select_related("invoice")):
        first = _kept_first(chunk)
        for payment in chunk:
            taken = first.get(payment.payment_intent, 0) - payment.kept
            if min(taken, payment.kept) < 0 or min(taken, payment.left) > 0:
                words = (
                    f"of {payment}, {payment.left} is left, {payment.kept} is kept, and "
                    f"{taken} was taken back."
                )
                yield Finding("kept", str(payment.invoice), words)
            owner = payment.invoice.customer_id, payment.currency
            missing[owner] += max(0, min(-payment.left, payment.kept))
    for (customer, currency), amount in missing.items():
        entries = BalanceEntry.objects.filter(customer=customer, currency=currency)
        applied = entries.filter(kind=BalanceEntry.Kind.APPLIED)
        used = -applied.aggregate(sum=Sum("amount", default=0))["sum"]
        if amount > used:
            name = Customer.objects.get(pk=customer).name
            words = f"payers have {amount} {currency} again, of which {used} was used."
            yield Finding("kept", name, words)


def _kept_first(rows: Sequence[Payment]) -> dict[str, int]:
    names = [payment.payment_intent for payment in rows]
    entries = LedgerEntry.objects.filter(kind=_KINDS.HELD_TO_BALANCE, source__in=names)
    return {name: -amount for name, amount in entries.values_list("source", "amount")}


def orphans() -> Iterator[Finding]:
    """As `invoices.audit.orphans`, of what came by Stripe."""
    invoices = Q(invoice__in=Invoice.objects.all())
    payments = Q(payment__in=Payment.objects.all())
    return lost(
        (Checkout, ~invoices),
        (Payment, ~invoices),
        (Refund, ~payments),
        (Dispute, ~payments),
        (DisputeMovement, ~Q(dispute__in=Dispute.objects.all())),
    )


def unbooked_payments(rows: QuerySet[Payment]) -> Iterator[tuple[Payment, str]]:
    """Those that the ledger does not have, or not so; and how."""
    for chunk in chunks(rows.select_related("invoice")):
        booked = _booked([payment.payment_intent for payment in chunk])
        for payment in chunk:
            kind = _KINDS.HELD if payment.is_held else _KINDS.PAYMENT
            wanted = {str(kind): (payment.amount, payment.currency)}
            found = booked[payment.payment_intent]
            for words in _differs(f"payment {payment}", wanted, found, payment.invoice):
                yield payment, words
            if any(entry.occurred_at != payment.received_at for entry in found):
                yield payment, f"payment {payment} is booked as of another moment."


def unbooked_refunds(rows: QuerySet[Refund]) -> Iterator[tuple[Refund, str]]:
    """As `unbooked_payments`."""
    rows = rows.exclude(stripe_id=None).select_related("payment__invoice")
    for chunk in chunks(rows):
        booked = _booked([str(refund.stripe_id) for refund in chunk])
        for refund in chunk:
            found = booked[str(refund.stripe_id)]
            wanted = _wanted(refund, has_left=bool(found))
            name = f"refund {refund.stripe_id}"
            for words in _differs(name, wanted, found, refund.payment.invoice):
                yield refund, words


def _wanted(refund: Refund, *, has_left: bool) -> Amounts:
    """What is booked of a refund; one that failed may have failed before it left."""
    left, back = (
        (_KINDS.HELD_REFUND, _KINDS.HELD_REFUND_FAILED)
        if refund.payment.is_held
        else (_KINDS.REFUND, _KINDS.REFUND_FAILED)
    )
    gone = {str(left): (-refund.amount, refund.currency)}
    if refund.status in LEFT:
        return gone
    if refund.status in BACK and has_left:
        return gone | {str(back): (refund.amount, refund.currency)}
    return {}


def _differs(
    name: str, wanted: Amounts, found: Sequence[LedgerEntry], invoice: Invoice
) -> Iterator[str]:
    booked = {entry.kind: (entry.amount, entry.currency) for entry in found}
    if booked != wanted:
        yield f"{name} is {_said(wanted)}; booked is {_said(booked)}."
    if any(entry.invoice_id != invoice.pk for entry in found):
        yield f"{name} is of this invoice, and booked on another."


def _booked(sources: list[str]) -> Mapping[str, list[LedgerEntry]]:
    rows = LedgerEntry.objects.filter(source__in=sources)
    # What was kept is held against the balances of customers.
    rows = rows.exclude(kind__in=_KEPT)
    booked: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in rows.order_by("pk"):
        booked[entry.source].append(entry)
    return booked


def _of_nobody(
    check: str,
    entries: QuerySet[LedgerEntry],
    rows: QuerySet[Any],
    column: str,
    words: str,
) -> Iterator[Finding]:
    """Entries by the name of a row that is not there."""
    for page in batched(in_order(entries, "pk", "source", "kind"), CHUNK, strict=False):
        names = {source: _named(source, kind) for _, source, kind in page}
        there = rows.filter(**{f"{column}__in": names.values()})
        known = set(there.values_list(column, flat=True))
        for source, name in names.items():
            if name not in known:
                yield Finding(check, source, words)


def _named(source: str, kind: str) -> str:
    # What is kept again, or is no longer, is named by its payment and the cause.
    return source.partition(":")[0] if kind in _KEPT else source


def _said(booked: Amounts) -> str:
    parts = [f"{amount} {code} as {kind}" for kind, (amount, code) in booked.items()]
    return ", ".join(parts) or "nothing"


CHECKS: Final[Sequence[Check]] = (payments, refunds, disputes, kept)
