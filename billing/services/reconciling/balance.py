"""What moved on Stripe's balance, against the ledger; and what Stripe kept of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final

from billing.gateway import balance
from billing.gateway.balance import Movement
from billing.gateway.listing import PAGE
from billing.models import BalanceTransaction, Payment
from billing.services.reconciling.rounds import Round
from invoices.models import LedgerEntry
from invoices.money import format_money

BALANCE: Final = "balance"

_KINDS: Final = LedgerEntry.Kind
_ARRIVED: Final = (_KINDS.PAYMENT, _KINDS.HELD)
_LEFT: Final = (_KINDS.REFUND, _KINDS.HELD_REFUND)
_CAME_BACK: Final = (_KINDS.REFUND_FAILED, _KINDS.HELD_REFUND_FAILED)
_DISPUTED: Final = (
    *(_KINDS.DISPUTE, _KINDS.DISPUTE_BACK),
    *(_KINDS.HELD_DISPUTE, _KINDS.HELD_DISPUTE_BACK),
)
# As what each of Stripe's types is booked. A type that is not here is no fact of ours.
_BOOKED_AS: Final[Mapping[str, tuple[LedgerEntry.Kind, ...]]] = {
    "charge": _ARRIVED,
    "payment": _ARRIVED,
    "refund": _LEFT,
    "payment_refund": _LEFT,
    "refund_failure": _CAME_BACK,
    "adjustment": _DISPUTED,
}
# Stripe captures by itself, and moves the balance within the hour.
_AT_LATEST: Final = timedelta(days=2)


def check_balance(round_: Round, since: datetime, until: datetime) -> None:
    """Each movement is kept, and booked with the same amount. Sums up the day."""
    day: dict[str, dict[str, int]] = {}
    for page in batched(balance.list_movements(since, until), PAGE, strict=False):
        round_.breathe()
        round_.look(BALANCE, len(page))
        payments = _payments(page)
        if not round_.is_dry:
            _keep(page, payments)
        booked = _booked(page)
        for movement in page:
            entry = booked.get(_source(movement))
            _add(day, movement, entry)
            if movement.payment_intent in payments:
                payment = payments[movement.payment_intent]
                _compare(round_, movement, entry, payment)
    _note(round_, since, day)


def _payments(page: Sequence[Movement]) -> dict[str, Payment]:
    ids = {movement.payment_intent for movement in page}
    payments = Payment.objects.filter(payment_intent__in=ids)
    return {row.payment_intent: row for row in payments.select_related("invoice")}


def _keep(page: Sequence[Movement], payments: Mapping[str, Payment]) -> None:
    rows = BalanceTransaction.objects.filter(stripe_id__in=[row.id for row in page])
    known = {row.stripe_id: row for row in rows}
    new = []
    for movement in page:
        payment = payments.get(movement.payment_intent)
        row = known.get(movement.id)
        if row is None:
            new.append(_row(movement, payment))
        elif row.payment_id is None and payment:
            BalanceTransaction.objects.filter(pk=row.pk).update(payment=payment)
    BalanceTransaction.objects.bulk_create(new, ignore_conflicts=True)


def _row(movement: Movement, payment: Payment | None) -> BalanceTransaction:
    return BalanceTransaction(
        stripe_id=movement.id,
        type=movement.type,
        amount=movement.amount,
        fee=movement.fee,
        net=movement.net,
        currency=movement.currency,
        source=movement.source,
        payment=payment,
        created_at=movement.created_at,
        available_on=movement.available_at,
    )


def _source(movement: Movement) -> tuple[Any, str]:
    """As what of what a movement is booked."""
    kinds = _BOOKED_AS.get(movement.type, ())
    if kinds == _ARRIVED:
        return kinds, movement.payment_intent
    return kinds, movement.id if kinds == _DISPUTED else movement.source


def _booked(page: Sequence[Movement]) -> dict[tuple[Any, str], LedgerEntry]:
    sources = {source for _, source in map(_source, page)}
    entries = LedgerEntry.objects.filter(kind__in=_GROUPS, source__in=sources)
    return {(_GROUPS[entry.kind], entry.source): entry for entry in entries}


_GROUPS: Final[Mapping[str, Any]] = {
    kind.value: kinds for kinds in _BOOKED_AS.values() for kind in kinds
}


def _compare(
    round_: Round, movement: Movement, entry: LedgerEntry | None, payment: Payment
) -> None:
    # A bank's fee alone, for one.
    if not movement.amount:
        return
    moved = format_money(movement.amount, movement.currency)
    if entry is None:
        words = f"Stripe moved {moved} for {movement.source}, and nothing is booked."
    elif not _differ(movement, entry):
        return
    else:
        booked = format_money(entry.amount, entry.currency)
        words = f"Stripe moved {moved} for {movement.source}, and {booked} is booked."
    round_.find(
        BALANCE,
        movement.id,
        words,
        invoice=payment.invoice,
        about=movement.created_at,
    )


def _differ(movement: Movement, entry: LedgerEntry) -> bool:
    # Money that Stripe exchanged is another amount, at a rate that is not ours to know.
    return movement.currency == entry.currency and movement.amount != entry.amount


def _add(
    day: dict[str, dict[str, int]], movement: Movement, entry: LedgerEntry | None
) -> None:
    none = {"moved": 0, "booked": 0, "fee": 0, "net": 0}
    sums = day.setdefault(movement.currency, none)
    sums["fee"] += movement.fee
    sums["net"] += movement.net
    if movement.type in _BOOKED_AS:
        sums["moved"] += movement.amount
        if entry:
            same = not _differ(movement, entry)
            sums["booked"] += movement.amount if same else entry.amount


def _note(round_: Round, since: datetime, day: Mapping[str, dict[str, int]]) -> None:
    name = f"{since:%Y-%m-%d}"
    others = [row for row in round_.run.sums if row["day"] != name]
    mine = [{"day": name, "currency": code} | day[code] for code in sorted(day)]
    round_.run.sums = [*others, *mine]


def check_unmoved(round_: Round) -> None:
    """Each payment moved Stripe's balance: it is there, and not only here."""
    run = round_.run
    payments = Payment.objects.filter(
        received_at__gte=run.since,
        received_at__lt=run.until - _AT_LATEST,
        balance_transactions=None,
    )
    for payment in payments.select_related("invoice").order_by("pk").iterator():
        round_.breathe()
        amount = format_money(payment.amount, payment.currency)
        round_.find(
            BALANCE,
            payment.payment_intent,
            f"{amount} is booked, and Stripe's balance has nothing of it.",
            invoice=payment.invoice,
            about=payment.received_at,
        )
