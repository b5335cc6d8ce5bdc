"""Keeping the address book."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import ProtectedError

from accounts.models import Business, User
from accounts.services.events import record_event
from accounts.services.writing import keep_tax_id, set_fields
from invoices.exceptions import InUse
from invoices.models import Customer
from invoices.services.locking import lock_row

FIELDS: Final = frozenset(
    {
        "name",
        "email",
        "address",
        "country",
        "tax_id",
        "shipping_address",
        "language",
        "paper",
        "currency",
        "payment_terms_days",
        "notes",
    }
)


@transaction.atomic
def create_customer(
    *,
    business: Business,
    fields: Mapping[str, Any],
    actor: User | None,
    now: datetime,
) -> Customer:
    """
    :param fields: any of `FIELDS`
    :raises ValidationError: naming each field that is wrong
    """
    customer = Customer(business=business)
    _write(customer, fields)
    _record("customer.created", customer, actor, now)
    return customer


@transaction.atomic
def update_customer(
    *,
    customer: Customer,
    fields: Mapping[str, Any],
    actor: User | None,
    now: datetime,
) -> Customer:
    """
    Drafts follow; finalized invoices keep the details they were issued with.

    :param fields: any of `FIELDS`
    :raises ValidationError: naming each field that is wrong
    :raises Deleted: if somebody deleted it meanwhile
    """
    customer = lock_row(customer)
    _write(customer, fields)
    _record("customer.updated", customer, actor, now)
    return customer


@transaction.atomic
def delete_customer(*, customer: Customer, actor: User | None, now: datetime) -> None:
    """
    :raises InUse: if there are invoices for the customer, drafts included
    :raises Deleted: if somebody else was faster
    """
    # The lock makes whoever is about to write an invoice for the customer wait.
    customer = lock_row(customer)
    _record("customer.deleted", customer, actor, now)
    try:
        customer.delete()
    except ProtectedError as error:
        raise InUse(
            "There are invoices for this customer, so it cannot be deleted."
        ) from error


def _write(customer: Customer, fields: Mapping[str, Any]) -> None:
    before = customer.tax_id, customer.country
    set_fields(customer, fields, FIELDS)
    customer.full_clean(exclude={"business"})
    keep_tax_id(customer, before)
    customer.save()


def _record(type_: str, customer: Customer, actor: User | None, now: datetime) -> None:
    record_event(
        type=type_, subject=customer, business=customer.business, actor=actor, now=now
    )
