from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Business, User
from invoices.models.customers import Customer
from invoices.models.documents import document_storage
from invoices.models.invoices import Invoice
from invoices.models.of_business import OfBusinessQuerySet


class AttachmentQuerySet(OfBusinessQuerySet["Attachment"]):
    pass


class Attachment(models.Model):
    """A file kept with a customer or an invoice; that of an invoice may go with mail."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(Business, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        Customer, null=True, on_delete=models.CASCADE, related_name="attachments"
    )
    invoice = models.ForeignKey(
        Invoice, null=True, on_delete=models.CASCADE, related_name="attachments"
    )
    file = models.FileField(storage=document_storage, max_length=200)
    name = models.CharField(max_length=150)
    # As its first bytes say, whatever it was called.
    content_type = models.CharField(max_length=100, default="application/octet-stream")
    size = models.PositiveIntegerField(help_text="Bytes.")
    is_mailed = models.BooleanField(
        default=False, help_text="Goes along when the invoice is sent."
    )
    is_shown = models.BooleanField(
        default=False, help_text="The customer may download it from the invoice's page."
    )
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = models.Manager.from_queryset(AttachmentQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(customer__isnull=False, invoice__isnull=True)
                | Q(customer__isnull=True, invoice__isnull=False),
                name="attachment_of_customer_or_invoice",
            ),
        ]

    def __str__(self) -> str:
        return self.name
