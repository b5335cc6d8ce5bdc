"""Whoever changes what others may change waits here for a fresh copy of it."""

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model

from invoices.exceptions import Deleted
from invoices.models import Customer, Invoice


def lock_invoice(invoice_id: int) -> Invoice:
    """
    The invoice as it is now, locked until the transaction ends.

    Take this lock before any other of a money transaction: inserting a child row takes
    a shared lock on the invoice through the foreign key, and two of those deadlock.
    Nothing is joined: MariaDB would lock the joined rows as well.

    :raises Deleted: if it was a draft that somebody deleted meanwhile
    """
    try:
        return Invoice.objects.select_for_update().get(pk=invoice_id)
    except Invoice.DoesNotExist:
        raise Deleted("Somebody deleted this draft meanwhile.") from None


def lock_customer(customer_id: int) -> Customer:
    """
    Whoever spends what a customer has to its credit waits here. Take it after the lock of
    an invoice, and before a number or an event: those share a lock on the business.
    """
    return Customer.objects.select_for_update().get(pk=customer_id)


def lock_row[Row: Model](row: Row) -> Row:
    """
    A row that people keep, as it is now, locked until the transaction ends.

    :raises Deleted: if somebody deleted it meanwhile
    """
    try:
        return type(row)._default_manager.select_for_update().get(pk=row.pk)
    except ObjectDoesNotExist:
        kind = row._meta.verbose_name
        raise Deleted(f"Somebody deleted this {kind} meanwhile.") from None
