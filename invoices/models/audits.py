from __future__ import annotations

from typing import Any

from django.db import models

from accounts.models import Business


class AuditRun(models.Model):
    """What the last audit of a business's books found."""

    business = models.OneToOneField(
        Business, on_delete=models.CASCADE, related_name="audit"
    )
    finished_at = models.DateTimeField()
    documents = models.PositiveIntegerField(help_text="How many were looked at.")
    findings = models.PositiveIntegerField()
    # The first of them, each as it was printed.
    shown: models.JSONField[Any, Any] = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.findings} findings at {self.finished_at:%Y-%m-%d %H:%M}"
