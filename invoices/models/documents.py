from __future__ import annotations

from typing import Any

from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import Q

from accounts.fields import ExactCharField
from invoices.models.series import Counter

_OF_ONE = Q(invoice__isnull=False, credit_note__isnull=True) | Q(
    invoice__isnull=True, credit_note__isnull=False
)


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
    """The PDF of what was issued: rendered once, stored, and known by its hash."""

    invoice = models.OneToOneField(
        "invoices.Invoice", null=True, on_delete=models.PROTECT, related_name="document"
    )
    credit_note = models.OneToOneField(
        "invoices.CreditNote",
        null=True,
        on_delete=models.PROTECT,
        related_name="document",
    )
    file = models.FileField(storage=document_storage, max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField(help_text="Bytes.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_OF_ONE, name="document_of_one_document"),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]


class Seal(models.Model):
    """
    What a document said when it was issued, chained to the one before it in its run.

    `content` is canonical JSON (RFC 8785: keys sorted, no spaces); `sha256` is its hash,
    `chain` that of the previous seal's chain and this hash. The first has no previous.
    """

    counter = models.ForeignKey(Counter, on_delete=models.PROTECT, related_name="seals")
    sequence = models.PositiveIntegerField()
    invoice = models.OneToOneField(
        "invoices.Invoice", null=True, on_delete=models.PROTECT, related_name="seal"
    )
    credit_note = models.OneToOneField(
        "invoices.CreditNote", null=True, on_delete=models.PROTECT, related_name="seal"
    )
    content = models.TextField()
    sha256 = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)
    chain = models.CharField(max_length=64)
    # In the address at which anyone may check the document.
    code = ExactCharField(max_length=32, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["counter", "sequence"], name="seal_once_per_number"
            ),
            models.CheckConstraint(condition=_OF_ONE, name="seal_of_one_document"),
        ]

    def __str__(self) -> str:
        return self.chain[:12]
