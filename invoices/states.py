"""The life of an invoice: its statuses and the moves between them."""

from collections.abc import Mapping

from django.db import models

from invoices.exceptions import InvalidTransition


class InvoiceStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    OPEN = "open", "Open"
    PAID = "paid", "Paid"
    VOID = "void", "Void"
    UNCOLLECTIBLE = "uncollectible", "Uncollectible"


TRANSITIONS: Mapping[InvoiceStatus, frozenset[InvoiceStatus]] = {
    InvoiceStatus.DRAFT: frozenset({InvoiceStatus.OPEN}),
    InvoiceStatus.OPEN: frozenset(
        {InvoiceStatus.PAID, InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE}
    ),
    InvoiceStatus.UNCOLLECTIBLE: frozenset({InvoiceStatus.PAID, InvoiceStatus.VOID}),
    # A payment that is taken back opens the debt again.
    InvoiceStatus.PAID: frozenset({InvoiceStatus.OPEN}),
    InvoiceStatus.VOID: frozenset(),
}

# A customer may still pay what the owner has given up on.
PAYABLE = frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE})


def check_transition(current: str, new: InvoiceStatus) -> None:
    """:raises InvalidTransition: if an invoice may not move from `current` to `new`"""
    if new == current:
        raise InvalidTransition(f"This invoice is {new.label.lower()} already.")
    if new not in TRANSITIONS[InvoiceStatus(current)]:
        raise InvalidTransition(
            f"This invoice is {InvoiceStatus(current).label.lower()} "
            f"and cannot become {new.label.lower()}."
        )


def check_finalizable(current: str) -> None:
    """:raises InvalidTransition: if an invoice has its number already"""
    if current != InvoiceStatus.DRAFT:
        raise InvalidTransition(
            f"This invoice is {InvoiceStatus(current).label.lower()} already; "
            "only a draft can be finalized."
        )


def check_draft(current: str) -> None:
    """:raises InvalidTransition: if an invoice may no longer be edited or deleted"""
    if current != InvoiceStatus.DRAFT:
        raise InvalidTransition(
            f"This invoice is {InvoiceStatus(current).label.lower()}; only a draft can "
            "be changed or deleted. Void it and write a new one instead."
        )
