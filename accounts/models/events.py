"""The append-only record of what happened."""

from __future__ import annotations

import uuid

from django.db import models

from accounts.fields import ExactCharField
from accounts.models.businesses import Business
from accounts.models.people import User


class EventQuerySet(models.QuerySet["Event"]):
    def for_user(self, user: User) -> EventQuerySet:
        return self.filter(business__in=Business.objects.for_user(user))

    def about(self, subject_type: str, subject_id: object) -> EventQuerySet:
        return self.filter(subject_type=subject_type, subject_id=str(subject_id))


EventManager = models.Manager.from_queryset(EventQuerySet)


class Event(models.Model):
    """
    Something that happened. Written once, in the transaction that made it true.

    The record serves as audit trail and activity feed; `data` holds what a reader needs
    to understand the event later, never secrets.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Business, null=True, on_delete=models.PROTECT, related_name="events"
    )
    actor = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="events"
    )
    type = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=40)
    subject_id = ExactCharField(max_length=64)
    data = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()

    objects = EventManager()

    class Meta:
        indexes = [
            models.Index(fields=["business", "-id"], name="event_by_business"),
            models.Index(
                fields=["subject_type", "subject_id"], name="event_by_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject_id}"
