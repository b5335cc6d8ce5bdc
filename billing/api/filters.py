"""Which rows of a list."""

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters

from billing.models import Dispute, Payment
from billing.states import NEEDS_ANSWER, DisputeStatus, RefundStatus


class PaymentFilter(filters.FilterSet):
    invoice = filters.UUIDFilter("invoice__public_id", label="An invoice's id.")
    status = filters.ChoiceFilter(choices=Payment.Status.choices)
    undecided = filters.BooleanFilter(
        method="filter_undecided",
        label="Held, and something is left of it to refund or keep; or neither.",
    )

    def filter_undecided(
        self, payments: QuerySet[Payment], name: str, value: bool
    ) -> QuerySet[Payment]:
        undecided = Q(pk__in=Payment.objects.undecided().values("pk"))
        return payments.filter(undecided if value else ~undecided)


class DisputeFilter(filters.FilterSet):
    payment = filters.UUIDFilter("payment__public_id", label="A payment's id.")
    invoice = filters.UUIDFilter(
        "payment__invoice__public_id", label="An invoice's id."
    )
    status = filters.ChoiceFilter(choices=DisputeStatus.choices)
    needs_answer = filters.BooleanFilter(
        method="filter_needs_answer", label="Whether somebody must answer at Stripe."
    )

    def filter_needs_answer(
        self, disputes: QuerySet[Dispute], name: str, value: bool
    ) -> QuerySet[Dispute]:
        needing = Q(status__in=sorted(NEEDS_ANSWER))
        return disputes.filter(needing if value else ~needing)


class RefundFilter(filters.FilterSet):
    payment = filters.UUIDFilter("payment__public_id", label="A payment's id.")
    status = filters.ChoiceFilter(choices=RefundStatus.choices)
