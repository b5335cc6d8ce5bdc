"""Whoever moves money or status of an invoice waits here for a fresh copy of it."""

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
