from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Max, Q, Sum
from django.db.models.functions import Coalesce

from accounts.fields import ExactCharField
from accounts.models import Business, User
from accounts.roles import Permission
from billing.models.ids import ID_LENGTH
from billing.models.payments import Payment
from billing.states import (
    ADVICE,
    INQUIRY,
    NEEDS_ANSWER,
    NOT_OURS_TO_REFUND,
    REASONS,
    UNDECIDED,
    DisputeStatus,
)
from invoices.models import LedgerEntry

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def for_user(
        self, user: User, permission: Permission = Permission.VIEW_BOOKS
    ) -> DisputeQuerySet:
        """As for payments."""
        return self.filter(
            payment__invoice__business__in=Business.objects.for_user(user, permission)
        )

    def with_withdrawn(self) -> models.QuerySet[Any]:
        """
        Adds `withdrawn`: what the bank has of it now, in minor units of
        `withdrawn_currency`, the payer's wherever that is known.
        """
        return self.annotate(
            withdrawn=-Sum("movements__amount", default=0),
            withdrawn_currency=Coalesce(Max("movements__currency"), F("currency")),
        )

    def undecided(self) -> DisputeQuerySet:
        return self.filter(status__in=sorted(UNDECIDED))

    def to_answer(self) -> DisputeQuerySet:
        """Those that somebody must answer at Stripe, or the money is lost."""
        return self.filter(status__in=sorted(NEEDS_ANSWER))


class Dispute(models.Model):
    """
    A payer's bank takes a payment back, or asks about it. Decided by banks, answered at
    Stripe; here is what Stripe said of it last.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="disputes"
    )
    stripe_id = ExactCharField(max_length=ID_LENGTH, unique=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=30, choices=DisputeStatus)
    # Stripe's word for why: there are new ones now and then.
    reason = models.CharField(max_length=100)
    due_by = models.DateTimeField(
        null=True, blank=True, help_text="Empty where the bank hears no answer."
    )
    is_refundable = models.BooleanField(
        help_text="Whether a refund is still possible, as Stripe says."
    )
    livemode = models.BooleanField()
    opened_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    objects = models.Manager.from_queryset(DisputeQuerySet)()

    if TYPE_CHECKING:
        movements: RelatedManager[DisputeMovement]

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="dispute_amount_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_id

    @property
    def is_undecided(self) -> bool:
        return self.status in UNDECIDED

    @property
    def needs_answer(self) -> bool:
        return self.status in NEEDS_ANSWER

    @property
    def advice(self) -> str:
        return ADVICE[DisputeStatus(self.status)]

    @property
    def why(self) -> str:
        plain = self.reason.replace("_", " ").capitalize()
        return REASONS.get(self.reason, plain)

    @property
    def stripe_url(self) -> str:
        """Where it is answered."""
        mode = "" if self.livemode else "test/"
        return f"https://dashboard.stripe.com/{mode}disputes/{self.stripe_id}"

    @property
    def bars_refund(self) -> bool:
        """Whether the payment cannot go back by a refund, or would go back twice."""
        if self.status in INQUIRY:
            return not self.is_refundable
        return self.status in NOT_OURS_TO_REFUND


class DisputeMovement(models.Model):
    """
    Money that Stripe withdrew for a dispute, or gave back: its own entry of ours. Written
    once; there is a ledger entry for each.
    """

    dispute = models.ForeignKey(
        Dispute, on_delete=models.PROTECT, related_name="movements"
    )
    stripe_id = ExactCharField(max_length=ID_LENGTH, unique=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    moved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(amount=0), name="dispute_movement_not_zero"
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_id

    @property
    def kind(self) -> LedgerEntry.Kind:
        """As what it is booked."""
        kinds = LedgerEntry.Kind
        taken, back = (
            (kinds.HELD_DISPUTE, kinds.HELD_DISPUTE_BACK)
            if self.dispute.payment.is_held
            else (kinds.DISPUTE, kinds.DISPUTE_BACK)
        )
        return taken if self.amount < 0 else back
