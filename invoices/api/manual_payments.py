"""The API over money that came past Stripe."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.schema import extend_schema, extend_schema_view
from accounts.api.viewsets import ReadOnlyModelViewSet
from accounts.http import person
from invoices.api.fields import InvoiceField
from invoices.api.permissions import WritesBooks
from invoices.api.serializers.payments import ManualPaymentSerializer
from invoices.models import ManualPayment
from invoices.services import receiving


class NewManualPaymentSerializer(serializers.ModelSerializer[ManualPayment]):
    id = serializers.UUIDField(
        required=False,
        help_text="Made up by you: asked again with it, the payment is recorded once.",
    )
    invoice = InvoiceField()

    class Meta:
        model = ManualPayment
        fields = ("id", "invoice", "method", "amount", "received_on", "reference")
        extra_kwargs = {
            "amount": {
                "help_text": "Minor units of the invoice's currency.",
                "error_messages": {"invalid": "A whole number of minor units."},
            },
            "received_on": {"help_text": "The day on which it came."},
        }


class ReversalSerializer(serializers.Serializer[ManualPayment]):
    reason = serializers.CharField(max_length=250, help_text="For your own people.")


class ManualPaymentFilter(filters.FilterSet):
    business = filters.UUIDFilter(
        "invoice__business__public_id", label="A business's id."
    )
    customer = filters.UUIDFilter(
        "invoice__customer__public_id", label="A customer's id."
    )
    invoice = filters.UUIDFilter("invoice__public_id", label="An invoice's id.")
    method = filters.MultipleChoiceFilter(choices=ManualPayment.Method.choices)
    currency = filters.CharFilter(label="ISO 4217, such as EUR.")
    received_after = filters.DateFilter("received_on", "gte", label="Day included.")
    received_before = filters.DateFilter("received_on", "lt", label="Day excluded.")
    reversed = filters.BooleanFilter(
        "reversed_at", "isnull", exclude=True, label="Whether it was taken back."
    )


@extend_schema_view(
    list={"summary": "List payments by transfer, cash and so on, newest first"},
    retrieve={"summary": "Read such a payment"},
)
class ManualPaymentViewSet(ReadOnlyModelViewSet[ManualPayment]):
    """Money that came past Stripe, as a person says. Taken back, never deleted."""

    queryset = ManualPayment.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    serializer_class = ManualPaymentSerializer
    filterset_class = ManualPaymentFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[ManualPayment]:
        payments = ManualPayment.objects.for_user(person(self.request))
        return payments.select_related("invoice__business")

    @extend_schema(
        summary="Record a payment by transfer, cash and so on",
        request=NewManualPaymentSerializer,
        responses={201: ManualPaymentSerializer},
    )
    def create(self, request: Request) -> Response:
        """It pays what is due; what is beyond is kept as the customer's balance."""
        typed = NewManualPaymentSerializer(
            data=request.data, context=self.get_serializer_context()
        )
        typed.is_valid(raise_exception=True)
        fields: dict[str, Any] = dict(typed.validated_data)
        invoice = fields.pop("invoice")
        self.check_object_permissions(request, invoice)
        payment = receiving.record_payment(
            invoice=invoice,
            key=fields.pop("id", None),
            fields=fields,
            actor=person(request),
            now=timezone.now(),
        )
        return Response(self.get_serializer(payment).data, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Take it back: recorded by mistake, or bounced",
        request=ReversalSerializer,
        responses=ManualPaymentSerializer,
    )
    @action(detail=True, methods=["post"])
    def reverse(self, request: Request, id: str) -> Response:  # noqa: A002 - its name in the address
        """What it paid is due again. Both entries stay."""
        payment = self.get_object()
        typed = ReversalSerializer(data=request.data)
        typed.is_valid(raise_exception=True)
        payment = receiving.reverse_payment(
            payment=payment,
            reason=typed.validated_data["reason"],
            actor=person(request),
            now=timezone.now(),
        )
        return Response(self.get_serializer(payment).data)
