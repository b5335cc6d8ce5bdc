from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q

from accounts.fields import ExactCharField
from accounts.models import Business, User
from invoices.models.customers import Customer
from invoices.models.invoices import Invoice
from invoices.models.lines import InvoiceLine
from invoices.models.of_business import OfBusinessQuerySet
from invoices.models.series import Counter
from invoices.models.taxes import TaxCategory

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class CreditNoteQuerySet(OfBusinessQuerySet["CreditNote"]):
    pass


class CreditNote(models.Model):
    """
    Takes back all or part of a finalized invoice. Issued at once, and frozen like it.

    Its total first reduces what is due; what is beyond is refunded, kept as customer
    balance, or paid back otherwise. Amounts are minor units, above zero.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Business, on_delete=models.PROTECT, related_name="credit_notes"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="credit_notes"
    )
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="credit_notes"
    )
    counter = models.ForeignKey(Counter, on_delete=models.PROTECT, related_name="+")
    sequence = models.PositiveIntegerField()
    number = ExactCharField(max_length=50)
    currency = models.CharField(max_length=3)
    language = models.CharField(max_length=10)
    issue_date = models.DateField()
    reason = models.CharField(max_length=500, help_text="Printed on it.")
    seller: models.JSONField[Any, Any] = models.JSONField()
    buyer: models.JSONField[Any, Any] = models.JSONField()
    net = models.BigIntegerField()
    tax = models.BigIntegerField()
    total = models.BigIntegerField()
    # How the total was used; together they are the total.
    reduces = models.BigIntegerField(help_text="Taken off what was due.")
    refunds = models.BigIntegerField(default=0, help_text="Sent back by card.")
    to_balance = models.BigIntegerField(default=0, help_text="Kept for the customer.")
    out_of_band = models.BigIntegerField(default=0, help_text="Paid back otherwise.")
    issued_at = models.DateTimeField()
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = models.Manager.from_queryset(CreditNoteQuerySet)()

    if TYPE_CHECKING:
        lines: RelatedManager[CreditNoteLine]
        taxes: RelatedManager[CreditNoteTax]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["business", "number"], name="credit_note_number_unique"
            ),
            models.UniqueConstraint(
                fields=["counter", "sequence"], name="credit_note_sequence_unique"
            ),
            models.CheckConstraint(
                condition=Q(total=F("net") + F("tax"), total__gt=0),
                name="credit_note_total_is_net_and_tax",
            ),
            models.CheckConstraint(
                condition=Q(
                    total=F("reduces")
                    + F("refunds")
                    + F("to_balance")
                    + F("out_of_band"),
                    reduces__gte=0,
                    refunds__gte=0,
                    to_balance__gte=0,
                    out_of_band__gte=0,
                ),
                name="credit_note_used_exactly",
            ),
        ]
        indexes = [
            models.Index(fields=["business", "-id"], name="credit_note_newest"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def document_name(self) -> str:
        """What the PDF is called where it is saved."""
        return re.sub(r"[^\w.-]+", "-", self.number) + ".pdf"


class CreditNoteLine(models.Model):
    """What of a line of the invoice is taken back; above zero, in minor units."""

    credit_note = models.ForeignKey(
        CreditNote, on_delete=models.CASCADE, related_name="lines"
    )
    invoice_line = models.ForeignKey(
        InvoiceLine, on_delete=models.PROTECT, related_name="credited"
    )
    position = models.PositiveSmallIntegerField(default=0)
    description = models.CharField(max_length=500)
    quantity = models.DecimalField(max_digits=14, decimal_places=4)
    unit_price = models.DecimalField(max_digits=18, decimal_places=6)
    base_quantity = models.DecimalField(max_digits=14, decimal_places=4)
    net = models.BigIntegerField()
    # Where the prices of the invoice include tax.
    gross = models.BigIntegerField(null=True, blank=True)
    tax_name = models.CharField(max_length=50)
    tax_category = models.CharField(max_length=2, choices=TaxCategory)
    tax_percent = models.DecimalField(max_digits=6, decimal_places=3)

    def __str__(self) -> str:
        return self.description[:50]

    @property
    def priced(self) -> int:
        """Its amount as the prices are: gross where they include tax."""
        return self.net if self.gross is None else self.gross


class CreditNoteTax(models.Model):
    """Tax of one rate that a credit note takes back."""

    credit_note = models.ForeignKey(
        CreditNote, on_delete=models.CASCADE, related_name="taxes"
    )
    category = models.CharField(max_length=2, choices=TaxCategory)
    percent = models.DecimalField(max_digits=6, decimal_places=3)
    name = models.CharField(max_length=250)
    note = models.TextField(blank=True)
    net = models.BigIntegerField()
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["credit_note", "category", "percent"],
                name="credit_note_tax_once_per_rate",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.amount}"
