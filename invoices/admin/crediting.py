"""Crediting an invoice: which lines, what that comes to, and where the excess goes."""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.admin.base import BackOfficeAdmin, refused_fields
from accounts.exceptions import Refusal
from accounts.http import person
from invoices.admin.records import spoken
from invoices.admin.totals import TotalsRow
from invoices.exceptions import InvalidTransition
from invoices.forms import CreditForm, SplitForm, plain
from invoices.models import CreditNote, Invoice, InvoiceLine, LedgerEntry
from invoices.services import crediting
from invoices.services.apportioning import Draft
from invoices.services.locking import lock_invoice

_KINDS: Final = LedgerEntry.Kind
# Manual payments have the first in common with cards, and are known by their source.
_BY_CARD: Final = (
    _KINDS.PAYMENT,
    _KINDS.REFUND,
    _KINDS.REFUND_FAILED,
    _KINDS.DISPUTE,
    _KINDS.DISPUTE_BACK,
)


@dataclass(frozen=True, slots=True)
class CreditLine:
    """A line of the invoice, and the field for what of it is credited."""

    line: InvoiceLine
    quantity: str
    left: str
    field: Any


def credit(site: BackOfficeAdmin, request: HttpRequest, invoice: Any) -> HttpResponse:
    """A page in two steps: what is chosen is worked out and shown, and then issued."""
    try:
        whole = crediting.preview_credit_note(invoice=invoice, quantities=None)
    except Refusal as error:
        messages.error(request, str(error))
        return redirect(site.page_of(invoice.pk))
    form = CreditForm(
        request.POST or None,
        left={row.invoice_line_id: row.quantity for row in whole.lines},
        notes=invoice.credit_notes.count(),
    )
    draft, split = None, None
    if request.method == "POST" and form.is_valid():
        try:
            draft = _worked_out(invoice, form)
            split = _split_form(request, invoice, draft)
            if _is_confirmed(split):
                note = _issue(request, invoice, form, split)
                messages.success(request, _done(note))
                return redirect(site.page_of(invoice.pk))
        except (Refusal, ValidationError) as error:
            _say(error, form, split)
    context = {
        **site.admin_site.each_context(request),
        "title": "Credit",
        "opts": site.model._meta,
        "object": invoice,
        "form": form,
        "lines": _lines(invoice, form),
        "due": spoken(invoice.due, invoice.currency),
        "draft": draft,
        "totals": _totals(draft, invoice.currency) if draft else [],
        "split": split,
        "back": site.page_of(invoice.pk),
    }
    return TemplateResponse(request, "admin/invoices/invoice/credit.html", context)


def _worked_out(invoice: Invoice, form: CreditForm) -> Draft:
    return crediting.preview_credit_note(invoice=invoice, quantities=form.quantities())


def _split_form(request: HttpRequest, invoice: Any, draft: Draft) -> SplitForm:
    # What was shown before is of no use once the lines come to something else.
    is_issued = "issue" in request.POST
    is_as_shown = request.POST.get("shown") == str(draft.total)
    by_card = min(draft.excess, _by_card(invoice))
    return SplitForm(
        request.POST if is_issued and is_as_shown else None,
        currency=invoice.currency,
        shown=draft.total,
        refunds=by_card,
        to_balance=0,
        out_of_band=draft.excess - by_card,
    )


def _by_card(invoice: Any) -> int:
    """What came by Stripe and is still here."""
    moved = invoice.ledger.filter(currency=invoice.currency, kind__in=_BY_CARD)
    by_card = moved.exclude(source__startswith="manual:")
    here: int = by_card.aggregate(sum=Sum("amount", default=0))["sum"]
    return max(0, here)


def _is_confirmed(split: SplitForm) -> bool:
    return split.is_bound and split.is_valid()


def _issue(
    request: HttpRequest, invoice: Invoice, form: CreditForm, split: SplitForm
) -> CreditNote:
    said = split.cleaned_data
    with transaction.atomic():
        # A second click finds the note of the first, and makes no other.
        if lock_invoice(invoice.pk).credit_notes.count() != form.cleaned_data["notes"]:
            raise InvalidTransition(
                "A credit note was issued since this page was opened. Look at it first."
            )
        return crediting.issue_credit_note(
            invoice=invoice,
            quantities=form.quantities(),
            reason=form.cleaned_data["reason"],
            split=crediting.Split(
                said["refunds"], said["to_balance"], said["out_of_band"]
            ),
            actor=person(request),
            now=timezone.now(),
        )


def _done(note: CreditNote) -> str:
    return (
        f"Credit note {note.number} over {spoken(note.total, note.currency)} is issued."
    )


def _say(
    error: Refusal | ValidationError, form: CreditForm, split: SplitForm | None
) -> None:
    for name, sentences in refused_fields(error).items():
        field = name.replace("lines.", "line_")
        if field in form.fields:
            form.add_error(field, sentences)
        elif split is not None and split.is_bound:
            split.add_error(None, sentences)
        else:
            form.add_error(None, sentences)


def _lines(invoice: Invoice, form: CreditForm) -> list[CreditLine]:
    return [
        CreditLine(
            line,
            f"{plain(line.quantity)} {line.unit}".strip(),
            str(form.fields[field.name].initial) if field else "0",
            field,
        )
        for line in invoice.lines.order_by("position", "pk")
        for field in [form.line(line.pk)]
    ]


def _totals(draft: Draft, currency: str) -> list[TotalsRow]:
    rows = [
        ("Net", draft.net),
        *((tax.name, tax.amount) for tax in draft.taxes),
        ("Credit note", draft.total),
        ("Reduces what is due by", draft.reduces),
        ("Beyond the due", draft.excess),
    ]
    return [
        TotalsRow(name, spoken(amount, currency), name == "Credit note")
        for name, amount in rows
    ]
