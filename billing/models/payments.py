from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.fields import ExactCharField
from accounts.models import Business, User
from accounts.roles import Permission
from billing.models.checkouts import Checkout
from billing.models.ids import ID_LENGTH
from billing.states import BACK, LEFT, RefundStatus
from invoices.models import Invoice, LedgerEntry

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from billing.models.disputes import Dispute

REASON_LENGTH = 250


class PaymentQuerySet(models.QuerySet["Payment"]):
    def for_user(
        self, user: User, permission: Permission = Permission.VIEW_BOOKS
    ) -> PaymentQuerySet:
        """Payments to the businesses in which the user's role grants the permission."""
        return self.filter(
            invoice__business__in=Business.objects.for_user(user, permission)
        )

    def with_refunded(self) -> models.QuerySet[Any]:
        """Adds `refunded`: what went back, or is on its way back, in minor units."""
        return self.annotate(
            refunded=Coalesce(
                Sum("refunds__amount", filter=Q(refunds__status__in=sorted(LEFT))),
                0,
                output_field=models.BigIntegerField(),
            )
        )

    def with_left(self) -> models.QuerySet[Any]:
        """
        Adds `left`: what of a payment is still here and promised to nobody, in minor
        units. Below zero where the payer got more back than came.
        """
        asked = Sum("refunds__amount", filter=~Q(refunds__status__in=sorted(BACK)))
        kept = LedgerEntry.objects.filter(
            kind=LedgerEntry.Kind.HELD_TO_BALANCE, source=OuterRef("payment_intent")
        )
        return self.annotate(
            left=F("amount")
            - _summed(asked)
            + _summed(Sum("disputes__movements__amount"))
            + Coalesce(Subquery(kept.values("amount")), 0)
        )

    def undecided(self) -> models.QuerySet[Any]:
        """Held ones of which something is left; adds it, as `with_left`."""
        held: Any = self.filter(status=Payment.Status.HELD)
        undecided: models.QuerySet[Any] = held.with_left().filter(left__gt=0)
        return undecided


def _summed(sum_: Sum) -> Coalesce:
    """A sum over what belongs to a payment, in a query of its own: joins multiply."""
    same = Payment.objects.filter(pk=OuterRef("pk")).values("pk")
    return Coalesce(
        Subquery(same.annotate(sum=sum_).values("sum")),
        0,
        output_field=models.BigIntegerField(),
    )


class Payment(models.Model):
    """
    Money that arrived at Stripe. Written once for a PaymentIntent, whoever tells us.

    Held money is what does not fit the books: it settles nothing and waits for a
    decision, or is sent back.
    """

    class Status(models.TextChoices):
        SUCCEEDED = "succeeded", "Succeeded"
        HELD = "held", "Held"

    class Problem(models.TextChoices):
        LIVEMODE = "livemode", "Test money where real is expected, or the reverse"
        CURRENCY = "currency", "Another currency than the invoice's"
        AMOUNT = "amount", "Another amount than was asked for"
        VOID = "void", "The invoice is void"
        OVERPAID = "overpaid", "More than is due"

    # Held money that nobody needs to think about: it goes back by itself.
    SENT_BACK = frozenset({Problem.OVERPAID, Problem.VOID})

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="payments"
    )
    checkout = models.ForeignKey(
        Checkout, null=True, on_delete=models.PROTECT, related_name="payments"
    )
    payment_intent = ExactCharField(max_length=ID_LENGTH, unique=True)
    charge = ExactCharField(max_length=ID_LENGTH, blank=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20, choices=Status)
    problem = models.CharField(max_length=20, choices=Problem, blank=True)
    received_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = models.Manager.from_queryset(PaymentQuerySet)()

    if TYPE_CHECKING:
        refunds: RelatedManager[Refund]
        disputes: RelatedManager[Dispute]

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="payment_amount_above_zero"
            ),
            models.CheckConstraint(
                condition=(Q(status="succeeded") & Q(problem=""))
                | (Q(status="held") & ~Q(problem="")),
                name="payment_has_problem_exactly_when_held",
            ),
        ]
        # Few are held, and they are looked for on each visit of the back office.
        indexes = [
            models.Index(fields=["status"], name="payment_by_status"),
            # Disputes and warnings name it.
            models.Index(fields=["charge"], name="payment_by_charge"),
        ]

    def __str__(self) -> str:
        return self.payment_intent

    @property
    def is_held(self) -> bool:
        return self.status == self.Status.HELD

    @property
    def is_sent_back(self) -> bool:
        # Of an attempt whose row was lost it is not known what else was paid, and sent
        # back, meanwhile.
        is_sure = self.checkout is None or not self.checkout.is_made_anew
        return is_sure and self.problem in self.SENT_BACK


class RefundQuerySet(models.QuerySet["Refund"]):
    def for_user(
        self, user: User, permission: Permission = Permission.VIEW_BOOKS
    ) -> RefundQuerySet:
        """As for payments."""
        return self.filter(
            payment__invoice__business__in=Business.objects.for_user(user, permission)
        )


class Refund(models.Model):
    """
    Money that goes back to the payer.

    `key` names the intended refund at Stripe; it is stored before the call, so that a
    repeated call is no second refund. `cause` is set where no person asked, and unique:
    one cause sends money back once.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="refunds"
    )
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    cause = ExactCharField[str | None, str | None](
        max_length=ID_LENGTH, null=True, blank=True, unique=True
    )
    stripe_id = ExactCharField[str | None, str | None](
        max_length=ID_LENGTH, null=True, blank=True, unique=True
    )
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(
        max_length=20, choices=RefundStatus, default=RefundStatus.REQUESTED
    )
    reason = models.CharField(
        max_length=REASON_LENGTH, blank=True, help_text="For yourself."
    )
    requested_at = models.DateTimeField()
    sent_at = models.DateTimeField(
        null=True, blank=True, help_text="When Stripe was first asked."
    )
    tries = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    objects = models.Manager.from_queryset(RefundQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="refund_amount_above_zero"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=sorted(LEFT)) | Q(stripe_id__isnull=False),
                name="refund_known_at_stripe_once_money_left",
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
