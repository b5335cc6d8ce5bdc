"""Taking an invoice back, copying it, and giving more time."""

from typing import Any

from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from accounts.http import person
from invoices.admin.asking import Question, page_of
from invoices.forms import DueDateForm
from invoices.models import Invoice
from invoices.services import correcting, extending


def void(request: HttpRequest, invoice: Any) -> Question:
    def act() -> str:
        correcting.void_invoice(
            invoice=invoice, actor=person(request), now=timezone.now()
        )
        return f"{invoice.number} is void."

    return Question(
        title="Void",
        consequence=(
            f"Nothing is owed on {invoice.number} any more. The number stays used "
            "and the document stays; this cannot be taken back."
        ),
        act=act,
    )


def give_up(request: HttpRequest, invoice: Any) -> Question:
    def act() -> str:
        correcting.give_up_invoice(
            invoice=invoice, actor=person(request), now=timezone.now()
        )
        return f"{invoice.number} is marked as uncollectible."

    return Question(
        title="Mark uncollectible",
        consequence=(
            f"{invoice.number} no longer counts as due. The customer can still "
            "pay it by the link."
        ),
        act=act,
    )


def revise(request: HttpRequest, invoice: Any) -> Question:
    made: list[Invoice] = []

    def act() -> str:
        draft = correcting.revise_invoice(
            invoice=invoice, actor=person(request), now=timezone.now()
        )
        made.append(draft)
        return f"{invoice.number} is void. This draft takes its place."

    return Question(
        title="Revise",
        consequence=(
            f"{invoice.number} becomes void, and all that was typed is copied to a "
            "new draft, which names it. Attached files are not: attach them again. "
            "Change the draft, then finalize it: it gets a number of its own."
        ),
        act=act,
        done=lambda: page_of(made[0]),
    )


def duplicate(request: HttpRequest, invoice: Any) -> Question:
    made: list[Invoice] = []

    def act() -> str:
        draft = correcting.duplicate_invoice(
            invoice=invoice, actor=person(request), now=timezone.now()
        )
        made.append(draft)
        return f"This is a copy of {invoice}."

    return Question(
        title="Duplicate",
        consequence=(
            f"What was typed for {invoice} is copied to a new draft for "
            f"{invoice.customer}, without its dates and attached files. {invoice} "
            "stays as it is."
        ),
        act=act,
        done=lambda: page_of(made[0]),
    )


def extend(request: HttpRequest, invoice: Any) -> Question:
    if invoice.is_draft:
        # It is due on no day yet.
        raise Http404
    form = DueDateForm(request.POST or None)

    def act() -> str:
        extending.extend_invoice(
            invoice=invoice,
            due_date=form.cleaned_data["due_date"],
            actor=person(request),
            now=timezone.now(),
        )
        day = date_format(form.cleaned_data["due_date"])
        return f"{invoice.number} is due on {day} now."

    return Question(
        title="Extend the due date",
        consequence=(
            f"{invoice.number} is due on {date_format(invoice.due_date)}. From a "
            "later day reminders are counted anew. The PDF keeps the day that it was "
            "issued with."
        ),
        act=act,
        form=form,
    )
