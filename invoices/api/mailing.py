"""The API over mail to customers: what goes out, what became of it, and reminders."""

from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.api.schema import extend_schema, extend_schema_view
from accounts.api.viewsets import GenericViewSet, ModelViewSet
from accounts.http import person
from invoices.api.filters import ReminderStepFilter
from invoices.api.permissions import WritesBooks
from invoices.api.serializers.of_business import OfBusinessSerializer
from invoices.api.views.of_business import business_of
from invoices.models import CreditNote, Delivery, Invoice, ReminderStep
from invoices.services import reminder_plans, reminding, sending


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """A mail that was asked for, and what became of it."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    to = serializers.ListField(child=serializers.EmailField(), read_only=True)

    class Meta:
        model = Delivery
        fields = (
            "id",
            "kind",
            "status",
            "to",
            "error",
            "tries",
            "queued_at",
            "sent_at",
        )
        read_only_fields = fields


class MailSerializer(serializers.Serializer[Any]):
    """A message as it would be sent, without what is attached."""

    to = serializers.ListField(child=serializers.EmailField())
    subject = serializers.CharField()
    text = serializers.CharField(source="body")
    html = serializers.SerializerMethodField()

    def get_html(self, message: Any) -> str:
        return str(message.alternatives[0].content)


class InvoiceMailViewSet(GenericViewSet[Invoice]):
    """Mail of an invoice."""

    queryset = Invoice.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    serializer_class: type[BaseSerializer[Any]] = DeliverySerializer
    filter_backends = ()
    lookup_field = "public_id"
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[Invoice]:
        own = Invoice.objects.for_user(person(self.request))
        return own.select_related("business", "customer")

    @extend_schema(
        summary="Show the mail that sending would send", responses=MailSerializer
    )
    @action(detail=True, url_path="mail-preview")
    def mail_preview(self, request: Request, id: str) -> Response:
        message = sending.preview_mail(invoice=self.get_object())
        return Response(MailSerializer(message).data)

    @extend_schema(summary="Mail it to yourself", request=None, responses={204: None})
    @action(detail=True, methods=["post"], url_path="test-send")
    def test_send(self, request: Request, id: str) -> Response:
        """As the customer would get it. The customer gets nothing."""
        sending.send_test(
            invoice=self.get_object(), actor=person(request), now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Remind the customer now",
        request=None,
        responses={201: DeliverySerializer},
    )
    @action(detail=True, methods=["post"])
    def remind(self, request: Request, id: str) -> Response:
        """Whatever the plan says; its steps are taken all the same."""
        delivery = reminding.remind_now(
            invoice=self.get_object(), actor=person(request), now=timezone.now()
        )
        answer = DeliverySerializer(delivery).data
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="List its mail, newest first",
        responses=DeliverySerializer(many=True),
    )
    @action(detail=True)
    def deliveries(self, request: Request, id: str) -> Response:
        rows = Delivery.objects.filter(invoice=self.get_object()).order_by("-pk")
        page = self.paginate_queryset(cast("QuerySet[Any]", rows))
        return self.get_paginated_response(DeliverySerializer(page, many=True).data)


class CreditNoteMailViewSet(GenericViewSet[CreditNote]):
    """Mail of a credit note."""

    queryset = CreditNote.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    serializer_class: type[BaseSerializer[Any]] = DeliverySerializer
    lookup_field = "public_id"
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[CreditNote]:
        own = CreditNote.objects.for_user(person(self.request))
        return own.select_related("business", "customer", "invoice")

    @extend_schema(
        summary="Mail it to the customer",
        request=None,
        responses={201: DeliverySerializer},
    )
    @action(detail=True, methods=["post"])
    def send(self, request: Request, id: str) -> Response:
        """The PDF goes along. Again mails again."""
        delivery = sending.send_credit_note(
            credit_note=self.get_object(), actor=person(request), now=timezone.now()
        )
        answer = DeliverySerializer(delivery).data
        return Response(answer, status=status.HTTP_201_CREATED)


class ReminderStepSerializer(OfBusinessSerializer[ReminderStep]):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = ReminderStep
        fields = ("id", "business", "days", "message", "is_active")
        # The row's own constraint says so, and does not ask for the business.
        validators: tuple[Any, ...] = ()


@extend_schema_view(
    list={"summary": "List the steps of the plan for reminders"},
    retrieve={"summary": "Read a step"},
    create={"summary": "Add a step"},
    update={
        "summary": "Change a step",
        "description": "What was mailed stays mailed: moved to another day, it is taken again.",
    },
    partial_update={"summary": "Change some fields of a step"},
    destroy={"summary": "Delete a step"},
)
class ReminderStepViewSet(ModelViewSet[ReminderStep]):
    """On which days a business reminds its customers; none does from the start."""

    queryset = ReminderStep.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    serializer_class = ReminderStepSerializer
    filterset_class = ReminderStepFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[ReminderStep]:
        own = ReminderStep.objects.for_user(person(self.request))
        return own.select_related("business")

    def perform_create(self, serializer: BaseSerializer[ReminderStep]) -> None:
        fields = dict(serializer.validated_data)
        serializer.instance = reminder_plans.create_step(
            business=business_of(self.request, fields),
            fields=fields,
            actor=person(self.request),
            now=timezone.now(),
        )

    def perform_update(self, serializer: BaseSerializer[ReminderStep]) -> None:
        fields = dict(serializer.validated_data)
        fields.pop("business", None)
        serializer.instance = reminder_plans.update_step(
            step=cast("ReminderStep", serializer.instance),
            fields=fields,
            actor=person(self.request),
            now=timezone.now(),
        )

    def perform_destroy(self, step: ReminderStep) -> None:
        reminder_plans.delete_step(
            step=step, actor=person(self.request), now=timezone.now()
        )

    @extend_schema(
        summary="Begin with the plan that most want",
        request=None,
        responses={201: ReminderStepSerializer(many=True)},
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="usual",
        # All of them, and no page of a list.
        filterset_class=None,
        pagination_class=None,
    )
    def usual(self, request: Request) -> Response:
        """
        Three, ten and twenty-four days after the due date, and an inactive step three
        days before it. A business that has steps keeps its own.
        """
        business = business_of(request, {})
        reminder_plans.start_plan(
            business=business, actor=person(request), now=timezone.now()
        )
        steps = business.reminder_steps.select_related("business").order_by("days")
        answer = self.get_serializer(steps, many=True).data
        return Response(answer, status=status.HTTP_201_CREATED)
