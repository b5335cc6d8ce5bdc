from __future__ import annotations

import uuid
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from accounts.models import Business
from invoices.models.credit_notes import CreditNote
from invoices.models.customers import Customer
from invoices.models.invoices import Invoice
from invoices.models.of_business import OfBusinessQuerySet


class ReminderStepQuerySet(OfBusinessQuerySet["ReminderStep"]):
    pass


class ReminderStep(models.Model):
    """A day, counted from the due date, on which a business reminds its customers."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Business, on_delete=models.CASCADE, related_name="reminder_steps"
    )
    days = models.SmallIntegerField(
        validators=[MinValueValidator(-60), MaxValueValidator(365)],
        help_text="From the due date: -3 is three days before, 0 the day itself.",
    )
    message = models.TextField(
        blank=True, max_length=2000, help_text="Left empty, a text of ours."
    )
    is_active = models.BooleanField(default=True)

    objects = models.Manager.from_queryset(ReminderStepQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["business", "days"],
                name="reminder_step_once_per_day",
                violation_error_message="There is a step for that day.",
            ),
        ]

    def __str__(self) -> str:
        if self.days == 0:
            return "On the due date"
        when = "before" if self.days < 0 else "after"
        return f"{abs(self.days)} days {when} the due date"


class Delivery(models.Model):
    """A mail to a customer: asked for, and what became of it."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", "Invoice"
        CREDIT_NOTE = "credit_note", "Credit note"
        REMINDER = "reminder", "Reminder"
        STATEMENT = "statement", "Statement of account"

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(Business, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="deliveries"
    )
    invoice = models.ForeignKey(
        Invoice, null=True, on_delete=models.PROTECT, related_name="deliveries"
    )
    credit_note = models.ForeignKey(
        CreditNote, null=True, on_delete=models.PROTECT, related_name="deliveries"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    status = models.CharField(max_length=20, choices=Status, default=Status.QUEUED)
    to: models.JSONField[Any, Any] = models.JSONField(help_text="Addresses.")
    error = models.CharField(max_length=500, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            # For what waits, among all that was ever sent.
            models.Index(fields=["status", "queued_at"], name="delivery_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


class Reminder(models.Model):
    """A step that was taken for an invoice, or passed over: at most once."""

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="reminders"
    )
    step = models.ForeignKey(
        ReminderStep, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Of the step as it was, and the due date that it was counted from.
    days = models.SmallIntegerField()
    due_date = models.DateField()
    # Empty where an outage had put a later step in its place.
    delivery = models.OneToOneField(
        Delivery, null=True, on_delete=models.PROTECT, related_name="reminder"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "due_date", "days"], name="reminder_once_per_step"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.days} days from {self.due_date}"
