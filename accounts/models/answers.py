from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import models

from accounts.fields import ExactCharField

KEPT: Final = timedelta(hours=24)


class IdempotencyRecordQuerySet(models.QuerySet["IdempotencyRecord"]):
    def outdated(self, now: datetime) -> IdempotencyRecordQuerySet:
        return self.filter(created_at__lte=now - KEPT)


IdempotencyRecordManager = models.Manager.from_queryset(IdempotencyRecordQuerySet)


class IdempotencyRecord(models.Model):
    """
    What somebody was answered under an Idempotency-Key, for whoever asks again with it.

    Written in the transaction of what was asked for, so there is never one without the
    other. `digest` says by whom and under which key, and names neither; `answer` is
    sealed, and only that key opens it.
    """

    digest = ExactCharField(max_length=64, unique=True)
    # Empty until the work is done, which nobody sees: it is one transaction.
    answer = models.BinaryField(default=b"")
    created_at = models.DateTimeField(db_index=True)

    objects = IdempotencyRecordManager()

    def __str__(self) -> str:
        return f"answer {self.digest[:8]}…"

    def is_kept(self, now: datetime) -> bool:
        return now < self.created_at + KEPT
