"""The people at a customer, and what of its mail they get."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from accounts.services.events import record_event
from accounts.services.writing import set_fields
from invoices.exceptions import Deleted
from invoices.models import Contact, Customer
from invoices.services.locking import lock_row

FIELDS: Final = frozenset(
    {"name", "email", "phone", "gets_invoices", "gets_reminders", "gets_statements"}
)
# A mail to a customer names them all in its head.
MAX_CONTACTS: Final = 20


@transaction.atomic
def create_contact(
    *, customer: Customer, fields: Mapping[str, Any], actor: User | None, now: datetime
) -> Contact:
    """
    :param fields: any of `FIELDS`
    :raises ValidationError: naming each field that is wrong
    :raises Deleted: if somebody deleted the customer meanwhile
    """
    customer = lock_row(customer)
    if customer.contacts.count() >= MAX_CONTACTS:
        raise ValidationError(
            f"A customer has at most {MAX_CONTACTS} contacts: change one of them, or "
            "write down a second customer."
        )
    contact = Contact(customer=customer)
    _write(contact, fields)
    _record("customer.contact_added", contact, actor, now)
    return contact


@transaction.atomic
def update_contact(
    *, contact: Contact, fields: Mapping[str, Any], actor: User | None, now: datetime
) -> Contact:
    """
    Mail that waits goes to the address that it was asked for.

    :param fields: any of `FIELDS`
    :raises ValidationError: naming each field that is wrong
    :raises Deleted: if somebody deleted it meanwhile
    """
    contact = _fresh(contact)
    _write(contact, fields)
    _record("customer.contact_updated", contact, actor, now)
    return contact


@transaction.atomic
def delete_contact(*, contact: Contact, actor: User | None, now: datetime) -> None:
    """:raises Deleted: if somebody else was faster"""
    contact = _fresh(contact)
    _record("customer.contact_deleted", contact, actor, now)
    contact.delete()


def _fresh(contact: Contact) -> Contact:
    customer = lock_row(contact.customer)
    try:
        return customer.contacts.get(pk=contact.pk)
    except Contact.DoesNotExist:
        raise Deleted("Somebody deleted this contact meanwhile.") from None


def _write(contact: Contact, fields: Mapping[str, Any]) -> None:
    set_fields(contact, fields, FIELDS)
    contact.full_clean(exclude={"customer"}, validate_constraints=False)
    _check_is_new(contact)
    contact.save()


def _check_is_new(contact: Contact) -> None:
    # Whatever the case: MySQL tells none apart, and mailboxes do not either.
    others = contact.customer.contacts.exclude(pk=contact.pk)
    if others.filter(email__iexact=contact.email).exists():
        raise ValidationError(
            {"email": "This customer has a contact with that address."}
        )


def _record(type_: str, contact: Contact, actor: User | None, now: datetime) -> None:
    record_event(
        type=type_,
        subject=contact.customer,
        business=contact.customer.business,
        actor=actor,
        now=now,
        data={"contact": str(contact.public_id), "email": contact.email},
    )
