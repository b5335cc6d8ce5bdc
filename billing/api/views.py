"""The API over payments, disputes and refunds."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.schema import extend_schema, extend_schema_view
from accounts.api.viewsets import ReadOnlyModelViewSet
from accounts.http import person
from accounts.models import User
from accounts.roles import Permission
from billing.api.filters import DisputeFilter, PaymentFilter, RefundFilter
from billing.api.serializers import (
    DisputeSerializer,
    NewRefundSerializer,
    PaymentSerializer,
    RefundSerializer,
)
from billing.models import BalanceTransaction, Dispute, Payment, Refund
from billing.services import desk, refunding

NOT_YOURS_TO_REFUND = "Your role may see payments, but not decide on them."


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
        moved = BalanceTransaction.objects.order_by("created_at", "pk")
        return (
            payments.with_refunded()
            .select_related("invoice")
            .prefetch_related(Prefetch("balance_transactions", queryset=moved))
        )

    @extend_schema(
        summary="Keep held money for the customer",
        description=(
            "What is left of held money becomes the balance of the invoice's customer, "
            "which can pay invoices. To send it back instead, create a refund."
        ),
        request=None,
        responses=PaymentSerializer,
    )
    @action(detail=True, methods=["post"])
    def keep(self, request: Request, **kwargs: Any) -> Response:
        user = person(request)
        payment = _writable(user, self.kwargs["id"])
        desk.keep_held(payment=payment, actor=user, now=timezone.now())
        return Response(self.get_serializer(self.get_object()).data)


@extend_schema_view(
    list={"summary": "List disputes, newest first"},
    retrieve={"summary": "Read a dispute"},
)
class DisputeViewSet(ReadOnlyModelViewSet[Dispute]):
    """Payments that a bank takes back or asks about. They are answered at Stripe."""

    serializer_class = DisputeSerializer
    filterset_class = DisputeFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    queryset = Dispute.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        disputes = Dispute.objects.for_user(person(self.request))
        return disputes.with_withdrawn().select_related("payment__invoice")


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
        request=NewRefundSerializer,
        responses={201: RefundSerializer},
    )
    def create(self, request: Request) -> Response:
        typed = NewRefundSerializer(data=request.data)
        typed.is_valid(raise_exception=True)
        user = person(request)
        refund = refunding.request_refund(
            payment=_writable(user, typed.validated_data["payment"]),
            amount=typed.validated_data.get("amount"),
            reason=typed.validated_data["reason"],
            actor=user,
            now=timezone.now(),
        )
        return Response(RefundSerializer(refund).data, status=status.HTTP_201_CREATED)


def _writable(user: User, public_id: UUID) -> Payment:
    payment = get_object_or_404(Payment.objects.for_user(user), public_id=public_id)
    writable = Payment.objects.for_user(user, Permission.WRITE_BOOKS)
    if not writable.filter(pk=payment.pk).exists():
        raise PermissionDenied(NOT_YOURS_TO_REFUND)
    return payment
