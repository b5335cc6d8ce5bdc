"""Writing, changing and deleting drafts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import models, transaction

from accounts.models import Business, User
from accounts.services.events import record_event
from accounts.services.writing import set_fields
from invoices import selectors
from invoices.models import (
    MAX_LINES,
    Customer,
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    Taxed,
)
from invoices.selectors import Estimate
from invoices.services.attaching import forget_files
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
        "prices_include_tax",
        "prepaid_amount",
        "cash_rounding",
        "language",
    }
)
_MAX_ADJUSTMENTS: Final = 50


@transaction.atomic
def create_draft(
    *,
    business: Business,
    customer: Customer,
    lines: Sequence[InvoiceLine],
    adjustments: Sequence[InvoiceAdjustment] = (),
    actor: User | None,
    now: datetime,
    fields: Mapping[str, Any] | None = None,
) -> Invoice:
    """
    Write a draft. It may have no lines yet, and takes no number.

    :param lines: unsaved, as adjustments are; their order is kept
    :param fields: any of `FIELDS`; the currency defaults to the customer's, and this and
        the rounding to the business's
    :raises ValidationError: naming each field that is wrong
    :raises Refusal: if the lines come to no amount that the books can hold
    """
    invoice = _new(business, customer, actor)
    _write(invoice, fields or {}, lines, adjustments)
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
    adjustments: Sequence[InvoiceAdjustment] = (),
    fields: Mapping[str, Any] | None = None,
    wanted_total: Decimal | None = None,
) -> Estimate:
    """
    What `create_draft` would write, and what it comes to. Nothing is saved.

    :param wanted_total: major units; the estimate says which totals near it there are
    :raises ValidationError: naming each field that is wrong
    :raises Refusal: if the lines come to no amount that the books can hold
    """
    invoice = _new(business, customer, None)
    _fill(invoice, fields or {})
    _check_lines(invoice, lines)
    _check_adjustments(invoice, adjustments)
    return selectors.estimate(invoice, lines, adjustments, wanted_total)


@transaction.atomic
def update_draft(
    *,
    invoice: Invoice,
    actor: User | None,
    now: datetime,
    fields: Mapping[str, Any] | None = None,
    lines: Sequence[InvoiceLine] | None = None,
    adjustments: Sequence[InvoiceAdjustment] | None = None,
) -> Invoice:
    """
    Change a draft's fields, and replace its lines and adjustments where given.

    :raises InvalidTransition: if the invoice is no longer a draft
    :raises ValidationError: naming each field that is wrong
    :raises Refusal: if the lines come to no amount that the books can hold
    """
    invoice = lock_invoice(invoice.pk)
    check_draft(invoice.status)
    _write(invoice, fields or {}, lines, adjustments)
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
    forget_files(invoice.attachments.all())
    invoice.delete()


def _new(business: Business, customer: Customer, actor: User | None) -> Invoice:
    return Invoice(
        business=business,
        customer=customer,
        currency=customer.currency or business.currency,
        tax_rounding=business.tax_rounding,
        created_by=actor,
    )


def _write(
    invoice: Invoice,
    fields: Mapping[str, Any],
    lines: Sequence[InvoiceLine] | None,
    adjustments: Sequence[InvoiceAdjustment] | None,
) -> None:
    _fill(invoice, fields)
    if lines is not None:
        _check_lines(invoice, lines)
    if adjustments is not None:
        _check_adjustments(invoice, adjustments)
    current = lines
    if current is None:
        current = list(invoice.lines.select_related("tax_rate"))
    selectors.draft_totals(invoice, current, adjustments)
    invoice.save()
    if lines is not None:
        _replace(invoice, invoice.lines.all(), lines)
    if adjustments is not None:
        _replace(invoice, invoice.adjustments.all(), adjustments)


def _fill(invoice: Invoice, fields: Mapping[str, Any]) -> None:
    if not fields.get("currency", True):
        # None said: a new draft has the customer's, another keeps its own.
        fields = {name: value for name, value in fields.items() if name != "currency"}
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
    _check_rows("lines", [_problems(invoice, line) for line in lines])


def _check_adjustments(
    invoice: Invoice, adjustments: Sequence[InvoiceAdjustment]
) -> None:
    if len(adjustments) > _MAX_ADJUSTMENTS:
        raise ValidationError(
            {
                "adjustments": f"An invoice has at most {_MAX_ADJUSTMENTS} charges "
                "and allowances."
            }
        )
    _check_rows(
        "adjustments",
        [
            _problems(invoice, row)
            or (
                {"amount": ["Write an amount or a percentage."]}
                if row.amount and row.percent
                else {}
            )
            for row in adjustments
        ],
    )


def _check_rows(name: str, problems: Sequence[Mapping[str, list[str]]]) -> None:
    """:raises ValidationError: naming the field of each row that is wrong"""
    if any(problems):
        raise ValidationError(
            {
                f"{name}.{i}.{field}": messages
                for i, found in enumerate(problems)
                for field, messages in found.items()
            }
        )


def _problems(invoice: Invoice, row: Taxed) -> dict[str, list[str]]:
    try:
        row.clean_fields(exclude={"invoice", "tax_rate"})
    except ValidationError as error:
        return error.message_dict
    if row.tax_rate.business_id != invoice.business_id:
        return {"tax_rate": ["There is no such tax rate."]}
    return {}


def _replace[Row: (InvoiceLine, InvoiceAdjustment)](
    invoice: Invoice, old: models.QuerySet[Row], new: Sequence[Row]
) -> None:
    old.delete()
    for position, row in enumerate(new):
        row.pk = None
        row.invoice = invoice
        row.position = position
    old.bulk_create(new)
