"""Taking back all or part of a finalized invoice by a document of its own."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce

from accounts.models import User
from accounts.services.events import record_event
from invoices import selectors, signals
from invoices.exceptions import AmountNotAvailable, CreditNotSplit, InvalidTransition
from invoices.models import (
    BalanceEntry,
    CreditNote,
    CreditNoteLine,
    CreditNoteTax,
    Invoice,
    InvoiceLine,
    LedgerEntry,
    Series,
    TaxTotal,
)
from invoices.money import Tax, format_money, portion
from invoices.services import balances, documents, numbering, sealing
from invoices.services.booking import book
from invoices.services.locking import lock_customer, lock_invoice
from invoices.states import InvoiceStatus

_NONE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Split:
    """Where the part of a credit note goes that is beyond the due, in minor units."""

    refunds: int = 0
    to_balance: int = 0
    out_of_band: int = 0

    @property
    def whole(self) -> int:
        return self.refunds + self.to_balance + self.out_of_band


@dataclass(frozen=True, slots=True)
class Draft:
    """A credit note worked out, its rows unsaved."""

    currency: str
    lines: list[CreditNoteLine]
    taxes: list[CreditNoteTax]
    net: int
    tax: int
    reduces: int
    # What the ledger takes off the due: `reduces`, and what was rounded to pay in cash.
    settles: int

    @property
    def total(self) -> int:
        return self.net + self.tax

    @property
    def excess(self) -> int:
        """What is beyond the due, and must be split."""
        return self.total - self.reduces


def preview_credit_note(
    *, invoice: Invoice, quantities: Mapping[int, Decimal] | None
) -> Draft:
    """What `issue_credit_note` would write. Nothing is saved. Raises what it raises."""
    _check_creditable(invoice)
    return _worked_out(invoice, quantities)


@transaction.atomic
def issue_credit_note(
    *,
    invoice: Invoice,
    quantities: Mapping[int, Decimal] | None,
    reason: str,
    split: Split,
    actor: User | None,
    now: datetime,
) -> CreditNote:
    """
    Credit lines of an invoice, or all that is left of it. Issued at once.

    It first reduces what is due. What is beyond goes as `split` says: refunds made
    before without a credit note count towards `split.refunds`; what they do not cover
    is sent back by card, by a receiver of `signals.refund_wanted`.

    The notes of an invoice together take back each line, each tax and each unit once.

    :param quantities: by line's key, what of it is taken back; None for all that is left
    :raises InvalidTransition: if the invoice is a draft or void
    :raises ValidationError: naming each line or field that is wrong
    :raises AmountNotAvailable: if nothing is left to credit, or to pay back
    :raises CreditNotSplit: if the split is not exactly what is beyond the due
    """
    invoice = lock_invoice(invoice.pk)
    lock_customer(invoice.customer_id)
    _check_creditable(invoice)
    if not reason.strip():
        raise ValidationError({"reason": "Say why: the reason is printed."})
    draft = _worked_out(invoice, quantities)
    note = _drawn_up(invoice, draft, split, now)
    note.reason, note.created_by = reason.strip(), actor
    _check_split(note, draft)
    # Before the first event; see `numbering.open_run`.
    run = numbering.open_run(note.business, Series.Kind.CREDIT_NOTE, note.issue_date)
    _use(note, draft, actor, now)
    _issue(note, draft, run, actor, now)
    return note


def _drawn_up(
    invoice: Invoice, draft: Draft, split: Split, now: datetime
) -> CreditNote:
    return CreditNote(
        business=invoice.business,
        customer=invoice.customer,
        invoice=invoice,
        currency=invoice.currency,
        language=invoice.language,
        issue_date=invoice.business.today(now),
        seller=invoice.seller,
        buyer=invoice.buyer,
        net=draft.net,
        tax=draft.tax,
        total=draft.total,
        reduces=draft.reduces,
        refunds=split.refunds,
        to_balance=split.to_balance,
        out_of_band=split.out_of_band,
        issued_at=now,
    )


def _check_creditable(invoice: Invoice) -> None:
    if invoice.status in {InvoiceStatus.DRAFT, InvoiceStatus.VOID}:
        raise InvalidTransition(
            f"This invoice is {invoice.get_status_display().lower()}; "
            "only what is owed or was paid can be credited."
        )


# The arithmetic


@dataclass(frozen=True, slots=True)
class _Before:
    """What earlier credit notes took back of a line."""

    quantity: Decimal = _NONE
    net: int = 0
    # As the prices are: gross where they include tax.
    priced: int = 0


def _worked_out(invoice: Invoice, quantities: Mapping[int, Decimal] | None) -> Draft:
    lines = list(invoice.lines.order_by("position", "pk"))
    before = _credited_before(invoice)
    credited = _credited_lines(invoice, lines, before, quantities)
    is_all = _is_all(lines, before, credited)
    taxes = _credited_taxes(invoice, lines, before, credited, is_all=is_all)
    net, tax = sum(row.net for row in taxes), sum(row.amount for row in taxes)
    _check_total(invoice, net + tax)
    due = selectors.amounts(invoice).due
    # With the last of it goes what was rounded, up or down, to pay in cash.
    rounding = (invoice.rounding or 0) if is_all else 0
    reduces = max(0, min(net + tax, due - rounding))
    settles = max(0, min(due, reduces + rounding))
    return Draft(invoice.currency, credited, taxes, net, tax, reduces, settles)


def _check_total(invoice: Invoice, total: int) -> None:
    if total <= 0:
        raise AmountNotAvailable("Nothing is left to credit of what was chosen.")
    before = invoice.credit_notes.aggregate(sum=Sum("total", default=0))["sum"]
    left = (invoice.total or 0) - before
    if total > left:
        # Without the lines of what was returned, the others come to more than the whole.
        raise AmountNotAvailable(
            f"{format_money(left, invoice.currency)} of this invoice is left to credit, "
            f"and this comes to {format_money(total, invoice.currency)}."
        )


def _is_all(
    lines: Sequence[InvoiceLine],
    before: Mapping[int, _Before],
    credited: Iterable[CreditNoteLine],
) -> bool:
    now = {row.invoice_line_id: row.quantity for row in credited}
    return all(
        before[line.pk].quantity + now.get(line.pk, _NONE) == line.quantity
        for line in lines
    )


def _credited_before(invoice: Invoice) -> Mapping[int, _Before]:
    rows = CreditNoteLine.objects.filter(credit_note__invoice=invoice)
    # In this order: once there is a sum of that name, `net` means the sum.
    sums = rows.values("invoice_line").annotate(
        taken=Sum(Coalesce("gross", "net")), quantity=Sum("quantity"), net=Sum("net")
    )
    known = {
        row["invoice_line"]: _Before(row["quantity"], row["net"], row["taken"])
        for row in sums
    }
    return defaultdict(_Before, known)


def _credited_lines(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    before: Mapping[int, _Before],
    quantities: Mapping[int, Decimal] | None,
) -> list[CreditNoteLine]:
    left = {line.pk: line.quantity - before[line.pk].quantity for line in lines}
    chosen = left if quantities is None else quantities
    _check_quantities(chosen, left)
    return [
        _credited_line(line, before[line.pk], chosen[line.pk])
        for line in lines
        if chosen.get(line.pk)
    ]


def _check_quantities(
    chosen: Mapping[int, Decimal], left: Mapping[int, Decimal]
) -> None:
    if unknown := set(chosen) - set(left):
        raise ValidationError(
            {f"lines.{key}": "There is no such line." for key in unknown}
        )
    problems = {
        f"lines.{key}": f"{left[key].normalize():f} of this is left to credit."
        for key, quantity in chosen.items()
        # A line of what was returned is below zero, and so is what is taken back of it.
        if not min(left[key], _NONE) <= quantity <= max(left[key], _NONE)
    }
    if problems:
        raise ValidationError(problems)


def _credited_line(
    line: InvoiceLine, before: _Before, quantity: Decimal
) -> CreditNoteLine:
    # Of the whole up to now, less what was taken before: parts never lose a unit.
    until_now = before.quantity + quantity
    net = portion(line.net or 0, until_now, line.quantity) - before.net
    priced = portion(line.priced or 0, until_now, line.quantity) - before.priced
    return CreditNoteLine(
        invoice_line=line,
        position=line.position,
        description=line.description,
        quantity=quantity,
        unit_price=line.unit_price,
        base_quantity=line.base_quantity,
        net=net,
        gross=None if line.gross is None else priced,
        tax_name=line.tax_name,
        tax_category=line.tax_category,
        tax_percent=line.tax_percent or _NONE,
    )


def _credited_taxes(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    before: Mapping[int, _Before],
    credited: Iterable[CreditNoteLine],
    *,
    is_all: bool,
) -> list[CreditNoteTax]:
    """
    For each rate, the part of its taxable amount and tax that goes with the lines.

    Discounts and charges on the whole document go back in proportion; with the last
    line all that is left of them goes.
    """
    now = {row.invoice_line_id: row for row in credited}
    parts: defaultdict[Tax, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        sums = parts[Tax(line.tax_category, line.tax_percent or _NONE)]
        sums[0] += line.priced or 0
        sums[1] += before[line.pk].priced
        sums[1] += now[line.pk].priced if line.pk in now else 0
    return [
        row
        for total in invoice.taxes.order_by("category", "percent")
        if (row := _credited_tax(invoice, total, parts, is_all=is_all))
    ]


def _credited_tax(
    invoice: Invoice,
    total: TaxTotal,
    parts: Mapping[Tax, Sequence[int]],
    *,
    is_all: bool,
) -> CreditNoteTax | None:
    whole, until_now = parts[Tax(total.category, total.percent)]
    earlier = CreditNoteTax.objects.filter(
        credit_note__invoice=invoice, category=total.category, percent=total.percent
    ).aggregate(net=Sum("net", default=0), amount=Sum("amount", default=0))
    if is_all:
        net, amount = total.net, total.amount
    elif invoice.prices_include_tax:
        # What was typed with tax goes back with tax, to the unit.
        gross = portion(total.net + total.amount, until_now, whole)
        amount = portion(total.amount, gross, total.net + total.amount)
        net = gross - amount
    else:
        net = portion(total.net, until_now, whole)
        amount = portion(total.amount, net, total.net)
    net, amount = net - earlier["net"], amount - earlier["amount"]
    if not (net or amount):
        return None
    return CreditNoteTax(
        category=total.category,
        percent=total.percent,
        name=total.name,
        note=total.note,
        net=net,
        amount=amount,
    )


# Where it goes


def _check_split(note: CreditNote, draft: Draft) -> None:
    said = Split(note.refunds, note.to_balance, note.out_of_band)
    parts = (said.refunds, said.to_balance, said.out_of_band)
    if min(parts) < 0 or said.whole != draft.excess:
        raise CreditNotSplit(
            f"{_money(note, draft.reduces)} of this reduces what is due. Say where "
            f"{_money(note, draft.excess)} goes: refunded, kept as balance, or paid "
            "back otherwise."
        )
    balance = _refund_balance(note)
    here = selectors.kept(note.invoice) - _refunds_asked(note) - max(0, -balance)
    leaving = said.whole - min(said.refunds, max(0, balance))
    if leaving > here:
        raise AmountNotAvailable(
            f"{_money(note, here)} of what was paid is still here; "
            f"{_money(note, leaving)} cannot go back."
        )


def _refund_balance(note: CreditNote) -> int:
    """
    What goes back by card without a credit note; below zero, what credit notes have
    promised to send back and could not be sent.
    """
    kinds = LedgerEntry.Kind
    entries = note.invoice.ledger.filter(kind__in=[kinds.REFUND, kinds.REFUND_FAILED])
    went = -entries.aggregate(sum=Sum("amount", default=0))["sum"]
    covered = note.invoice.credit_notes.aggregate(sum=Sum("refunds", default=0))["sum"]
    return int(went + _refunds_asked(note) - covered)


def _refunds_asked(note: CreditNote) -> int:
    answers = signals.refunds_asked.send(sender=CreditNote, invoice=note.invoice)
    return sum(int(amount or 0) for _, amount in answers)


def _use(note: CreditNote, draft: Draft, actor: User | None, now: datetime) -> None:
    cause = f"credit_note:{note.public_id}"
    if draft.settles:
        _book(note, LedgerEntry.Kind.CREDIT, cause, draft.settles, actor, now)
        signals.due_fell.send(sender=Invoice, invoice=note.invoice)
    if note.to_balance:
        balances.keep(
            invoice=note.invoice,
            kind=BalanceEntry.Kind.CREDIT_NOTE,
            source=cause,
            amount=note.to_balance,
            now=now,
        )
        _book(note, LedgerEntry.Kind.TO_BALANCE, cause, -note.to_balance, actor, now)
    if note.out_of_band:
        _book(note, LedgerEntry.Kind.OUT_OF_BAND, cause, -note.out_of_band, actor, now)
    if wanted := note.refunds - min(note.refunds, max(0, _refund_balance(note))):
        signals.refund_wanted.send(
            sender=CreditNote,
            invoice=note.invoice,
            amount=wanted,
            reason=note.reason,
            cause=cause,
            actor=actor,
            now=now,
        )


def _book(
    note: CreditNote,
    kind: LedgerEntry.Kind,
    source: str,
    amount: int,
    actor: User | None,
    now: datetime,
) -> None:
    book(
        invoice=note.invoice,
        kind=kind,
        source=source,
        amount=amount,
        currency=note.currency,
        occurred_at=now,
        now=now,
        actor=actor,
    )


def _issue(
    note: CreditNote,
    draft: Draft,
    run: numbering.Run,
    actor: User | None,
    now: datetime,
) -> None:
    documents.store_document_later(note)
    # Before the number, as the locks must come in one order; see `numbering.open_run`.
    event = record_event(
        type="credit_note.issued",
        subject=note,
        business=note.business,
        actor=actor,
        now=now,
        data={
            "invoice": note.invoice.number,
            "total": note.total,
            "currency": note.currency,
            "reason": note.reason,
        },
    )
    content = sealing.credit_note_content(note, draft.lines, draft.taxes)
    taken = numbering.take_number(run)
    note.counter_id, note.sequence = taken.counter_id, taken.sequence
    note.number = event.data["number"] = taken.number
    note.save()
    for line in draft.lines:
        line.credit_note = note
    for tax in draft.taxes:
        tax.credit_note = note
    CreditNoteLine.objects.bulk_create(draft.lines)
    CreditNoteTax.objects.bulk_create(draft.taxes)
    event.save(update_fields=["data"])
    sealing.seal(content, taken, credit_note=note)


def _money(note: CreditNote, amount: int) -> str:
    return format_money(amount, note.currency)
