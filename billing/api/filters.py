"""Which rows of a list."""

from django_filters import rest_framework as filters

from billing.models import Payment
from billing.states import RefundStatus


class PaymentFilter(filters.FilterSet):
    invoice = filters.UUIDFilter("invoice__public_id", label="An invoice's id.")
    status = filters.ChoiceFilter(choices=Payment.Status.choices)


class RefundFilter(filters.FilterSet):
    payment = filters.UUIDFilter("payment__public_id", label="A payment's id.")
    status = filters.ChoiceFilter(choices=RefundStatus.choices)
