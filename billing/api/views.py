"""The API over payments and refunds."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.schema import extend_schema, extend_schema_view
from accounts.api.viewsets import ReadOnlyModelViewSet
from accounts.http import person
from accounts.models import User
from accounts.roles import Permission
from billing.api.filters import PaymentFilter, RefundFilter
from billing.api.serializers import (
    PaymentSerializer,
    RefundRequestSerializer,
    RefundSerializer,
)
from billing.models import Payment, Refund
from billing.services import refunding

NOT_YOURS_TO_REFUND = "Your role may see payments, but not send money back."


@extend_schema_view(
    list={"summary": "List payments, newest first"},
    retrieve={"summary": "Read a payment"},
)
class PaymentViewSet(ReadOnlyModelViewSet[Payment]):
    """Money that arrived."""

    serializer_class = PaymentSerializer
    filterset_class = PaymentFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    queryset = Payment.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        payments = Payment.objects.for_user(person(self.request))
        return payments.with_refunded().select_related("invoice")


@extend_schema_view(
    list={"summary": "List refunds, newest first"},
    retrieve={"summary": "Read a refund"},
)
class RefundViewSet(ReadOnlyModelViewSet[Refund]):
    """Money that goes back."""

    serializer_class = RefundSerializer
    filterset_class = RefundFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    queryset = Refund.objects.none()

    def get_queryset(self) -> QuerySet[Refund]:
        refunds = Refund.objects.for_user(person(self.request))
        return refunds.select_related("payment")

    @extend_schema(
        summary="Send money back",
        description="The refund is requested at once and sent to Stripe a moment later.",
        request=RefundRequestSerializer,
        responses={201: RefundSerializer},
    )
    def create(self, request: Request) -> Response:
        typed = RefundRequestSerializer(data=request.data)
        typed.is_valid(raise_exception=True)
        user = person(request)
        refund = refunding.request_refund(
            payment=_refundable(user, typed.validated_data["payment"]),
            amount=typed.validated_data.get("amount"),
            reason=typed.validated_data["reason"],
            actor=user,
            now=timezone.now(),
        )
        return Response(RefundSerializer(refund).data, status=status.HTTP_201_CREATED)


def _refundable(user: User, public_id: UUID) -> Payment:
    payment = get_object_or_404(Payment.objects.for_user(user), public_id=public_id)
    writable = Payment.objects.for_user(user, Permission.WRITE_BOOKS)
    if not writable.filter(pk=payment.pk).exists():
        raise PermissionDenied(NOT_YOURS_TO_REFUND)
    return payment
