from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from accounts.fields import ExactCharField
from billing.models.ids import ID_LENGTH

# The site's own events know what they are about by as much.
_SUBJECT_LENGTH = 64


class StripeEventQuerySet(models.QuerySet["StripeEvent"]):
    def unfinished(self, begun_before: datetime) -> StripeEventQuerySet:
        """What failed, and what was begun before then and never ended."""
        return self.filter(
            Q(status=StripeEvent.Status.FAILED)
            | Q(status=StripeEvent.Status.RECEIVED, received_at__lt=begun_before)
        )


class StripeEvent(models.Model):
    """
    A webhook of Stripe's that we answered for. Its content is not kept: it holds names
    and addresses, and Stripe keeps it for thirty days.
    """

    class Status(models.TextChoices):
        RECEIVED = "received", "Received"
        PROCESSED = "processed", "Processed"
        IGNORED = "ignored", "Ignored"
        FAILED = "failed", "Failed"

    event_id = ExactCharField(max_length=ID_LENGTH, unique=True)
    # Without the `v1.` of thin ones.
    type = models.CharField(max_length=100)
    object_id = ExactCharField(max_length=ID_LENGTH, blank=True)
    livemode = models.BooleanField()
    # Empty for thin ones, which are of none.
    api_version = models.CharField(max_length=50, blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.RECEIVED)
    tries = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    objects = models.Manager.from_queryset(StripeEventQuerySet)()

    class Meta:
        indexes = [
            models.Index(
                fields=["status", "received_at"], name="stripe_event_by_status"
            ),
        ]

    def __str__(self) -> str:
        return self.event_id

    @property
    def public_id(self) -> str:
        return self.event_id[:_SUBJECT_LENGTH]
