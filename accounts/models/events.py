"""The append-only record of what happened."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol

from django.db import models
from django.db.models.options import Options

from accounts.fields import ExactCharField
from accounts.models.businesses import Business
from accounts.models.people import User


class Subject(Protocol):
    """Anything an event can be about: a row with a name that the outside may know."""

    @property
    def public_id(self) -> uuid.UUID | str: ...

    _meta: ClassVar[Options[Any]]


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

    @classmethod
    def of(
        cls,
        *,
        type: str,  # noqa: A002 - the column's name
        subject: Subject,
        business: Business | None,
        actor: User | None,
        now: datetime,
        data: Mapping[str, Any] | None = None,
    ) -> Event:
        """One that is not written yet; see `accounts.services.events`."""
        return cls(
            type=type,
            subject_type=str(subject._meta.model_name),
            subject_id=str(subject.public_id),
            business=business,
            actor=actor,
            data=dict(data or {}),
            occurred_at=now,
        )
