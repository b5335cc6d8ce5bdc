"""Taking back all or part of a finalized invoice by a document of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum

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
    LedgerEntry,
    Series,
)
from invoices.money import format_money
from invoices.services import balances, documents, numbering, sealing
from invoices.services.apportioning import Draft, worked_out
from invoices.services.booking import book
from invoices.services.locking import lock_customer, lock_invoice
from invoices.states import InvoiceStatus


@dataclass(frozen=True, slots=True)
class Split:
    """Where the part of a credit note goes that is beyond the due, in minor units."""

    refunds: int = 0
    to_balance: int = 0
    out_of_band: int = 0

    @property
    def whole(self) -> int:
        return self.refunds + self.to_balance + self.out_of_band


def preview_credit_note(
    *, invoice: Invoice, quantities: Mapping[int, Decimal] | None
) -> Draft:
    """What `issue_credit_note` would write. Nothing is saved. Raises what it raises."""
    _check_creditable(invoice)
    return worked_out(invoice, quantities)


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
    draft = worked_out(invoice, quantities)
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
        balances.enter(
            invoice=note.invoice,
            kind=BalanceEntry.Kind.CREDIT_NOTE,
            source=cause,
            amount=note.to_balance,
            occurred_at=now,
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
