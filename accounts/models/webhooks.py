"""Where a business is told what happened, and how each telling went."""

from __future__ import annotations

import uuid
from datetime import datetime
from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q

from accounts.event_types import fits
from accounts.fields import ExactCharField
from accounts.models.businesses import Business
from accounts.models.events import Event
from accounts.models.people import User
from accounts.roles import Permission


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def for_user(
        self, user: User, permission: Permission = Permission.MANAGE_BUSINESS
    ) -> WebhookEndpointQuerySet:
        return self.filter(business__in=Business.objects.for_user(user, permission))


WebhookEndpointManager = models.Manager.from_queryset(WebhookEndpointQuerySet)


class WebhookEndpoint(models.Model):
    """
    An address that a business wants its events sent to, signed with a secret.

    A secret that was replaced signs beside the new one for a day.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Business, on_delete=models.CASCADE, related_name="webhook_endpoints"
    )
    url = models.URLField("address", max_length=500)
    description = models.CharField(
        max_length=200, blank=True, help_text="What listens there."
    )
    # As in `invoice.paid`, `invoice.*` and `*`.
    types = models.JSONField(default=list)
    enabled = models.BooleanField(
        "on", default=True, help_text="Off, it misses what happens meanwhile."
    )
    secret = ExactCharField(max_length=80, editable=False)
    previous_secret = ExactCharField(max_length=80, blank=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    # Of the first try that failed since the latest that did not.
    failing_since = models.DateTimeField(null=True, editable=False)
    # It answered well and soon the last time, so that somebody may wait for it.
    is_prompt = models.BooleanField(default=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WebhookEndpointManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(previous_secret="", previous_secret_until=None)
                | (~Q(previous_secret="") & Q(previous_secret_until__isnull=False)),
                name="webhook_previous_secret_has_an_end",
            ),
        ]

    def __str__(self) -> str:
        return f"endpoint at {self.url}"

    @property
    def host(self) -> str:
        """What everybody may read of its address: the rest may hold a key of its owner's."""
        return urlsplit(self.url).netloc

    def wants(self, type_: str) -> bool:
        return any(fits(type_, pattern) for pattern in self.types)

    def live_secrets(self, now: datetime) -> list[str]:
        """The newest first."""
        until = self.previous_secret_until
        previous = [self.previous_secret] if until is not None and now < until else []
        return [self.secret, *previous]


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def due(self, now: datetime) -> WebhookDeliveryQuerySet:
        return self.filter(next_try_at__lte=now)

    def ended(self, before: datetime) -> WebhookDeliveryQuerySet:
        """Those of before then that are tried no more, well or not."""
        return self.filter(next_try_at=None, created_at__lt=before)


WebhookDeliveryManager = models.Manager.from_queryset(WebhookDeliveryQuerySet)


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint, and how the latest try went."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, related_name="webhook_deliveries"
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField("latest try", null=True)
    response_status = models.PositiveSmallIntegerField(null=True)
    # As much of the answer as helps to see what is wrong.
    response_body = models.TextField(blank=True)
    error = models.CharField(max_length=200, blank=True)
    duration_ms = models.PositiveIntegerField("took (ms)", null=True)
    created_at = models.DateTimeField()

    objects = WebhookDeliveryManager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["event", "endpoint"],
                name="webhook_delivery_once_per_event_and_endpoint",
            ),
            models.CheckConstraint(
                condition=Q(status="pending", next_try_at__isnull=False)
                | Q(status__in=["succeeded", "failed"], next_try_at=None),
                name="webhook_delivery_tried_next_exactly_when_pending",
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], name="webhook_delivery_due"),
            models.Index(
                fields=["endpoint", "-id"], name="webhook_delivery_by_endpoint"
            ),
        ]

    def __str__(self) -> str:
        return f"webhook delivery {self.public_id}"
