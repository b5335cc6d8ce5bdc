from __future__ import annotations

import uuid

from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from accounts.fields import ExactCharField
from accounts.languages import LANGUAGES
from accounts.models import Business, check_currency
from invoices.models.of_business import OfBusinessQuerySet


class Paper(models.TextChoices):
    A4 = "a4", "A4"
    LETTER = "letter", "Letter"


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
    shipping_address = models.TextField(
        blank=True,
        max_length=500,
        help_text="Where goods go, if not to the address above; with the country.",
    )
    language = models.CharField(
        max_length=10,
        choices=LANGUAGES,
        blank=True,
        help_text="Of documents and mail. Left empty, the business's.",
    )
    paper = models.CharField(
        max_length=10,
        choices=Paper,
        blank=True,
        help_text="Left empty, what is usual in the customer's country.",
    )
    currency = models.CharField(
        max_length=3,
        blank=True,
        validators=[check_currency],
        help_text="For new invoices. Left empty, the business's.",
    )
    payment_terms_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(365)],
        help_text="Days from issue to due. Left empty, the business's.",
    )
    notes = models.TextField(
        blank=True, max_length=2000, help_text="For yourself; never printed."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = models.Manager.from_queryset(CustomerQuerySet)()

    class Meta:
        indexes = [
            models.Index(fields=["business", "name"], name="customer_by_name"),
            models.Index(fields=["business", "-id"], name="customer_newest"),
            models.Index(fields=["business", "country"], name="customer_by_country"),
        ]

    def __str__(self) -> str:
        return self.name


class Contact(models.Model):
    """A person at a customer, and what of its mail the person gets."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="contacts"
    )
    name = models.CharField(max_length=150)
    email = models.EmailField()
    phone = models.CharField(max_length=50, blank=True)
    gets_invoices = models.BooleanField(default=True)
    gets_reminders = models.BooleanField(default=True)
    gets_statements = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "email"],
                name="contact_once_per_customer",
                violation_error_message="This customer has a contact with that address.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def business(self) -> Business:
        return self.customer.business


# Kinds that lessen the balance.
_LESS = ["applied", "returned", "held_returned"]


class BalanceEntry(models.Model):
    """
    A fact about what a customer has to its credit, written once.

    The balance is the sum of these, in each currency. Amounts are minor units, positive
    in the customer's favour. The same fact, known by kind and source, is written once.
    """

    class Kind(models.TextChoices):
        CREDIT_NOTE = "credit_note", "Excess of a credit note"
        OVERPAYMENT = "overpayment", "Paid more than was due"
        HELD = "held", "Held money, kept"
        APPLIED = "applied", "Applied to an invoice"
        RETURNED = "returned", "The payment was taken back"
        HELD_RETURNED = "held_returned", "Held money, kept and taken back"

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="balance"
    )
    invoice = models.ForeignKey(
        "invoices.Invoice", on_delete=models.PROTECT, related_name="+"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    source = ExactCharField(max_length=255)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "balance entries"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "source"], name="balance_entry_written_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=_LESS, amount__lt=0)
                | (~Q(kind__in=_LESS) & Q(amount__gt=0)),
                name="balance_entry_sign_fits_kind",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "currency"], name="balance_of_customer"),
            # As `ledger_by_source`.
            models.Index(fields=["source"], name="balance_by_source"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source}"
