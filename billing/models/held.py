from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models.disputes import DisputeMovement
from billing.models.payments import Payment, PaymentQuerySet, Refund
from billing.states import BACK
from invoices.models import LedgerEntry


def _sum_of(rows: QuerySet[Any]) -> Coalesce:
    """Of their amounts; the rows differ from each other in their keys only."""
    summed = rows.order_by().values("currency").annotate(sum=Sum("amount"))
    return Coalesce(
        Subquery(summed.values("sum")), 0, output_field=models.BigIntegerField()
    )


class HeldPaymentQuerySet(PaymentQuerySet):
    def with_left(self) -> models.QuerySet[Any]:
        """
        Adds `left`: what is still here and promised to nobody, in minor units.
        """
        refunds = Refund.objects.filter(payment=OuterRef("pk"))
        moved = DisputeMovement.objects.filter(
            dispute__payment=OuterRef("pk"), currency=OuterRef("currency")
        )
        kept = LedgerEntry.objects.filter(
            kind=LedgerEntry.Kind.HELD_TO_BALANCE, source=OuterRef("payment_intent")
        )
        return self.annotate(
            left=F("amount")
            - _sum_of(refunds.exclude(status__in=sorted(BACK)))
            + _sum_of(moved)
            + _sum_of(kept)
        )

    def undecided(self) -> models.QuerySet[Any]:
        """Those of which something is left. Adds it, as `with_left`."""
        return self.with_left().filter(left__gt=0)


class HeldPaymentManager(models.Manager.from_queryset(HeldPaymentQuerySet)):  # type: ignore[misc] # made when it runs
    def get_queryset(self) -> HeldPaymentQuerySet:
        rows = HeldPaymentQuerySet(self.model, using=self._db)
        return rows.filter(status=Payment.Status.HELD)


class HeldPayment(Payment):
    """A payment that does not fit the books, on the desk where that is decided."""

    objects = HeldPaymentManager()

    class Meta:
        proxy = True
