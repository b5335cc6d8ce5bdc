"""What an invoice is made of."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from invoices.arithmetic import Adjustment, Line
from invoices.models.invoices import DISCOUNTS_IN_RANGE, Invoice, check_not_zero
from invoices.models.of_business import MAX_PERCENT
from invoices.models.taxes import TaxCategory, TaxRate

# More lines than anyone reads; fewer than a position column holds.
MAX_LINES = 500


class Taxed(models.Model):
    """What an invoice is made of, under one tax."""

    tax_rate = models.ForeignKey(TaxRate, on_delete=models.PROTECT, related_name="+")

    # Filled in when the invoice is frozen, null before; negative for an allowance.
    net = models.BigIntegerField(null=True, blank=True)
    # Where prices include tax.
    gross = models.BigIntegerField(null=True, blank=True)
    tax_name = models.CharField(max_length=50, blank=True)
    tax_category = models.CharField(max_length=2, choices=TaxCategory, blank=True)
    tax_percent = models.DecimalField(
        max_digits=6, decimal_places=3, null=True, blank=True
    )

    class Meta:
        abstract = True

    @property
    def priced(self) -> int | None:
        """Its frozen amount as the prices are: gross where they include tax."""
        return self.net if self.gross is None else self.gross


class InvoiceLine(Taxed):
    """What is charged for."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField(default=0)
    description = models.CharField(max_length=500)
    quantity = models.DecimalField(
        max_digits=14,
        decimal_places=4,
        default=Decimal(1),
        validators=[check_not_zero],
    )
    unit = models.CharField(max_length=20, blank=True, help_text="Such as h or kg.")
    unit_price = models.DecimalField(max_digits=18, decimal_places=6)
    base_quantity = models.DecimalField(
        max_digits=14,
        decimal_places=4,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.0001"), "A quantity is above zero.")],
        help_text="How many units the price is for.",
    )
    discount_percent = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(MAX_PERCENT)],
    )
    discount_amount = models.DecimalField(
        max_digits=15,
        decimal_places=4,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
    )
    charge_amount = models.DecimalField(
        max_digits=15,
        decimal_places=4,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(quantity=0) & Q(base_quantity__gt=0),
                name="invoice_line_quantities_make_sense",
            ),
            models.CheckConstraint(
                condition=Q(charge_amount__gte=0),
                name="invoice_line_charge_not_negative",
            ),
            models.CheckConstraint(
                condition=DISCOUNTS_IN_RANGE, name="invoice_line_discounts_in_range"
            ),
        ]

    def __str__(self) -> str:
        return self.description[:50]

    @property
    def amounts(self) -> Line:
        """The line as the arithmetic sees it."""
        return Line(
            quantity=self.quantity,
            unit_price=self.unit_price,
            tax=self.tax_rate.tax,
            base_quantity=self.base_quantity,
            charge_amount=self.charge_amount,
            discount_percent=self.discount_percent,
            discount_amount=self.discount_amount,
        )


class InvoiceAdjustment(Taxed):
    """
    A charge, or an allowance, on the document as a whole under one tax.

    An amount in major units, or a percentage of the sum of the lines. What all rates are
    to share is no adjustment but the invoice's discount.
    """

    invoice = models.ForeignKey(
        Invoice, on_delete=models.CASCADE, related_name="adjustments"
    )
    position = models.PositiveSmallIntegerField(default=0)
    is_charge = models.BooleanField(default=True)
    reason = models.CharField(max_length=150)
    percent = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(MAX_PERCENT)],
    )
    amount = models.DecimalField(
        max_digits=15,
        decimal_places=4,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=100, amount__gte=0)
                & (Q(percent=0) | Q(amount=0)),
                name="invoice_adjustment_amount_or_percent",
                violation_error_message="Write an amount or a percentage.",
            ),
        ]

    def __str__(self) -> str:
        return self.reason

    @property
    def amounts(self) -> Adjustment:
        """The adjustment as the arithmetic sees it."""
        return Adjustment(
            tax=self.tax_rate.tax,
            is_charge=self.is_charge,
            value=self.amount,
            percent=self.percent,
        )


class TaxTotal(models.Model):
    """Tax of one rate on a frozen invoice, with the rate's text as it was."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="taxes")
    category = models.CharField(max_length=2, choices=TaxCategory)
    percent = models.DecimalField(max_digits=6, decimal_places=3)
    name = models.CharField(max_length=250)
    note = models.TextField(blank=True)
    net = models.BigIntegerField()
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "category", "percent"],
                name="tax_total_once_per_rate",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.amount}"
