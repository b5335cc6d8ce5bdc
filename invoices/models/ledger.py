from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.fields import ExactCharField
from accounts.models import Business, User
from accounts.roles import Permission
from invoices.models.of_business import check_date

# Kinds whose amounts are below zero: away from the business, or from what was paid.
_NEGATIVE = [
    "refund",
    "held_refund",
    "held_to_balance",
    "dispute",
    "held_dispute",
    "payment_reversed",
    "to_balance",
    "out_of_band",
]


class LedgerEntry(models.Model):
    """
    A fact about money, written once. What is due is the sum of these, never a counter.

    Amounts are minor units, positive towards the business. `source` says where the fact
    comes from (a Stripe id); the same fact cannot be written twice.
    """

    class Kind(models.TextChoices):
        PAYMENT = "payment", "Payment"
        HELD = "held", "Held for a decision"
        REFUND = "refund", "Refund"
        REFUND_FAILED = "refund_failed", "Refund failed"
        HELD_REFUND = "held_refund", "Refund of held money"
        HELD_REFUND_FAILED = "held_refund_failed", "Refund of held money failed"
        HELD_TO_BALANCE = "held_to_balance", "Held money kept as customer balance"
        HELD_FROM_BALANCE = "held_from_balance", "Kept money taken back from balance"
        DISPUTE = "dispute", "Withdrawn for a dispute"
        DISPUTE_BACK = "dispute_back", "Given back after a dispute"
        HELD_DISPUTE = "held_dispute", "Held money withdrawn for a dispute"
        HELD_DISPUTE_BACK = "held_dispute_back", "Held money given back after a dispute"
        PAYMENT_REVERSED = "payment_reversed", "Payment taken back"
        CREDIT = "credit", "Credited"
        FROM_BALANCE = "from_balance", "Paid from customer balance"
        TO_BALANCE = "to_balance", "Kept as customer balance"
        OUT_OF_BAND = "out_of_band", "Paid back otherwise"

    invoice = models.ForeignKey(
        "invoices.Invoice", on_delete=models.PROTECT, related_name="ledger"
    )
    # The invoice's: sums over a business then read one index, and no invoices. The audit
    # holds the two together. Null is what a release that did not know it wrote.
    business = models.ForeignKey(
        Business,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    kind = models.CharField(max_length=20, choices=Kind)
    source = ExactCharField(max_length=255)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "source"], name="ledger_entry_written_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=_NEGATIVE, amount__lt=0)
                | (~Q(kind__in=_NEGATIVE) & Q(amount__gt=0)),
                name="ledger_entry_sign_fits_kind",
            ),
        ]
        indexes = [
            # All that the sums of a period need; see `selectors.paid_by_month`.
            models.Index(
                fields=[
                    *("business", "occurred_at", "kind"),
                    *("currency", "amount", "invoice"),
                ],
                name="ledger_of_period",
            ),
            # The audit asks for what is booked of many sources, as whatever it is booked.
            models.Index(fields=["source"], name="ledger_by_source"),
            # Reconciliation looks at what was written of late.
            models.Index(fields=["created_at"], name="ledger_by_writing"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source}"


# Of which entries the amounts of an invoice are the sums; each kind is part of one.
_KINDS = LedgerEntry.Kind
SUMS: Final[Mapping[str, tuple[LedgerEntry.Kind, ...]]] = {
    "paid": (_KINDS.PAYMENT, _KINDS.PAYMENT_REVERSED, _KINDS.FROM_BALANCE),
    "credited": (_KINDS.CREDIT,),
    "refunded": (
        _KINDS.REFUND,
        _KINDS.REFUND_FAILED,
        _KINDS.TO_BALANCE,
        _KINDS.OUT_OF_BAND,
    ),
    # What banks took back for their customers. It opens no debt either: the bank said
    # who is right, and a court would have to say otherwise.
    "disputed": (_KINDS.DISPUTE, _KINDS.DISPUTE_BACK),
    "held": (
        _KINDS.HELD,
        _KINDS.HELD_REFUND,
        _KINDS.HELD_REFUND_FAILED,
        _KINDS.HELD_TO_BALANCE,
        _KINDS.HELD_FROM_BALANCE,
        _KINDS.HELD_DISPUTE,
        _KINDS.HELD_DISPUTE_BACK,
    ),
}
# Told as what went away: above zero, while the entries are below.
GONE: Final = frozenset({"refunded", "disputed"})


class ManualPaymentQuerySet(models.QuerySet["ManualPayment"]):
    def for_user(
        self, user: User, permission: Permission = Permission.VIEW_BOOKS
    ) -> ManualPaymentQuerySet:
        """Those to the businesses in which the user's role grants the permission."""
        return self.filter(
            invoice__business__in=Business.objects.for_user(user, permission)
        )


class ManualPayment(models.Model):
    """Money that came past Stripe, as a person says. Taken back, never deleted."""

    class Method(models.TextChoices):
        TRANSFER = "transfer", "Bank transfer"
        CASH = "cash", "Cash"
        OTHER = "other", "Other"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    invoice = models.ForeignKey(
        "invoices.Invoice", on_delete=models.PROTECT, related_name="manual_payments"
    )
    method = models.CharField(max_length=20, choices=Method, default=Method.TRANSFER)
    amount = models.BigIntegerField(validators=[MinValueValidator(1)])
    currency = models.CharField(max_length=3)
    received_on = models.DateField(validators=[check_date])
    reference = models.CharField(
        max_length=100, blank=True, help_text="As on the bank's statement."
    )
    recorded_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    recorded_at = models.DateTimeField()
    reversed_at = models.DateTimeField(null=True, blank=True)
    reversal_reason = models.CharField(max_length=250, blank=True)

    objects = models.Manager.from_queryset(ManualPaymentQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="manual_payment_above_zero"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_method_display()} {self.received_on}"

    @property
    def business(self) -> Business:
        return self.invoice.business
