"""The API over what belongs to one customer or invoice: contacts, and attached files."""

from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.settings import api_settings

from accounts.api.schema import extend_schema, extend_schema_view
from accounts.api.viewsets import ModelViewSet
from accounts.http import person
from invoices.api.permissions import WritesBooks
from invoices.http import attachment_response
from invoices.models import Attachment, Contact, Customer, Invoice
from invoices.services import attaching, contacts

OF_CUSTOMER = OpenApiParameter(
    "customer_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The customer."
)
OF_INVOICE = OpenApiParameter(
    "invoice_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The invoice."
)


class ContactSerializer(serializers.ModelSerializer[Contact]):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Contact
        fields = (
            "id",
            "name",
            "email",
            "phone",
            "gets_invoices",
            "gets_reminders",
            "gets_statements",
        )


@extend_schema(parameters=[OF_CUSTOMER])
@extend_schema_view(
    list={"summary": "List a customer's contacts, newest first"},
    retrieve={"summary": "Read a contact"},
    create={"summary": "Add a contact"},
    update={"summary": "Change a contact"},
    partial_update={"summary": "Change some fields of a contact"},
    destroy={"summary": "Delete a contact"},
)
class ContactViewSet(ModelViewSet[Contact]):
    """People at a customer. The customer's own address gets all mail; they, what is said."""

    queryset = Contact.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    serializer_class = ContactSerializer
    filter_backends = ()
    lookup_field = "public_id"
    lookup_url_kwarg = "id"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Whose customer it is comes before what is wrong with the input.
        _ = self.customer

    @cached_property
    def customer(self) -> Customer:
        own = Customer.objects.for_user(person(self.request)).select_related("business")
        customer = get_object_or_404(own, public_id=self.kwargs["customer_id"])
        self.check_object_permissions(self.request, customer)
        return customer

    def get_queryset(self) -> QuerySet[Contact]:
        rows = Contact.objects.filter(customer=self.customer)
        return rows.select_related("customer__business")

    def perform_create(self, serializer: BaseSerializer[Contact]) -> None:
        serializer.instance = contacts.create_contact(
            customer=self.customer,
            fields=serializer.validated_data,
            actor=person(self.request),
            now=timezone.now(),
        )

    def perform_update(self, serializer: BaseSerializer[Contact]) -> None:
        serializer.instance = contacts.update_contact(
            contact=cast("Contact", serializer.instance),
            fields=serializer.validated_data,
            actor=person(self.request),
            now=timezone.now(),
        )

    def perform_destroy(self, contact: Contact) -> None:
        contacts.delete_contact(
            contact=contact, actor=person(self.request), now=timezone.now()
        )


class AttachmentSerializer(serializers.ModelSerializer[Attachment]):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Attachment
        fields = (
            "id",
            "name",
            "content_type",
            "size",
            "is_mailed",
            "is_shown",
            "created_at",
        )
        read_only_fields = ("name", "content_type", "size", "created_at")


class UploadSerializer(serializers.Serializer[Any]):
    """A multipart form."""

    file = serializers.FileField(
        allow_empty_file=True,
        help_text="A PDF, JPEG, PNG, document or table of Office or LibreOffice, .txt or "
        ".csv; up to 4 MB. What is in it decides, not what it is called.",
    )
    is_mailed = serializers.BooleanField(default=False)
    is_shown = serializers.BooleanField(default=False)


@extend_schema(parameters=[OF_INVOICE])
@extend_schema_view(
    list={"summary": "List an invoice's files, newest first"},
    retrieve={"summary": "Read what is known of a file"},
    update={"summary": "Change whether a file is mailed, and shown"},
    partial_update={"summary": "Change whether a file is mailed, or shown"},
    destroy={"summary": "Take a file off an invoice"},
)
class AttachmentViewSet(ModelViewSet[Attachment]):
    """Files that go with an invoice, before it is finalized and after."""

    queryset = Attachment.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    parser_classes: list[Any] = [*api_settings.DEFAULT_PARSER_CLASSES, MultiPartParser]
    serializer_class: type[BaseSerializer[Any]] = AttachmentSerializer
    filter_backends = ()
    lookup_field = "public_id"
    lookup_url_kwarg = "id"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Whose invoice it is comes before what is wrong with the input.
        _ = self.invoice

    def prepare(self, request: Request) -> AbstractContextManager[Any]:
        typed = UploadSerializer(data=request.data)
        if not typed.is_valid():
            return super().prepare(request)
        upload = typed.validated_data["file"]
        return attaching.stored(invoice=self.invoice, upload=upload)

    @cached_property
    def invoice(self) -> Invoice:
        own = Invoice.objects.for_user(person(self.request)).select_related("business")
        invoice = get_object_or_404(own, public_id=self.kwargs["invoice_id"])
        self.check_object_permissions(self.request, invoice)
        return invoice

    def get_queryset(self) -> QuerySet[Attachment]:
        return self.invoice.attachments.select_related("business", "invoice")

    @extend_schema(
        summary="Attach a file",
        request={"multipart/form-data": UploadSerializer},
        responses={201: AttachmentSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The same bytes again are the file that is there."""
        typed = UploadSerializer(data=request.data)
        typed.is_valid(raise_exception=True)
        said = typed.validated_data
        attachment = attaching.attach_stored(
            invoice=self.invoice,
            file=self.prepared,
            is_mailed=said["is_mailed"],
            is_shown=said["is_shown"],
            actor=person(request),
            now=timezone.now(),
        )
        answer = AttachmentSerializer(attachment).data
        return Response(answer, status=status.HTTP_201_CREATED)

    def perform_update(self, serializer: BaseSerializer[Attachment]) -> None:
        attachment = cast("Attachment", serializer.instance)
        said = {"is_mailed": attachment.is_mailed, "is_shown": attachment.is_shown}
        serializer.instance = attaching.change_attachment(
            attachment=attachment,
            **(said | serializer.validated_data),
            actor=person(self.request),
            now=timezone.now(),
        )

    def perform_destroy(self, attachment: Attachment) -> None:
        attaching.remove_attachment(
            attachment=attachment, actor=person(self.request), now=timezone.now()
        )

    @extend_schema(
        summary="Download a file",
        responses={(200, "*/*"): OpenApiTypes.BINARY},
    )
    @action(detail=True)
    def content(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return attachment_response(self.get_object())
