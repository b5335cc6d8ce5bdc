"""Whether what Stripe told agrees with the ledger. Nothing here writes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import batched, chain
from typing import Final

from django.db.models import QuerySet

from accounts.models import Business
from billing.models import DisputeMovement, Payment, Refund
from billing.states import LEFT
from invoices.audit.findings import CHUNK, Check, Finding, chunks, in_order
from invoices.models import LedgerEntry

_KINDS: Final = LedgerEntry.Kind
_OF_DISPUTES: Final = (
    *(_KINDS.DISPUTE, _KINDS.DISPUTE_BACK),
    *(_KINDS.HELD_DISPUTE, _KINDS.HELD_DISPUTE_BACK),
)


def payments(business: Business) -> Iterator[Finding]:
    """Each payment is booked, as held where it is held, and no other is."""
    rows = Payment.objects.filter(invoice__business=business)
    for payment, words in unbooked_payments(rows):
        yield Finding("payments", str(payment.invoice), words)
    entries = LedgerEntry.objects.filter(
        invoice__business=business,
        kind__in=[_KINDS.PAYMENT, _KINDS.HELD],
        source__startswith="pi_",
    )
    for found in batched(in_order(entries, "pk", "source"), CHUNK, strict=False):
        names = [source for _, source in found]
        there = Payment.objects.filter(payment_intent__in=names)
        known = set(there.values_list("payment_intent", flat=True))
        for source in names:
            if source not in known:
                yield Finding("payments", source, "it is booked, and no payment is.")


def refunds(business: Business) -> Iterator[Finding]:
    """What left is booked, what came back is too, and no payment goes back twice."""
    rows = Refund.objects.filter(payment__invoice__business=business)
    for refund, words in unbooked_refunds(rows):
        yield Finding("refunds", str(refund.payment.invoice), words)
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
            wanted = {str(movement.kind): (movement.amount, movement.currency)}
            found = booked[movement.stripe_id]
            if found != wanted:
                words = (
                    f"{movement} of {movement.dispute} is {_said(wanted)}; booked is "
                    f"{_said(found)}."
                )
                invoice = movement.dispute.payment.invoice
                yield Finding("disputes", str(invoice), words)
    entries = LedgerEntry.objects.filter(
        invoice__business=business, kind__in=_OF_DISPUTES
    )
    for page in batched(in_order(entries, "pk", "source"), CHUNK, strict=False):
        names = [source for _, source in page]
        there = DisputeMovement.objects.filter(stripe_id__in=names)
        known = set(there.values_list("stripe_id", flat=True))
        for source in names:
            if source not in known:
                yield Finding("disputes", source, "it is booked, and nothing moved.")


def unbooked_payments(rows: QuerySet[Payment]) -> Iterator[tuple[Payment, str]]:
    """Those that the ledger does not have, or not so; and how."""
    for chunk in chunks(rows.select_related("invoice")):
        booked = _booked([payment.payment_intent for payment in chunk])
        for payment in chunk:
            kind = _KINDS.HELD if payment.is_held else _KINDS.PAYMENT
            wanted = {str(kind): (payment.amount, payment.currency)}
            found = booked[payment.payment_intent]
            if found != wanted:
                words = (
                    f"payment {payment} is {_said(wanted)}; booked is {_said(found)}."
                )
                yield payment, words


def unbooked_refunds(rows: QuerySet[Refund]) -> Iterator[tuple[Refund, str]]:
    """As `unbooked_payments`."""
    rows = rows.exclude(stripe_id=None).select_related("payment__invoice")
    for chunk in chunks(rows):
        booked = _booked([str(refund.stripe_id) for refund in chunk])
        for refund in chunk:
            gone = sum(amount for amount, _ in booked[str(refund.stripe_id)].values())
            wanted = -refund.amount if refund.status in LEFT else 0
            if gone != wanted:
                words = f"refund {refund.stripe_id} is {wanted}; booked is {gone}."
                yield refund, words


def _booked(sources: list[str]) -> defaultdict[str, dict[str, tuple[int, str]]]:
    rows = LedgerEntry.objects.filter(source__in=sources)
    # What was kept is held against the balances of customers.
    rows = rows.exclude(kind=_KINDS.HELD_TO_BALANCE)
    booked: defaultdict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    for entry in rows.only("source", "kind", "amount", "currency"):
        booked[entry.source][entry.kind] = (entry.amount, entry.currency)
    return booked


def _said(booked: dict[str, tuple[int, str]]) -> str:
    parts = [f"{amount} {code} as {kind}" for kind, (amount, code) in booked.items()]
    return ", ".join(parts) or "nothing"


CHECKS: Final[Sequence[Check]] = (payments, refunds, disputes)
