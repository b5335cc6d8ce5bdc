from __future__ import annotations

import re
import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest

from accounts.fields import ExactCharField
from accounts.languages import LANGUAGES
from accounts.models import Business, TaxRounding, User, check_currency
from invoices.models.customers import Customer
from invoices.models.ledger import GONE, SUMS, LedgerEntry
from invoices.models.of_business import MAX_PERCENT, OfBusinessQuerySet, check_date
from invoices.models.series import Counter
from invoices.states import PAYABLE, InvoiceStatus

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from invoices.models.lines import InvoiceAdjustment, InvoiceLine, TaxTotal


def check_not_zero(quantity: Decimal) -> None:
    """:raises ValidationError: if nothing is charged for"""
    if quantity == 0:
        raise ValidationError(
            "A quantity is above zero, or below for what is returned."
        )


def _sum(name: str) -> Combinable:
    # A subquery, worked out for the rows of a page only, and never multiplied by a join.
    # Money in another currency is no part of a sum.
    entries = LedgerEntry.objects.filter(
        invoice=OuterRef("pk"), currency=OuterRef("currency"), kind__in=SUMS[name]
    )
    summed = entries.values("invoice").annotate(sum=Sum("amount")).values("sum")
    total = Coalesce(Subquery(summed), 0, output_field=models.BigIntegerField())
    return -total if name in GONE else total


DISCOUNTS_IN_RANGE = Q(
    discount_percent__gte=0, discount_percent__lte=100, discount_amount__gte=0
)


class InvoiceQuerySet(OfBusinessQuerySet["Invoice"]):
    def drafts(self) -> InvoiceQuerySet:
        return self.filter(status=InvoiceStatus.DRAFT)

    def overdue(self, on: date) -> InvoiceQuerySet:
        """Open and past their due date on that day, the day itself not included."""
        return self.filter(status=InvoiceStatus.OPEN, due_date__lt=on)

    def with_amounts(self) -> models.QuerySet[Any]:
        """
        Adds sums of the ledger in minor units: `paid`, `credited`, `refunded`,
        `disputed`, `held` and `due`.
        """
        return self.annotate(
            **{name: _sum(name) for name in SUMS},
            due=models.Case(
                models.When(
                    status__in=PAYABLE,
                    then=Greatest(F("payable") - F("paid") - F("credited"), 0),
                ),
                default=0,
                output_field=models.BigIntegerField(),
            ),
        )


class Invoice(models.Model):
    """
    A request for payment. Once finalized it is frozen: it keeps its own copy of every
    name, address, tax and total, and is corrected only by further documents.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Business, on_delete=models.PROTECT, related_name="invoices"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="invoices"
    )
    status = models.CharField(
        max_length=20, choices=InvoiceStatus, default=InvoiceStatus.DRAFT
    )
    number = ExactCharField[str | None, str | None](
        max_length=50, null=True, blank=True
    )
    currency = models.CharField(max_length=3, validators=[check_currency])
    issue_date = models.DateField(
        null=True,
        blank=True,
        validators=[check_date],
        help_text="Left empty, the day on which it is finalized.",
    )
    due_date = models.DateField(
        null=True,
        blank=True,
        validators=[check_date],
        help_text="Left empty, the business's terms count from the issue date.",
    )
    reference = models.CharField(
        max_length=100, blank=True, help_text="The customer's order number."
    )
    notes = models.TextField(
        blank=True, max_length=2000, help_text="Printed below the lines."
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
    tax_rounding = models.CharField(max_length=10, choices=TaxRounding)
    prices_include_tax = models.BooleanField(
        default=False, help_text="Unit prices, discounts and charges are gross."
    )
    prepaid_amount = models.DecimalField(
        max_digits=15,
        decimal_places=4,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text="Paid before, outside these books; printed and taken off.",
    )
    cash_rounding = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(100)],
        help_text=(
            "Round what is payable to this many minor units, such as 5 in Switzerland "
            "and 100 in Sweden."
        ),
    )
    language = models.CharField(
        max_length=10,
        choices=LANGUAGES,
        blank=True,
        help_text="Left empty, the customer's.",
    )
    revises = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="revision",
    )

    # Frozen at finalization, null before.
    seller: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    buyer: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    subtotal = models.BigIntegerField(null=True, blank=True)
    discount = models.BigIntegerField(null=True, blank=True)
    net = models.BigIntegerField(null=True, blank=True)
    tax = models.BigIntegerField(null=True, blank=True)
    total = models.BigIntegerField(null=True, blank=True)
    prepaid = models.BigIntegerField(null=True, blank=True)
    rounding = models.BigIntegerField(null=True, blank=True)
    payable = models.BigIntegerField(null=True, blank=True)
    counter = models.ForeignKey(
        Counter, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    sequence = models.PositiveIntegerField(null=True, blank=True)
    finalized_at = models.DateTimeField(null=True, blank=True)

    # The secret in the customer's link, and when the link stops to open.
    link_token = ExactCharField[str | None, str | None](
        max_length=64, null=True, blank=True, unique=True
    )
    link_expires_at = models.DateTimeField(null=True, blank=True)

    first_opened_at = models.DateTimeField(null=True, blank=True)
    last_opened_at = models.DateTimeField(null=True, blank=True)

    sent_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = models.Manager.from_queryset(InvoiceQuerySet)()

    if TYPE_CHECKING:
        lines: RelatedManager[InvoiceLine]
        adjustments: RelatedManager[InvoiceAdjustment]
        taxes: RelatedManager[TaxTotal]
        ledger: RelatedManager[LedgerEntry]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["business", "number"], name="invoice_number_unique"
            ),
            models.UniqueConstraint(
                fields=["counter", "sequence"], name="invoice_sequence_unique"
            ),
            models.CheckConstraint(
                condition=Q(
                    status=InvoiceStatus.DRAFT,
                    number__isnull=True,
                    finalized_at__isnull=True,
                    total__isnull=True,
                )
                | (
                    ~Q(status=InvoiceStatus.DRAFT)
                    & Q(
                        number__isnull=False,
                        finalized_at__isnull=False,
                        issue_date__isnull=False,
                        due_date__isnull=False,
                        subtotal__isnull=False,
                        discount__isnull=False,
                        net__isnull=False,
                        tax__isnull=False,
                        total__isnull=False,
                        prepaid__isnull=False,
                        rounding__isnull=False,
                        payable__isnull=False,
                        counter__isnull=False,
                        sequence__isnull=False,
                        link_token__isnull=False,
                    )
                ),
                name="invoice_frozen_exactly_when_not_draft",
            ),
            models.CheckConstraint(
                condition=Q(total__isnull=True)
                | Q(total=F("net") + F("tax"), total__gte=0),
                name="invoice_total_is_net_and_tax",
            ),
            models.CheckConstraint(
                condition=Q(payable__isnull=True)
                | Q(payable=F("total") - F("prepaid") + F("rounding"), payable__gte=0),
                name="invoice_payable_is_total_less_prepaid",
            ),
            models.CheckConstraint(
                condition=Q(status__in=InvoiceStatus.values),
                name="invoice_status_known",
            ),
            models.CheckConstraint(
                condition=Q(issue_date__isnull=True)
                | Q(due_date__isnull=True)
                | Q(due_date__gte=F("issue_date")),
                name="invoice_not_due_before_issued",
                violation_error_message="This is due before it is issued.",
            ),
            models.CheckConstraint(
                condition=DISCOUNTS_IN_RANGE, name="invoice_discounts_in_range"
            ),
            models.CheckConstraint(
                condition=Q(status=InvoiceStatus.PAID, paid_at__isnull=False)
                | (~Q(status=InvoiceStatus.PAID) & Q(paid_at__isnull=True)),
                name="invoice_paid_at_set_exactly_when_paid",
            ),
            models.CheckConstraint(
                condition=Q(status=InvoiceStatus.VOID, voided_at__isnull=False)
                | (~Q(status=InvoiceStatus.VOID) & Q(voided_at__isnull=True)),
                name="invoice_voided_at_set_exactly_when_void",
            ),
        ]
        indexes = [
            models.Index(fields=["business", "-id"], name="invoice_newest"),
            # Each ends with the key: the newest of a status are read backwards.
            models.Index(fields=["business", "status"], name="invoice_by_status"),
            models.Index(fields=["business", "currency"], name="invoice_by_currency"),
            # All that the sums of what is due need; see `selectors.receivables`.
            models.Index(
                fields=["business", "status", "due_date", "currency", "payable"],
                name="invoice_sums_due",
            ),
            models.Index(fields=["business", "issue_date"], name="invoice_by_day"),
            models.Index(fields=["business", "reference"], name="invoice_by_order"),
        ]

    def __str__(self) -> str:
        return self.number or f"Draft {str(self.public_id)[:8]}"

    @property
    def is_draft(self) -> bool:
        return self.status == InvoiceStatus.DRAFT

    @property
    def is_payable(self) -> bool:
        return self.status in PAYABLE

    def is_overdue(self, on: date) -> bool:
        return (
            self.status == InvoiceStatus.OPEN
            and self.due_date is not None
            and self.due_date < on
        )

    @property
    def document_name(self) -> str:
        """What the PDF is called where it is saved."""
        return re.sub(r"[^\w.-]+", "-", str(self)) + ".pdf"

    def link_is_open(self, now: datetime) -> bool:
        return self.link_expires_at is not None and now < self.link_expires_at


def link_lifetime(due_date: date, today: date) -> timedelta:
    """How long from today a customer's link opens: thirty days past the due date."""
    return max(due_date - today, timedelta(0)) + timedelta(days=30)
