from django.db import models

from accounts.fields import ExactCharField
from billing.models.ids import ID_LENGTH


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
    type = models.CharField(max_length=100)
    object_id = ExactCharField(max_length=ID_LENGTH, blank=True)
    livemode = models.BooleanField()
    api_version = models.CharField(max_length=50, blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.RECEIVED)
    tries = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.event_id

    @property
    def is_done(self) -> bool:
        return self.status in {self.Status.PROCESSED, self.Status.IGNORED}
