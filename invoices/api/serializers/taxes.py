from typing import Any

from rest_framework import serializers

from invoices.api.serializers.of_business import OfBusinessSerializer
from invoices.models import TaxCategory, TaxRate


class TaxRateSerializer(OfBusinessSerializer[TaxRate]):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = TaxRate
        fields = (
            "id",
            "business",
            "name",
            "category",
            "percent",
            "note",
            "is_active",
            "created_at",
            "updated_at",
        )
        extra_kwargs = {"percent": {"normalize_output": True}}


class TaxTotalSerializer(serializers.Serializer[Any]):
    """Tax of one rate."""

    name = serializers.CharField()
    category = serializers.ChoiceField(choices=TaxCategory.choices)
    percent = serializers.DecimalField(6, 3, normalize_output=True)
    note = serializers.CharField()
    net = serializers.IntegerField(help_text="Minor units, of all at this rate.")
    amount = serializers.IntegerField(help_text="Minor units of tax, rounded once.")
