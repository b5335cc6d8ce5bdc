from __future__ import annotations

import uuid
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.models import Business
from invoices.arithmetic import Tax
from invoices.models.of_business import MAX_PERCENT, OfBusinessQuerySet


class TaxCategory(models.TextChoices):
    """The codes of UNCL 5305 that EN 16931 allows and we support."""

    STANDARD = "S", "Standard rate"
    ZERO = "Z", "Zero rated"
    EXEMPT = "E", "Exempt"
    REVERSE_CHARGE = "AE", "Reverse charge"
    OUTSIDE = "O", "Outside the scope of tax"


class TaxRateQuerySet(OfBusinessQuerySet["TaxRate"]):
    pass


class TaxRate(models.Model):
    """A tax a business charges, or the reason why it does not."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Business, on_delete=models.PROTECT, related_name="tax_rates"
    )
    name = models.CharField(max_length=50, help_text="As printed, such as VAT 19 %.")
    category = models.CharField(
        max_length=2, choices=TaxCategory, default=TaxCategory.STANDARD
    )
    percent = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        default=Decimal(0),
        validators=[
            MinValueValidator(Decimal(0)),
            MaxValueValidator(
                MAX_PERCENT, "A tax rate is a percentage between 0 and 100."
            ),
        ],
    )
    note = models.CharField(
        max_length=250,
        blank=True,
        help_text="Printed on the invoice: why no tax is charged.",
    )
    is_active = models.BooleanField(
        default=True, help_text="Offered for new lines. Old invoices keep theirs."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = models.Manager.from_queryset(TaxRateQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=100),
                name="tax_rate_between_0_and_100",
                violation_error_message="A tax rate is a percentage between 0 and 100.",
            ),
            models.CheckConstraint(
                condition=Q(category=TaxCategory.STANDARD) | Q(percent=0),
                name="tax_rate_only_standard_has_percent",
                violation_error_message="Only the standard category has a percentage.",
            ),
            models.CheckConstraint(
                condition=~Q(category__in=["E", "AE"]) | ~Q(note=""),
                name="tax_rate_exemption_has_note",
                violation_error_message=(
                    "Say on the invoice why no tax is charged: fill in the note."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def tax(self) -> Tax:
        return Tax(self.category, self.percent)
