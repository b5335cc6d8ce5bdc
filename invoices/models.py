from __future__ import annotations

import re
import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.core.files.storage import Storage, storages
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest

from accounts.fields import ExactCharField
from accounts.models import Business, TaxRounding, User, check_currency
from accounts.roles import Permission
from invoices.money import Line, Tax
from invoices.states import PAYABLE, InvoiceStatus

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

MAX_PERCENT = Decimal(100)
# More lines than anyone reads; fewer than a position column holds.
MAX_LINES = 500
# Beyond these, a date is a slip of the hand, and reckoning with it leaves the calendar.
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)


def check_date(day: date) -> None:
    """:raises ValidationError: if no invoice can be of that day"""
    if not EARLIEST <= day <= LATEST:
        raise ValidationError(f"Write a date between {EARLIEST} and {LATEST}.")


class OfBusinessQuerySet[M: models.Model](models.QuerySet[M]):
    def for_user(
        self, user: User, permission: Permission = Permission.VIEW_BOOKS
    ) -> Self:
        """Rows of the businesses in which the user's role grants the permission."""
        return self.filter(business__in=Business.objects.for_user(user, permission))


class CustomerQuerySet(OfBusinessQuerySet["Customer"]):
    pass


class Customer(models.Model):
    """Who is invoiced. Finalized invoices keep their own copy of these details."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Business, on_delete=models.PROTECT, related_name="customers"
    )
    name = models.CharField(max_length=150)
    email = models.EmailField(help_text="Where invoices go.")
    address = models.TextField(
        blank=True, max_length=500, help_text="Street, postal code and city."
    )
    country = models.CharField(
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}\Z", "Use the two letters of ISO 3166.")],
        help_text="Two letters, ISO 3166.",
    )
    tax_id = models.CharField("tax id", max_length=50, blank=True)
    notes = models.TextField(
        blank=True, max_length=2000, help_text="For yourself; never printed."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = models.Manager.from_queryset(CustomerQuerySet)()

    def __str__(self) -> str:
        return self.name


class TaxCategory(models.TextChoices):
    """The codes of UNCL 5305 that EN 16931 allows and we support."""

    STANDARD = "S", "Standard rate"
    ZERO = "Z", "Zero rated"
    EXEMPT = "E", "Exempt"
    REVERSE_CHARGE = "AE", "Reverse charge"


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


class Series(models.Model):
    """
    A run of numbers without gaps. The row is locked while a number is taken from it.
    """

    class Kind(models.TextChoices):
        INVOICE = "invoice", "Invoices"

    business = models.ForeignKey(
        Business, on_delete=models.PROTECT, related_name="series"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    prefix = models.CharField(max_length=20)
    next_value = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name_plural = "series"
        constraints = [
            models.UniqueConstraint(
                fields=["business", "kind"], name="series_once_per_kind"
            ),
            models.CheckConstraint(
                condition=Q(next_value__gte=1), name="series_starts_at_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}{self.next_value:05d}"


def _total(*kinds: LedgerEntry.Kind) -> Coalesce:
    # A subquery, worked out for the rows of a page only, and never multiplied by a join.
    # Money in another currency is no part of a sum.
    entries = LedgerEntry.objects.filter(
        invoice=OuterRef("pk"), currency=OuterRef("currency"), kind__in=kinds
    )
    summed = entries.values("invoice").annotate(sum=Sum("amount")).values("sum")
    return Coalesce(Subquery(summed), 0, output_field=models.BigIntegerField())


_DISCOUNTS_IN_RANGE = Q(
    discount_percent__gte=0, discount_percent__lte=100, discount_amount__gte=0
)


class InvoiceQuerySet(OfBusinessQuerySet["Invoice"]):
    def drafts(self) -> InvoiceQuerySet:
        return self.filter(status=InvoiceStatus.DRAFT)

    def overdue(self, on: date) -> InvoiceQuerySet:
        """Open and past their due date on that day, the day itself not included."""
        return self.filter(status=InvoiceStatus.OPEN, due_date__lt=on)

    def with_amounts(self) -> models.QuerySet[Any]:
        """Adds `paid`, `refunded`, `held` and `due`, sums of the ledger in minor units."""
        return self.annotate(
            paid=_total(LedgerEntry.Kind.PAYMENT),
            refunded=-_total(LedgerEntry.Kind.REFUND, LedgerEntry.Kind.REFUND_FAILED),
            held=_total(
                LedgerEntry.Kind.HELD,
                LedgerEntry.Kind.HELD_REFUND,
                LedgerEntry.Kind.HELD_REFUND_FAILED,
            ),
            due=models.Case(
                models.When(
                    status__in=PAYABLE,
                    then=Greatest(F("total") - F("paid"), 0),
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

    # Frozen at finalization, null before.
    seller: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    buyer: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    subtotal = models.BigIntegerField(null=True, blank=True)
    discount = models.BigIntegerField(null=True, blank=True)
    net = models.BigIntegerField(null=True, blank=True)
    tax = models.BigIntegerField(null=True, blank=True)
    total = models.BigIntegerField(null=True, blank=True)
    finalized_at = models.DateTimeField(null=True, blank=True)

    # The secret in the customer's link, and when the link stops to open.
    link_token = ExactCharField[str | None, str | None](
        max_length=64, null=True, blank=True, unique=True
    )
    link_expires_at = models.DateTimeField(null=True, blank=True)

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
        taxes: RelatedManager[TaxTotal]
        ledger: RelatedManager[LedgerEntry]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["business", "number"], name="invoice_number_unique"
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
                condition=_DISCOUNTS_IN_RANGE, name="invoice_discounts_in_range"
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
            models.Index(
                fields=["business", "status", "due_date"], name="invoice_what_is_due"
            ),
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


class InvoiceLine(models.Model):
    """What is charged for. Its net and tax are filled in when the invoice is frozen."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField(default=0)
    description = models.CharField(max_length=500)
    quantity = models.DecimalField(
        max_digits=14,
        decimal_places=4,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.0001"), "A quantity is above zero.")],
    )
    unit_price = models.DecimalField(
        max_digits=18, decimal_places=6, help_text="Before tax."
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
    tax_rate = models.ForeignKey(TaxRate, on_delete=models.PROTECT, related_name="+")

    # Frozen at finalization, null before.
    net = models.BigIntegerField(null=True, blank=True)
    tax_name = models.CharField(max_length=50, blank=True)
    tax_category = models.CharField(max_length=2, choices=TaxCategory, blank=True)
    tax_percent = models.DecimalField(
        max_digits=6, decimal_places=3, null=True, blank=True
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0),
                name="invoice_line_quantity_above_zero",
                violation_error_message="A quantity is above zero.",
            ),
            models.CheckConstraint(
                condition=_DISCOUNTS_IN_RANGE, name="invoice_line_discounts_in_range"
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
            discount_percent=self.discount_percent,
            discount_amount=self.discount_amount,
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


class LedgerEntry(models.Model):
    """
    A fact about money, written once. What is due is the sum of these, never a counter.

    Amounts are minor units, positive towards the business. `source` says where the fact
    comes from (a Stripe id); the same fact cannot be written twice.
    """

    class Kind(models.TextChoices):
        PAYMENT = "payment", "Payment"
        HELD = "held", "Held for a decision"
        REFUND = "refund", "Refund"
        REFUND_FAILED = "refund_failed", "Refund failed"
        HELD_REFUND = "held_refund", "Refund of held money"
        HELD_REFUND_FAILED = "held_refund_failed", "Refund of held money failed"

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="ledger"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    source = ExactCharField(max_length=255)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "source"], name="ledger_entry_written_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["refund", "held_refund"], amount__lt=0)
                | (~Q(kind__in=["refund", "held_refund"]) & Q(amount__gt=0)),
                name="ledger_entry_sign_fits_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source}"


class Documents(Storage):
    """
    `storages["documents"]`, asked for each time.

    A field holds its storage from the start, and that of a bucket brings boto3, which
    takes longer to load than Django.
    """

    def __getattribute__(self, name: str) -> Any:
        return getattr(storages["documents"], name)


def document_storage() -> Storage:
    return Documents()


class Document(models.Model):
    """The PDF of a frozen invoice: rendered once, stored, and known by its hash."""

    invoice = models.OneToOneField(
        Invoice, on_delete=models.PROTECT, related_name="document"
    )
    file = models.FileField(storage=document_storage, max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField(help_text="Bytes.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256[:12]


def link_lifetime(due_date: date, today: date) -> timedelta:
    """How long from today a customer's link opens: thirty days past the due date."""
    return max(due_date - today, timedelta(0)) + timedelta(days=30)
