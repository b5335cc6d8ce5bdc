from rest_framework import serializers

from invoices.models import InvoiceAdjustment, InvoiceLine


class LineSerializer(serializers.ModelSerializer[InvoiceLine]):
    tax_rate = serializers.UUIDField(source="tax_rate.public_id")
    net = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Minor units, after its discount."
    )
    gross = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="Minor units, where prices include tax.",
    )

    class Meta:
        model = InvoiceLine
        fields = (
            "position",
            "description",
            "quantity",
            "unit",
            "unit_price",
            "base_quantity",
            "discount_percent",
            "discount_amount",
            "charge_amount",
            "tax_rate",
            "tax_name",
            "net",
            "gross",
        )
        read_only_fields = ("position", "tax_name")
        extra_kwargs = {
            name: {"normalize_output": True}
            for name in (
                "quantity",
                "unit_price",
                "base_quantity",
                "discount_percent",
                "discount_amount",
                "charge_amount",
            )
        }


class AdjustmentSerializer(serializers.ModelSerializer[InvoiceAdjustment]):
    """A charge or an allowance: an amount in major units, or of the sum of the lines."""

    tax_rate = serializers.UUIDField(source="tax_rate.public_id")
    net = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="Minor units, below zero for an allowance.",
    )
    gross = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="Minor units, where prices include tax.",
    )

    class Meta:
        model = InvoiceAdjustment
        fields = (
            "is_charge",
            "reason",
            "percent",
            "amount",
            "tax_rate",
            "tax_name",
            "net",
            "gross",
        )
        read_only_fields = ("tax_name",)
        extra_kwargs = {
            name: {"normalize_output": True} for name in ("percent", "amount")
        }
