from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.api.schema import extend_schema, extend_schema_view
from accounts.api.viewsets import ReadOnlyModelViewSet
from accounts.http import person
from invoices.api.filters import InvoiceFilter
from invoices.api.permissions import WritesBooks
from invoices.api.renderers import PdfRenderer
from invoices.api.serializers.drafts import (
    DraftSerializer,
    PreviewSerializer,
    WantedSerializer,
)
from invoices.api.serializers.invoices import (
    ExtendSerializer,
    InvoiceDetailSerializer,
    InvoiceSerializer,
)
from invoices.api.serializers.payments import ApplyBalanceSerializer
from invoices.http import pdf_response
from invoices.models import Invoice, InvoiceAdjustment, InvoiceLine, ManualPayment
from invoices.services import (
    balances,
    correcting,
    documents,
    drafting,
    extending,
    finalizing,
    sending,
)
from invoices.states import InvoiceStatus


@extend_schema_view(
    list={"summary": "List invoices, newest first"},
    retrieve={"summary": "Read an invoice with its lines and taxes"},
)
class InvoiceViewSet(ReadOnlyModelViewSet[Invoice]):
    """Requests for payment: drafts until finalized, frozen afterwards."""

    queryset = Invoice.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    filterset_class = InvoiceFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[Invoice]:
        own = Invoice.objects.for_user(person(self.request))
        invoices = own.with_amounts().select_related("business", "customer")
        lines = InvoiceLine.objects.select_related("tax_rate")
        lines = lines.order_by("position", "pk")
        adjustments = InvoiceAdjustment.objects.select_related("tax_rate")
        adjustments = adjustments.order_by("position", "pk")
        if self.action == "list":
            lines = lines.filter(invoice__status=InvoiceStatus.DRAFT)
            adjustments = adjustments.filter(invoice__status=InvoiceStatus.DRAFT)
            return invoices.prefetch_related(
                Prefetch("lines", lines), Prefetch("adjustments", adjustments)
            )
        return invoices.select_related("revises", "revision").prefetch_related(
            Prefetch("lines", lines),
            Prefetch("adjustments", adjustments),
            Prefetch("manual_payments", ManualPayment.objects.order_by("pk")),
            "taxes",
        )

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return InvoiceSerializer if self.action == "list" else InvoiceDetailSerializer

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "now": timezone.now()}

    @extend_schema(
        summary="Write a draft with its lines",
        request=DraftSerializer,
        responses={201: InvoiceDetailSerializer},
    )
    def create(self, request: Request) -> Response:
        fields = self._typed(request)
        customer = fields["customer"]
        invoice = drafting.create_draft(
            business=customer.business,
            customer=customer,
            lines=fields.pop("lines"),
            adjustments=fields.pop("adjustments"),
            fields=fields,
            actor=person(request),
            now=timezone.now(),
        )
        return self._shown(invoice, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Write a draft anew",
        request=DraftSerializer,
        responses=InvoiceDetailSerializer,
    )
    def update(self, request: Request, id: str, partial: bool = False) -> Response:
        """What is left out is put back to what a new draft has."""
        invoice = self.get_object()
        fields = self._typed(request, partial=partial)
        invoice = drafting.update_draft(
            invoice=invoice,
            lines=fields.pop("lines", None),
            adjustments=fields.pop("adjustments", None),
            fields=fields,
            actor=person(request),
            now=timezone.now(),
        )
        return self._shown(invoice)

    @extend_schema(
        summary="Change a draft",
        request=DraftSerializer(partial=True),
        responses=InvoiceDetailSerializer,
    )
    def partial_update(self, request: Request, id: str) -> Response:
        """`lines` and `adjustments`, where given, replace all that were there."""
        return self.update(request, id, partial=True)

    @extend_schema(summary="Delete a draft")
    def destroy(self, request: Request, id: str) -> Response:
        drafting.delete_draft(
            invoice=self.get_object(), actor=person(request), now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Work out a draft without saving it",
        request=WantedSerializer,
        responses=PreviewSerializer,
    )
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        fields = self._typed(request, WantedSerializer)
        customer = fields["customer"]
        estimate = drafting.preview_draft(
            business=customer.business,
            customer=customer,
            wanted_total=fields.pop("wanted_total", None),
            lines=fields.pop("lines"),
            adjustments=fields.pop("adjustments"),
            fields=fields,
        )
        return Response(PreviewSerializer(estimate).data)

    @extend_schema(
        summary="Finalize: take a number and freeze",
        request=None,
        responses=InvoiceDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def finalize(self, request: Request, id: str) -> Response:
        invoice = finalizing.finalize_invoice(
            invoice=self.get_object(), actor=person(request), now=timezone.now()
        )
        return self._shown(invoice)

    @extend_schema(
        summary="Mail it to the customer",
        request=None,
        responses=InvoiceDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def send(self, request: Request, id: str) -> Response:
        """The link and the PDF, and the link opens anew. Again mails again."""
        invoice = sending.send_invoice(
            invoice=self.get_object(), actor=person(request), now=timezone.now()
        )
        return self._shown(invoice)

    @extend_schema(
        summary="Void: declare that nothing is owed",
        request=None,
        responses=InvoiceDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def void(self, request: Request, id: str) -> Response:
        """Its number stays used and its document stays."""
        invoice = correcting.void_invoice(
            invoice=self.get_object(), actor=person(request), now=timezone.now()
        )
        return self._shown(invoice)

    @extend_schema(
        summary="Revise: void it and copy it to a draft, in one step",
        request=None,
        responses={201: InvoiceDetailSerializer},
    )
    @action(detail=True, methods=["post"])
    def revise(self, request: Request, id: str) -> Response:
        """The draft; it names what it revises, and what it revises names it."""
        draft = correcting.revise_invoice(
            invoice=self.get_object(), actor=person(request), now=timezone.now()
        )
        return self._shown(draft, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Copy it to a draft",
        request=None,
        responses={201: InvoiceDetailSerializer},
    )
    @action(detail=True, methods=["post"])
    def duplicate(self, request: Request, id: str) -> Response:
        """The draft, without dates, under the tax rates of today."""
        draft = correcting.duplicate_invoice(
            invoice=self.get_object(), actor=person(request), now=timezone.now()
        )
        return self._shown(draft, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Pay it from what its customer has to its credit",
        request=ApplyBalanceSerializer,
        responses=InvoiceDetailSerializer,
    )
    @action(detail=True, methods=["post"], url_path="apply-balance")
    def apply_balance(self, request: Request, id: str) -> Response:
        invoice = self.get_object()
        typed = ApplyBalanceSerializer(data=request.data)
        typed.is_valid(raise_exception=True)
        invoice = balances.apply_balance(
            invoice=invoice,
            amount=typed.validated_data["amount"],
            actor=person(request),
            now=timezone.now(),
        )
        return self._shown(invoice)

    @extend_schema(
        summary="Give more time: move the due date later",
        request=ExtendSerializer,
        responses=InvoiceDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def extend(self, request: Request, id: str) -> Response:
        """The customer's link opens longer as well. What was printed stays."""
        invoice = self.get_object()
        typed = ExtendSerializer(data=request.data)
        typed.is_valid(raise_exception=True)
        invoice = extending.extend_invoice(
            invoice=invoice,
            due_date=typed.validated_data["due_date"],
            actor=person(request),
            now=timezone.now(),
        )
        return self._shown(invoice)

    @extend_schema(
        summary="The PDF, as it was finalized",
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    @action(detail=True, renderer_classes=[JSONRenderer, PdfRenderer])
    def document(self, request: Request, id: str) -> HttpResponse:
        invoice = self.get_object()
        document = documents.read_document(invoice)
        return pdf_response(invoice, document, as_attachment=True)

    @extend_schema(
        summary="A draft's PDF, as it would be finalized now",
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
    )
    @action(
        detail=True,
        url_path="document/preview",
        renderer_classes=[JSONRenderer, PdfRenderer],
    )
    def preview_document(self, request: Request, id: str) -> HttpResponse:
        """Marked as a draft, in the customer's language; not stored."""
        draft = self.get_object()
        document = documents.preview_document(draft=draft, now=timezone.now())
        return pdf_response(draft, document, as_attachment=True)

    def _typed(
        self,
        request: Request,
        kind: type[DraftSerializer] = DraftSerializer,
        *,
        partial: bool = False,
    ) -> dict[str, Any]:
        """
        What the person typed, its lines as unsaved rows.

        :raises PermissionDenied: if the customer is of a business whose books the
            person may only see
        """
        serializer = kind(
            data=request.data, partial=partial, context=self.get_serializer_context()
        )
        serializer.is_valid(raise_exception=True)
        fields = dict(serializer.validated_data)
        if "customer" in fields:
            self.check_object_permissions(request, fields["customer"])
        return fields

    def _shown(self, invoice: Invoice, code: int = status.HTTP_200_OK) -> Response:
        row = self.get_queryset().get(pk=invoice.pk)
        return Response(self.get_serializer(row).data, status=code)
