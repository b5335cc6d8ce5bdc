from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce, Concat, Least
from django.db.models.lookups import LessThan

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
_KINDS = LedgerEntry.Kind


class PaymentQuerySet(models.QuerySet["Payment"]):
    def for_user(
        self, user: User, permission: Permission = Permission.VIEW_BOOKS
    ) -> PaymentQuerySet:
        """
        Payments to the businesses in which the user's role grants the permission. Asks
        for these at once: of a join with them, MySQL sorts all payments there are.
        """
        granting = Business.objects.for_user(user, permission)
        return self.filter(
            invoice__business__in=list(granting.values_list("pk", flat=True))
        )

    def with_refunded(self) -> models.QuerySet[Any]:
        """Adds `refunded`: what went back, or is on its way back, in minor units."""
        gone = Sum("refunds__amount", filter=Q(refunds__status__in=sorted(LEFT)))
        return self.annotate(refunded=_summed(gone))

    def with_left(self) -> models.QuerySet[Any]:
        """
        Adds `left`: what of a payment is still here and promised to nobody, in minor
        units. Below zero where the payer got more back than came, or has it as balance
        too. And `kept`: what of it is the customer's balance, or has paid from that.
        """
        asked = Sum("refunds__amount", filter=~Q(refunds__status__in=sorted(BACK)))
        moved = "disputes__movements__amount"
        is_own = Q(disputes__movements__currency=F("currency"))
        here = (
            F("amount") - _summed(asked) + _summed(Sum(moved, filter=is_own)) - _kept()
        )
        # While the bank has some in a currency that is not the payer's, as much of it is
        # here as nobody knows: nothing that could be given away.
        abroad = LessThan(_summed(Sum(moved, filter=~is_own)), 0)
        return self.annotate(
            kept=_kept(),
            left=Case(When(abroad, then=Least(here, Value(0))), default=here),
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


def _kept() -> Coalesce:
    entries = LedgerEntry.objects.filter(
        # By index; what was kept first is known by the payment alone.
        Q(source=OuterRef("payment_intent"))
        | Q(source__startswith=Concat(OuterRef("payment_intent"), Value(":"))),
        invoice=OuterRef("invoice"),
        kind__in=[_KINDS.HELD_TO_BALANCE, _KINDS.HELD_FROM_BALANCE],
    )
    sums = entries.order_by().values("invoice").annotate(sum=-Sum("amount"))
    return Coalesce(
        Subquery(sums.values("sum")), 0, output_field=models.BigIntegerField()
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
            # Reconciliation looks at the latest of each.
            models.Index(fields=["received_at"], name="payment_by_arrival"),
            models.Index(fields=["created_at"], name="payment_by_writing"),
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
        # Of few something is awaited; of the latest, reconciliation looks at all.
        indexes = [
            models.Index(fields=["status"], name="refund_by_status"),
            models.Index(fields=["updated_at"], name="refund_by_change"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
