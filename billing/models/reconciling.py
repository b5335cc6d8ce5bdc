from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from django.db import models
from django.db.models import Q

from accounts.fields import ExactCharField
from accounts.models import Business, User
from accounts.roles import Permission
from billing.models.ids import ID_LENGTH
from invoices.models import Invoice

NOTE_LENGTH: Final = 250


class ReconciliationRun(models.Model):
    """
    One comparison of the books with Stripe, of what was made there in a window.

    One at a time: a run holds the slot, and `busy_until` says for how long it is believed
    to be alive. After that another process goes on with it where it stopped.
    """

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        # Something could not be asked or mended; the next run looks at it all again.
        INCOMPLETE = "incomplete", "Incomplete"
        ABANDONED = "abandoned", "Abandoned for another"

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    since = models.DateTimeField(help_text="What was made at Stripe from here on …")
    until = models.DateTimeField(help_text="… and before this.")
    events_since = models.DateTimeField(help_text="Events from here on.")
    status = models.CharField(max_length=20, choices=Status, default=Status.RUNNING)
    slot = models.PositiveSmallIntegerField(null=True, unique=True, editable=False)
    holder = models.UUIDField(default=uuid.uuid4, editable=False)
    busy_until = models.DateTimeField()
    # Where it is: the step, and the day at Stripe that is next.
    step = models.CharField(max_length=20, blank=True)
    day = models.DateTimeField(null=True, blank=True)
    # For each check how many rows were looked at and mended.
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict)
    # For each day and currency what Stripe moved, what was booked, and the fees.
    sums: models.JSONField[Any, Any] = models.JSONField(default=list)
    missed = models.PositiveIntegerField(
        default=0, help_text="What could not be asked or mended."
    )
    found = models.PositiveIntegerField(
        default=0, help_text="Findings that waited for a person in the end."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status="running", slot__isnull=False, finished_at__isnull=True
                )
                | (
                    ~Q(status="running")
                    & Q(slot__isnull=True, finished_at__isnull=False)
                ),
                name="reconciliation_run_holds_slot_exactly_while_running",
            ),
        ]
        # The latest good one is asked for on each visit of the back office.
        indexes = [
            models.Index(
                fields=["status", "until"], name="reconciliation_run_by_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"

    @property
    def looked_at(self) -> int:
        return sum(count["looked"] for count in self.counts.values())

    @property
    def mended(self) -> int:
        return sum(count["mended"] for count in self.counts.values())

    def is_paused(self, now: datetime) -> bool:
        return self.status == self.Status.RUNNING and self.busy_until < now


class ReconciliationFindingQuerySet(models.QuerySet["ReconciliationFinding"]):
    def open(self) -> ReconciliationFindingQuerySet:
        """Those that wait for a person."""
        return self.filter(ended_at=None)

    def for_user(
        self, user: User, permission: Permission = Permission.VIEW_BOOKS
    ) -> ReconciliationFindingQuerySet:
        """As for payments. What belongs to no business is for operators alone."""
        return self.filter(business__in=Business.objects.for_user(user, permission))


class ReconciliationFinding(models.Model):
    """
    Something at Stripe that does not fit the books, and that a person must decide on.

    A row for each subject of a check, however often it is seen: it ends when a later run
    no longer sees it, or when somebody says that it is settled.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    check_name = models.CharField("check", max_length=20)
    subject = ExactCharField(max_length=ID_LENGTH)
    # Null where it is not known whose money it is.
    business = models.ForeignKey(
        Business, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    invoice = models.ForeignKey(
        Invoice, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    words = models.TextField()
    # When it happened at Stripe: only a run whose window has it can say that it is over.
    about = models.DateTimeField(null=True, blank=True)
    run = models.ForeignKey(
        ReconciliationRun,
        on_delete=models.CASCADE,
        related_name="findings",
        help_text="The latest that saw it.",
    )
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.CharField(max_length=NOTE_LENGTH, blank=True)

    objects = models.Manager.from_queryset(ReconciliationFindingQuerySet)()

    class Meta:
        verbose_name = "finding"
        constraints = [
            models.UniqueConstraint(
                fields=["check_name", "subject"], name="finding_kept_once"
            ),
            models.CheckConstraint(
                condition=Q(note="") | Q(ended_at__isnull=False),
                name="finding_with_note_is_over",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.check_name}: {self.subject}"
