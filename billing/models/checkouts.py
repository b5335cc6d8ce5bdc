import uuid
from typing import Any

from django.db import models
from django.db.models import F, Q

from accounts.fields import ExactCharField
from billing.models.ids import ID_LENGTH
from billing.states import LIVE, CheckoutStatus
from invoices.models import Invoice


class Checkout(models.Model):
    """
    One attempt to pay: what is asked of Stripe, and what became of it.

    `key` and `params` are written before Stripe is called and never change, so that
    the call can be repeated without making a second session.
    """

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="checkouts"
    )
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(
        max_length=20, choices=CheckoutStatus, default=CheckoutStatus.CREATING
    )
    # The invoice's id while the attempt is live, null when it is over: one live attempt
    # for an invoice, on MySQL too, which has no unique constraints with a condition.
    open_slot = models.BigIntegerField(null=True, unique=True, editable=False)
    params: models.JSONField[Any, Any] = models.JSONField(default=dict)
    session_id = ExactCharField[str | None, str | None](
        max_length=ID_LENGTH, null=True, unique=True
    )
    session_url = models.TextField(blank=True)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="When Stripe closes the session.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="checkout_amount_above_zero"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=sorted(LIVE),
                    open_slot__isnull=False,
                    open_slot=F("invoice"),
                )
                | (~Q(status__in=sorted(LIVE)) & Q(open_slot__isnull=True)),
                name="checkout_holds_slot_exactly_while_live",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["open", "processing", "paid"])
                | Q(session_id__isnull=False),
                name="checkout_session_known_once_open",
            ),
        ]
        # Few are live, and each hour somebody looks what became of them.
        indexes = [models.Index(fields=["status"], name="checkout_by_status")]

    def __str__(self) -> str:
        return str(self.key)

    @property
    def is_made_anew(self) -> bool:
        """Whether the row was lost, and written again by what Stripe said of it."""
        return not self.params
