from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.fields import ExactCharField
from billing.models.ids import ID_LENGTH
from billing.models.payments import Payment


class BalanceTransaction(models.Model):
    """
    Money that moved on the account's balance at Stripe, and what Stripe kept of it.
    Written once, as Stripe told it. In the currency of the balance, which need not be
    the payer's.
    """

    stripe_id = ExactCharField(max_length=ID_LENGTH, unique=True)
    # Stripe's word for it: there are new ones now and then.
    type = models.CharField(max_length=50)
    amount = models.BigIntegerField(help_text="Negative away from the account.")
    fee = models.BigIntegerField()
    net = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    # What moved it: a charge, a refund, a dispute.
    source = ExactCharField(max_length=ID_LENGTH, blank=True, db_index=True)
    payment = models.ForeignKey(
        Payment,
        null=True,
        on_delete=models.PROTECT,
        related_name="balance_transactions",
        help_text="Empty where it is about no payment that is known here.",
    )
    created_at = models.DateTimeField(db_index=True)
    available_on = models.DateTimeField(help_text="When it can be paid out.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(net=F("amount") - F("fee")),
                name="balance_transaction_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_id

    @property
    def name(self) -> str:
        """As a person says it."""
        return self.type.replace("_", " ").capitalize()
