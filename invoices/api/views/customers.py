from typing import cast

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.permissions import IsAuthenticated
from rest_framework.serializers import BaseSerializer

from accounts.api.schema import extend_schema_view
from accounts.api.viewsets import ModelViewSet
from accounts.http import person
from invoices.api.filters import CustomerFilter
from invoices.api.permissions import WritesBooks
from invoices.api.serializers.customers import (
    CustomerDetailSerializer,
    CustomerSerializer,
)
from invoices.api.views.of_business import business_of
from invoices.models import Customer
from invoices.services import customers


@extend_schema_view(
    list={"summary": "List customers, newest first"},
    retrieve={"summary": "Read a customer"},
    create={"summary": "Write down a customer"},
    update={
        "summary": "Change a customer",
        "description": "Drafts follow; finalized invoices keep the details they were issued with.",
    },
    partial_update={"summary": "Change some fields of a customer"},
    destroy={"summary": "Delete a customer without invoices"},
)
class CustomerViewSet(ModelViewSet[Customer]):
    """Who is invoiced."""

    queryset = Customer.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    serializer_class = CustomerSerializer
    filterset_class = CustomerFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[Customer]:
        own = Customer.objects.for_user(person(self.request))
        return own.select_related("business")

    def get_serializer_class(self) -> type[BaseSerializer[Customer]]:
        is_one = self.action == "retrieve"
        return CustomerDetailSerializer if is_one else CustomerSerializer

    def perform_create(self, serializer: BaseSerializer[Customer]) -> None:
        fields = dict(serializer.validated_data)
        serializer.instance = customers.create_customer(
            business=business_of(self.request, fields),
            fields=fields,
            actor=person(self.request),
            now=timezone.now(),
        )

    def perform_update(self, serializer: BaseSerializer[Customer]) -> None:
        fields = dict(serializer.validated_data)
        fields.pop("business", None)
        serializer.instance = customers.update_customer(
            customer=cast("Customer", serializer.instance),
            fields=fields,
            actor=person(self.request),
            now=timezone.now(),
        )

    def perform_destroy(self, customer: Customer) -> None:
        customers.delete_customer(
            customer=customer, actor=person(self.request), now=timezone.now()
        )
