"""The API over credit notes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.api.schema import extend_schema, extend_schema_view
from accounts.api.viewsets import ReadOnlyModelViewSet
from accounts.http import person
from invoices.api.fields import InvoiceField
from invoices.api.permissions import WritesBooks
from invoices.api.renderers import PdfRenderer
from invoices.api.serializers.taxes import TaxTotalSerializer
from invoices.http import pdf_response
from invoices.models import MAX_LINES, CreditNote, CreditNoteLine, Invoice
from invoices.money import LARGEST
from invoices.services import crediting, documents


class CreditNoteLineSerializer(serializers.ModelSerializer[CreditNoteLine]):
    position = serializers.IntegerField(
        read_only=True, help_text="That of the invoice's line, counted from 0."
    )
    net = serializers.IntegerField(read_only=True, help_text="Minor units.")

    class Meta:
        model = CreditNoteLine
        fields = (
            "position",
            "description",
            "quantity",
            "unit_price",
            "base_quantity",
            "tax_name",
            "net",
        )
        read_only_fields = fields
        extra_kwargs = {
            name: {"normalize_output": True}
            for name in ("quantity", "unit_price", "base_quantity")
        }


class CreditNoteSerializer(serializers.ModelSerializer[CreditNote]):
    """A credit note in a list; amounts in minor units of `currency`."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    business = serializers.UUIDField(source="business.public_id", read_only=True)
    customer = serializers.UUIDField(source="customer.public_id", read_only=True)
    customer_name = serializers.CharField(source="buyer.name", read_only=True)
    invoice = serializers.UUIDField(source="invoice.public_id", read_only=True)
    invoice_number = serializers.CharField(source="invoice.number", read_only=True)

    class Meta:
        model = CreditNote
        fields: tuple[str, ...] = (
            "id",
            "number",
            "business",
            "customer",
            "customer_name",
            "invoice",
            "invoice_number",
            "currency",
            "issue_date",
            "reason",
            "net",
            "tax",
            "total",
            "reduces",
            "refunds",
            "to_balance",
            "out_of_band",
            "issued_at",
        )
        read_only_fields = fields


class CreditNoteDetailSerializer(CreditNoteSerializer):
    """A credit note with its lines and taxes."""

    lines = CreditNoteLineSerializer(many=True, read_only=True)
    taxes = TaxTotalSerializer(many=True, read_only=True)

    class Meta(CreditNoteSerializer.Meta):
        fields = (
            *CreditNoteSerializer.Meta.fields,
            "language",
            "seller",
            "buyer",
            "lines",
            "taxes",
        )
        read_only_fields = fields


class CreditedLineSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField(
        help_text="As the invoice says it: the first line has 0."
    )
    quantity = serializers.DecimalField(14, 4)


class WantedCreditSerializer(serializers.Serializer[Any]):
    """What is taken back, and of which invoice."""

    invoice = InvoiceField()
    lines = CreditedLineSerializer(
        many=True,
        required=False,
        allow_null=True,
        default=None,
        help_text="Left out, all that is left of the invoice.",
    )

    def validate(self, typed: dict[str, Any]) -> dict[str, Any]:
        """`quantities` and `indexes` come out, by line's key; None for all."""
        lines = typed.pop("lines")
        typed["quantities"], typed["indexes"] = (
            (None, {}) if lines is None else _by_key(typed["invoice"], lines)
        )
        return typed


def _by_key(
    invoice: Invoice, lines: list[dict[str, Any]]
) -> tuple[dict[int, Decimal], dict[int, int]]:
    if len(lines) > MAX_LINES:
        raise serializers.ValidationError(
            {"lines": f"An invoice has at most {MAX_LINES} lines."}
        )
    keys = dict(invoice.lines.values_list("position", "pk"))
    problems, indexes = {}, {}
    for index, line in enumerate(lines):
        key = keys.pop(line["position"], None)
        if key is None:
            problems[f"lines.{index}.position"] = (
                "There is no such line, or it is said twice."
            )
        else:
            indexes[key] = index
    if problems:
        raise serializers.ValidationError(problems)
    return {key: lines[index]["quantity"] for key, index in indexes.items()}, indexes


def _part(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=0, max_value=LARGEST, default=0, help_text=help_text
    )


class NewCreditNoteSerializer(WantedCreditSerializer):
    """Its total first reduces what is due; say where what is beyond goes."""

    reason = serializers.CharField(max_length=500, help_text="Printed on it.")
    refunds = _part("Minor units, sent back by card.")
    to_balance = _part("Minor units, kept for the customer.")
    out_of_band = _part("Minor units, paid back otherwise.")


class CreditPreviewSerializer(serializers.Serializer[Any]):
    """What a credit note would come to; amounts in minor units of `currency`."""

    currency = serializers.CharField()
    lines = CreditNoteLineSerializer(many=True)
    taxes = TaxTotalSerializer(many=True)
    net = serializers.IntegerField()
    tax = serializers.IntegerField()
    total = serializers.IntegerField()
    reduces = serializers.IntegerField(help_text="What it takes off the due.")
    excess = serializers.IntegerField(help_text="What is beyond, to be split exactly.")


class CreditNoteFilter(filters.FilterSet):
    business = filters.UUIDFilter("business__public_id", label="A business's id.")
    customer = filters.UUIDFilter("customer__public_id", label="A customer's id.")
    invoice = filters.UUIDFilter("invoice__public_id", label="An invoice's id.")
    currency = filters.CharFilter(label="ISO 4217, such as EUR.")
    number = filters.CharFilter(label="The whole number, as it is printed.")
    issued_after = filters.DateFilter("issue_date", "gte", label="That day included.")
    issued_before = filters.DateFilter("issue_date", "lt", label="That day excluded.")


@extend_schema_view(
    list={"summary": "List credit notes, newest first"},
    retrieve={"summary": "Read a credit note with its lines and taxes"},
)
class CreditNoteViewSet(ReadOnlyModelViewSet[CreditNote]):
    """What of invoices was taken back. Issued at once, and frozen."""

    queryset = CreditNote.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    filterset_class = CreditNoteFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[CreditNote]:
        notes = CreditNote.objects.for_user(person(self.request))
        notes = notes.select_related("business", "customer", "invoice")
        if self.action == "list":
            return notes
        return notes.prefetch_related("lines", "taxes")

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action == "list":
            return CreditNoteSerializer
        return CreditNoteDetailSerializer

    @extend_schema(
        summary="Credit lines of an invoice, or all that is left",
        request=NewCreditNoteSerializer,
        responses={201: CreditNoteDetailSerializer},
    )
    def create(self, request: Request) -> Response:
        """
        It is issued at once, under a number of its own. `refunds`, `to_balance` and
        `out_of_band` together are exactly what is beyond the due; `preview` says how much
        that is.
        """
        typed = self._typed(request, NewCreditNoteSerializer)
        with _named(typed["indexes"]):
            note = crediting.issue_credit_note(
                invoice=typed["invoice"],
                quantities=typed["quantities"],
                reason=typed["reason"],
                split=crediting.Split(
                    typed["refunds"], typed["to_balance"], typed["out_of_band"]
                ),
                actor=person(request),
                now=timezone.now(),
            )
        return Response(self.get_serializer(note).data, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Work out a credit note without issuing it",
        request=WantedCreditSerializer,
        responses=CreditPreviewSerializer,
    )
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        typed = self._typed(request, WantedCreditSerializer)
        invoice = typed["invoice"]
        with _named(typed["indexes"]):
            draft = crediting.preview_credit_note(
                invoice=invoice, quantities=typed["quantities"]
            )
        return Response(CreditPreviewSerializer(draft).data)

    @extend_schema(
        summary="The PDF, as it was issued",
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    @action(detail=True, renderer_classes=[JSONRenderer, PdfRenderer])
    def document(self, request: Request, id: str) -> HttpResponse:  # noqa: A002 - its name in the address
        note = self.get_object()
        document = documents.read_document(note)
        return pdf_response(note, document, as_attachment=True)

    def _typed(
        self, request: Request, kind: type[WantedCreditSerializer]
    ) -> dict[str, Any]:
        """:raises PermissionDenied: if the person may only see the invoice"""
        serializer = kind(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        self.check_object_permissions(request, serializer.validated_data["invoice"])
        typed: dict[str, Any] = serializer.validated_data
        return typed


@contextmanager
def _named(indexes: Mapping[int, int]) -> Iterator[None]:
    """Name a wrong line by its place in the request; the service knows its key."""
    try:
        yield
    except ValidationError as error:
        raise serializers.ValidationError(
            {_name(field, indexes): said for field, said in error.message_dict.items()}
        ) from error


def _name(field: str, indexes: Mapping[int, int]) -> str:
    names = {
        f"lines.{key}": f"lines.{index}.quantity" for key, index in indexes.items()
    }
    return names.get(field, field)
