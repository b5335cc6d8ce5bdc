"""The API over endpoints of webhooks, and over what was sent to them."""

from contextlib import AbstractContextManager
from typing import Any, Final, cast
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts import destinations, selectors
from accounts.api.schema import extend_schema, extend_schema_view
from accounts.api.serializers import OwnBusinessField
from accounts.api.views import check_manages
from accounts.api.viewsets import ModelViewSet
from accounts.http import person
from accounts.models import Business, WebhookDelivery, WebhookEndpoint
from accounts.roles import Permission
from accounts.services import deliveries, endpoints

ID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class WebhookEndpointSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    business = OwnBusinessField()
    types = serializers.ListField(
        child=serializers.CharField(max_length=60),
        help_text="As in `invoice.paid`, `invoice.*` and `*`, which is all there are.",
    )

    class Meta:
        model = WebhookEndpoint
        fields = (
            "id",
            "business",
            "url",
            "description",
            "types",
            "enabled",
            "failing_since",
            "previous_secret_until",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("failing_since", "previous_secret_until")

    def validate_business(self, business: Business) -> Business:
        if self.instance is not None and business != self.instance.business:
            raise serializers.ValidationError(
                "An endpoint stays with its business. Make another there."
            )
        return business


class EndpointWithSecretSerializer(WebhookEndpointSerializer):
    """The only answers that have the secret: of an endpoint made, or given another."""

    secret = serializers.CharField(
        read_only=True, help_text="What `PayMyInvoice-Signature` is checked with."
    )

    class Meta:
        model = WebhookEndpoint
        fields = (*WebhookEndpointSerializer.Meta.fields, "secret")
        read_only_fields = WebhookEndpointSerializer.Meta.read_only_fields


class WebhookDeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    event = serializers.UUIDField(source="event.public_id", read_only=True)
    type = serializers.CharField(source="event.type", read_only=True)

    class Meta:
        model = WebhookDelivery
        fields = (
            "id",
            "event",
            "type",
            "status",
            "tries",
            "tried_at",
            "next_try_at",
            "response_status",
            "response_body",
            "error",
            "duration_ms",
            "created_at",
        )


class EndpointFilter(filters.FilterSet):
    business = filters.UUIDFilter(field_name="business__public_id")
    enabled = filters.BooleanFilter()


@extend_schema_view(
    list={"summary": "List endpoints of webhooks"},
    retrieve={"summary": "Read an endpoint"},
    create={
        "summary": "Have events sent to an address",
        "request": WebhookEndpointSerializer,
        "responses": {201: EndpointWithSecretSerializer},
    },
    partial_update={"summary": "Change an endpoint, or turn it off or on"},
    destroy={"summary": "Delete an endpoint and its log"},
)
class WebhookEndpointViewSet(ModelViewSet[WebhookEndpoint]):
    """Where a business is told what happens. Owners alone see and change it."""

    queryset = WebhookEndpoint.objects.none()
    serializer_class: type[BaseSerializer[Any]] = WebhookEndpointSerializer
    filterset_class = EndpointFilter
    lookup_field = "public_id"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def prepare(self, request: Request) -> AbstractContextManager[Any]:
        if self.action == "create":
            typed = self.get_serializer(data=request.data)
            if typed.is_valid() and self._may_add_to(typed.validated_data["business"]):
                destinations.check(typed.validated_data["url"])
        return super().prepare(request)

    def _may_add_to(self, business: Business) -> bool:
        user = person(self.request)
        return selectors.may(user, Permission.MANAGE_BUSINESS, business)

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        every = WebhookEndpoint.objects.select_related("business")
        if self.action == "list":
            return every.for_user(person(self.request))
        return every.filter(
            business__in=Business.objects.joined_by(person(self.request))
        )

    def get_object(self) -> WebhookEndpoint:
        endpoint = super().get_object()
        check_manages(person(self.request), endpoint.business)
        return endpoint

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The answer has the secret, this once."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        fields = dict(serializer.validated_data)
        business = fields.pop("business")
        check_manages(person(request), business)
        endpoint = endpoints.create_endpoint(
            business=business, actor=person(request), now=timezone.now(), fields=fields
        )
        return self._with_secret(endpoint, status.HTTP_201_CREATED)

    def perform_update(self, serializer: BaseSerializer[WebhookEndpoint]) -> None:
        fields = dict(serializer.validated_data)
        fields.pop("business", None)
        if "url" in fields:
            destinations.check(fields["url"])
        serializer.instance = endpoints.update_endpoint(
            endpoint=cast("WebhookEndpoint", serializer.instance),
            actor=person(self.request),
            now=timezone.now(),
            fields=fields,
        )

    def perform_destroy(self, endpoint: WebhookEndpoint) -> None:
        endpoints.delete_endpoint(
            endpoint=endpoint, actor=person(self.request), now=timezone.now()
        )

    @extend_schema(
        summary="Give an endpoint another secret",
        request=None,
        responses=EndpointWithSecretSerializer,
    )
    @action(detail=True, methods=["post"], url_path="roll-secret")
    def roll_secret(self, request: Request, public_id: UUID) -> Response:
        """For a day, the secret before signs as well. The answer has the new one."""
        endpoint = endpoints.roll_secret(
            endpoint=self.get_object(), actor=person(request), now=timezone.now()
        )
        return self._with_secret(endpoint, status.HTTP_200_OK)

    @extend_schema(
        summary="Send an endpoint a test",
        request=None,
        responses={202: WebhookDeliverySerializer},
    )
    @action(detail=True, methods=["post"])
    def ping(self, request: Request, public_id: UUID) -> Response:
        delivery = endpoints.ping(
            endpoint=self.get_object(), actor=person(request), now=timezone.now()
        )
        return _on_its_way(delivery)

    @extend_schema(
        summary="List what was sent to an endpoint",
        responses=WebhookDeliverySerializer(many=True),
    )
    @action(detail=True, url_path="deliveries", filterset_class=None)
    def log(self, request: Request, public_id: UUID) -> Response:
        """Newest first. What ended a month ago is forgotten."""
        sent: Any = self.get_object().deliveries.select_related("event")
        page: Any = self.paginate_queryset(sent)
        shown = WebhookDeliverySerializer(page, many=True)
        return self.get_paginated_response(shown.data)

    @extend_schema(
        summary="Send an event again",
        request=None,
        responses={202: WebhookDeliverySerializer},
    )
    @action(
        detail=True,
        methods=["post"],
        url_path=f"deliveries/(?P<delivery_id>{ID})/replay",
    )
    def replay(self, request: Request, public_id: UUID, delivery_id: str) -> Response:
        """Whatever became of it before: now, and for three days more if need be."""
        rows = self.get_object().deliveries.select_related("event", "endpoint")
        delivery = deliveries.send_again(
            delivery=get_object_or_404(rows, public_id=delivery_id),
            now=timezone.now(),
        )
        return _on_its_way(delivery)

    @extend_schema(
        summary="Send all that failed again",
        request=None,
        responses={
            202: inline_serializer("Queued", {"queued": serializers.IntegerField()})
        },
    )
    @action(detail=True, methods=["post"], url_path="replay-failed")
    def replay_failed(self, request: Request, public_id: UUID) -> Response:
        """At the next run of the schedule, the longest waiting first."""
        queued = deliveries.send_all_again(
            endpoint=self.get_object(), now=timezone.now()
        )
        return Response({"queued": queued}, status=status.HTTP_202_ACCEPTED)

    def _with_secret(self, endpoint: WebhookEndpoint, code: int) -> Response:
        shown = EndpointWithSecretSerializer(
            endpoint, context=self.get_serializer_context()
        )
        return Response(shown.data, status=code)


def _on_its_way(delivery: WebhookDelivery) -> Response:
    # On Lambda it was tried by now.
    delivery.refresh_from_db()
    shown = WebhookDeliverySerializer(delivery)
    return Response(shown.data, status=status.HTTP_202_ACCEPTED)
