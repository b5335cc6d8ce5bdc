from typing import cast

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.permissions import IsAuthenticated
from rest_framework.serializers import BaseSerializer

from accounts.api.schema import extend_schema_view
from accounts.api.viewsets import ModelViewSet
from accounts.http import person
from invoices.api.filters import TaxRateFilter
from invoices.api.permissions import WritesBooks
from invoices.api.serializers.taxes import TaxRateSerializer
from invoices.api.views.of_business import business_of
from invoices.models import TaxRate
from invoices.services import tax_rates


@extend_schema_view(
    list={"summary": "List tax rates, newest first"},
    retrieve={"summary": "Read a tax rate"},
    create={"summary": "Write down a tax rate"},
    update={
        "summary": "Change a tax rate",
        "description": "Drafts follow; finalized invoices keep the tax they were issued with.",
    },
    partial_update={"summary": "Change some fields of a tax rate"},
    destroy={"summary": "Delete a tax rate that no invoice uses"},
)
class TaxRateViewSet(ModelViewSet[TaxRate]):
    """Taxes a business charges, and reasons why it charges none."""

    queryset = TaxRate.objects.none()
    permission_classes = [IsAuthenticated, WritesBooks]
    serializer_class = TaxRateSerializer
    filterset_class = TaxRateFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[TaxRate]:
        own = TaxRate.objects.for_user(person(self.request))
        return own.select_related("business")

    def perform_create(self, serializer: BaseSerializer[TaxRate]) -> None:
        fields = dict(serializer.validated_data)
        serializer.instance = tax_rates.create_tax_rate(
            business=business_of(self.request, fields),
            fields=fields,
            actor=person(self.request),
            now=timezone.now(),
        )

    def perform_update(self, serializer: BaseSerializer[TaxRate]) -> None:
        fields = dict(serializer.validated_data)
        fields.pop("business", None)
        serializer.instance = tax_rates.update_tax_rate(
            tax_rate=cast("TaxRate", serializer.instance),
            fields=fields,
            actor=person(self.request),
            now=timezone.now(),
        )

    def perform_destroy(self, tax_rate: TaxRate) -> None:
        tax_rates.delete_tax_rate(
            tax_rate=tax_rate, actor=person(self.request), now=timezone.now()
        )
