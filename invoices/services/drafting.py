"""Writing, changing and deleting drafts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Business, User
from accounts.services.events import record_event
from accounts.services.writing import set_fields
from invoices import selectors
from invoices.models import MAX_LINES, Customer, Invoice, InvoiceLine
from invoices.selectors import Estimate
from invoices.services.locking import lock_invoice
from invoices.states import check_draft

# What an owner may set on a draft; everything else is worked out.
FIELDS: Final = frozenset(
    {
        "customer",
        "currency",
        "issue_date",
        "due_date",
        "reference",
        "notes",
        "discount_percent",
        "discount_amount",
        "tax_rounding",
    }
)


@transaction.atomic
def create_draft(
    *,
    business: Business,
    customer: Customer,
    lines: Sequence[InvoiceLine],
    actor: User | None,
    now: datetime,
    fields: Mapping[str, Any] | None = None,
) -> Invoice:
    """
    Write a draft. It may have no lines yet, and takes no number.

    :param lines: unsaved; their order is kept
    :param fields: any of `FIELDS`; currency and rounding default to the business's
    :raises ValidationError: naming each field that is wrong
    :raises Refusal: if the lines come to no amount that the books can hold
    """
    invoice = _new(business, customer, actor)
    _write(invoice, fields or {}, lines)
    record_event(
        type="invoice.created",
        subject=invoice,
        business=business,
        actor=actor,
        now=now,
    )
    return invoice


def preview_draft(
    *,
    business: Business,
    customer: Customer,
    lines: Sequence[InvoiceLine],
    fields: Mapping[str, Any] | None = None,
) -> Estimate:
    """
    What `create_draft` would write, and what it comes to. Nothing is saved.

    :raises ValidationError: naming each field that is wrong
    :raises Refusal: if the lines come to no amount that the books can hold
    """
    invoice = _new(business, customer, None)
    _fill(invoice, fields or {})
    _check_lines(invoice, lines)
    return selectors.estimate(invoice, lines)


@transaction.atomic
def update_draft(
    *,
    invoice: Invoice,
    actor: User | None,
    now: datetime,
    fields: Mapping[str, Any] | None = None,
    lines: Sequence[InvoiceLine] | None = None,
) -> Invoice:
    """
    Change a draft's fields, and replace its lines where lines are given.

    :raises InvalidTransition: if the invoice is no longer a draft
    :raises ValidationError: naming each field that is wrong
    :raises Refusal: if the lines come to no amount that the books can hold
    """
    invoice = lock_invoice(invoice.pk)
    check_draft(invoice.status)
    _write(invoice, fields or {}, lines)
    record_event(
        type="invoice.updated",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
    )
    return invoice


@transaction.atomic
def delete_draft(*, invoice: Invoice, actor: User | None, now: datetime) -> None:
    """:raises InvalidTransition: if the invoice is no longer a draft"""
    invoice = lock_invoice(invoice.pk)
    check_draft(invoice.status)
    record_event(
        type="invoice.deleted",
        subject=invoice,
        business=invoice.business,
        actor=actor,
        now=now,
    )
    invoice.delete()


def _new(business: Business, customer: Customer, actor: User | None) -> Invoice:
    return Invoice(
        business=business,
        customer=customer,
        currency=business.currency,
        tax_rounding=business.tax_rounding,
        created_by=actor,
    )


def _write(
    invoice: Invoice,
    fields: Mapping[str, Any],
    lines: Sequence[InvoiceLine] | None,
) -> None:
    _fill(invoice, fields)
    if lines is None:
        current = list(invoice.lines.select_related("tax_rate"))
        selectors.draft_totals(invoice, current)
        invoice.save()
        return
    _check_lines(invoice, lines)
    selectors.draft_totals(invoice, lines)
    invoice.save()
    _replace_lines(invoice, lines)


def _fill(invoice: Invoice, fields: Mapping[str, Any]) -> None:
    set_fields(invoice, fields, FIELDS)
    _check(invoice)


def _check(invoice: Invoice) -> None:
    # Rows that are passed as rows exist; looking each up again would cost a query.
    invoice.clean_fields(exclude={"business", "customer", "created_by"})
    if invoice.customer.business_id != invoice.business_id:
        raise ValidationError({"customer": "There is no such customer."})
    if (
        invoice.issue_date
        and invoice.due_date
        and invoice.due_date < invoice.issue_date
    ):
        raise ValidationError({"due_date": "This is due before it is issued."})


def _check_lines(invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    if len(lines) > MAX_LINES:
        raise ValidationError({"lines": f"An invoice has at most {MAX_LINES} lines."})
    problems = [_problems(invoice, line) for line in lines]
    if any(problems):
        raise ValidationError(
            {
                f"lines.{i}.{field}": messages
                for i, found in enumerate(problems)
                for field, messages in found.items()
            }
        )


def _problems(invoice: Invoice, line: InvoiceLine) -> dict[str, list[str]]:
    try:
        line.clean_fields(exclude={"invoice", "tax_rate"})
    except ValidationError as error:
        return error.message_dict
    if line.tax_rate.business_id != invoice.business_id:
        return {"tax_rate": ["There is no such tax rate."]}
    return {}


def _replace_lines(invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    invoice.lines.all().delete()
    for position, line in enumerate(lines):
        line.pk = None
        line.invoice = invoice
        line.position = position
    InvoiceLine.objects.bulk_create(lines)
