"""The API over customers' statements of account."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.fields import Field
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.schema import extend_schema
from accounts.api.viewsets import GenericViewSet
from accounts.http import person
from accounts.models import check_currency
from invoices.api.mailing import DeliverySerializer
from invoices.api.permissions import WritesBooks
from invoices.api.renderers import PdfRenderer
from invoices.models import Customer, check_date
from invoices.services import sending
from invoices.statements import Statement, statement_of


class PeriodSerializer(serializers.Serializer[Any]):
    """Of what a statement is asked for."""

    def get_fields(self) -> dict[str, Field[Any, Any, Any, Any]]:
        # One of the names is Python's.
        return {
            "currency": serializers.CharField(
                required=False,
                validators=[check_currency],
                help_text="ISO 4217. Left out, the customer's, or the business's.",
            ),
            "from": serializers.DateField(
                required=False,
                validators=[check_date],
                help_text="The first day. Left out, the first of the last one's year.",
            ),
            "to": serializers.DateField(
                required=False,
                validators=[check_date],
                help_text="The last day. Left out, today.",
            ),
        }

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        """The fields of `statement_of` and `send_statement`."""
        customer: Customer = self.context["customer"]
        end = said.get("to") or customer.business.today(self.context["now"])
        start = said.get("from") or end.replace(month=1, day=1)
        if end < start:
            raise serializers.ValidationError({"to": "This is before the first day."})
        currency = customer.currency or customer.business.currency
        return {"currency": said.get("currency", currency), "start": start, "end": end}


class StatementRowSerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    document = serializers.CharField()
    charge = serializers.IntegerField(help_text="What it adds to what is owed.")
    payment = serializers.IntegerField(help_text="What it takes off.")
    balance = serializers.IntegerField(help_text="What is owed after it.")


class StatementSerializer(serializers.Serializer[Any]):
    """
    A customer's account in one currency; amounts in its minor units. Below zero, the
    customer has something to its credit.
    """

    customer = serializers.UUIDField(source="customer.public_id")
    currency = serializers.CharField()
    start = serializers.DateField()
    end = serializers.DateField()
    opening = serializers.IntegerField(help_text="What was owed before the first day.")
    rows = StatementRowSerializer(many=True)
    closing = serializers.IntegerField(help_text="What is owed after the last day.")


class StatementViewSet(GenericViewSet[Customer]):
    """What a customer was charged and paid."""

    queryset = Customer.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    serializer_class = StatementSerializer
    filter_backends = ()
    pagination_class = None
    lookup_field = "public_id"
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[Customer]:
        own = Customer.objects.for_user(person(self.request))
        return own.select_related("business")

    @extend_schema(
        summary="A statement of account",
        parameters=[PeriodSerializer],
        responses=StatementSerializer,
    )
    @action(detail=True)
    def statement(self, request: Request, id: str) -> Response:
        return Response(StatementSerializer(self._asked(request)).data)

    @extend_schema(
        summary="A statement of account, as a PDF",
        parameters=[PeriodSerializer],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    @action(
        detail=True,
        url_path="statement/document",
        renderer_classes=[JSONRenderer, PdfRenderer],
    )
    def statement_document(self, request: Request, id: str) -> HttpResponse:
        # Only who renders pays for the PDF library.
        from invoices import pdf  # noqa: PLC0415 - as said above

        statement = self._asked(request)
        name = content_disposition_header(True, statement.document_name)
        return HttpResponse(
            pdf.render_statement(statement),
            content_type="application/pdf",
            headers={"Content-Disposition": name, "Cache-Control": "private"},
        )

    @extend_schema(
        summary="Mail a statement of account to the customer",
        request=PeriodSerializer,
        responses={201: DeliverySerializer},
    )
    @action(detail=True, methods=["post"], url_path="statement/send")
    def send_statement(self, request: Request, id: str) -> Response:
        """Text and PDF, as the account stands when the mail leaves."""
        customer = self.get_object()
        delivery = sending.send_statement(
            customer=customer,
            **self._period(customer, request.data),
            actor=person(request),
            now=timezone.now(),
        )
        answer = DeliverySerializer(delivery).data
        return Response(answer, status=status.HTTP_201_CREATED)

    def _asked(self, request: Request) -> Statement:
        customer = self.get_object()
        return statement_of(customer, **self._period(customer, request.query_params))

    def _period(self, customer: Customer, said: Any) -> dict[str, Any]:
        context = {"customer": customer, "now": timezone.now()}
        serializer = PeriodSerializer(data=said, context=context)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
