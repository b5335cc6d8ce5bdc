"""Keeping the list of taxes to charge."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import ProtectedError

from accounts.models import Business, User
from accounts.services.events import record_event
from accounts.services.writing import set_fields
from invoices.exceptions import InUse
from invoices.models import TaxRate
from invoices.services.locking import lock_row

FIELDS: Final = frozenset({"name", "category", "percent", "note", "is_active"})


@transaction.atomic
def create_tax_rate(
    *,
    business: Business,
    fields: Mapping[str, Any],
    actor: User | None,
    now: datetime,
) -> TaxRate:
    """
    :param fields: any of `FIELDS`
    :raises ValidationError: naming each field that is wrong
    """
    tax_rate = TaxRate(business=business)
    _write(tax_rate, fields)
    _record("tax_rate.created", tax_rate, actor, now)
    return tax_rate


@transaction.atomic
def update_tax_rate(
    *,
    tax_rate: TaxRate,
    fields: Mapping[str, Any],
    actor: User | None,
    now: datetime,
) -> TaxRate:
    """
    Drafts follow; finalized invoices keep the text and percentage they were issued with.

    :param fields: any of `FIELDS`
    :raises ValidationError: naming each field that is wrong
    :raises Deleted: if somebody deleted it meanwhile
    """
    tax_rate = lock_row(tax_rate)
    _write(tax_rate, fields)
    _record("tax_rate.updated", tax_rate, actor, now)
    return tax_rate


@transaction.atomic
def delete_tax_rate(*, tax_rate: TaxRate, actor: User | None, now: datetime) -> None:
    """
    :raises InUse: if a line of an invoice is taxed with it, drafts included
    :raises Deleted: if somebody else was faster
    """
    # The lock makes whoever is about to write a line with it wait.
    tax_rate = lock_row(tax_rate)
    _record("tax_rate.deleted", tax_rate, actor, now)
    try:
        tax_rate.delete()
    except ProtectedError as error:
        raise InUse(
            "Invoices use this tax rate, so it cannot be deleted. Deactivate it instead."
        ) from error


def _write(tax_rate: TaxRate, fields: Mapping[str, Any]) -> None:
    set_fields(tax_rate, fields, FIELDS)
    tax_rate.full_clean(exclude={"business"})
    tax_rate.save()


def _record(type_: str, tax_rate: TaxRate, actor: User | None, now: datetime) -> None:
    record_event(
        type=type_, subject=tax_rate, business=tax_rate.business, actor=actor, now=now
    )
