"""What an owner writes, and what that would come to."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers

from accounts.roles import Permission
from invoices.api.serializers.customers import CustomerField
from invoices.api.serializers.lines import AdjustmentSerializer, LineSerializer
from invoices.api.serializers.taxes import TaxTotalSerializer
from invoices.models import MAX_LINES, Invoice, InvoiceAdjustment, InvoiceLine, TaxRate

NO_RATE = "This field is required."
NO_SUCH_RATE = "There is no such tax rate."
_AMOUNT: Final = "Minor units; with tax where prices include it."


class DraftSerializer(serializers.ModelSerializer[Invoice]):
    """What an owner writes. Lines and adjustments come out as unsaved rows, if given."""

    customer = CustomerField()
    lines = LineSerializer(many=True, default=list)
    adjustments = AdjustmentSerializer(many=True, default=list)

    class Meta:
        model = Invoice
        fields: tuple[str, ...] = (
            "customer",
            "currency",
            "issue_date",
            "due_date",
            "reference",
            "notes",
            "discount_percent",
            "discount_amount",
            "tax_rounding",
            "prices_include_tax",
            "prepaid_amount",
            "cash_rounding",
            "language",
            "lines",
            "adjustments",
        )
        # What a PUT leaves out is put back to what a new draft has.
        extra_kwargs = {
            "currency": {"required": False},
            "tax_rounding": {"required": False},
            "issue_date": {"default": None},
            "due_date": {"default": None},
            "reference": {"default": ""},
            "notes": {"default": ""},
            "discount_percent": {"default": "0"},
            "discount_amount": {"default": "0"},
            "prices_include_tax": {"default": False},
            "prepaid_amount": {"default": "0"},
            "cash_rounding": {"default": 0},
            "language": {"default": ""},
        }

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[InvoiceLine]:
        if len(lines) > MAX_LINES:
            raise serializers.ValidationError(
                f"An invoice has at most {MAX_LINES} lines."
            )
        return self._rows(InvoiceLine, lines)

    def validate_adjustments(
        self, adjustments: list[dict[str, Any]]
    ) -> list[InvoiceAdjustment]:
        return self._rows(InvoiceAdjustment, adjustments)

    def _rows[Row: (InvoiceLine, InvoiceAdjustment)](
        self, model: type[Row], rows: list[dict[str, Any]]
    ) -> list[Row]:
        # In a PATCH nothing is required, and yet a line is replaced as a whole.
        wanted = [row.get("tax_rate", {}).get("public_id") for row in rows]
        rates = self._rates([rate for rate in wanted if rate])
        if missing := set(wanted) - set(rates):
            raise serializers.ValidationError(
                {
                    str(index): {"tax_rate": [NO_SUCH_RATE if rate else NO_RATE]}
                    for index, rate in enumerate(wanted)
                    if rate in missing
                }
            )
        return [
            model(**row | {"tax_rate": rates[rate]})
            for row, rate in zip(rows, wanted, strict=True)
        ]

    def _rates(self, wanted: list[UUID]) -> Mapping[UUID, TaxRate]:
        # One question for all lines.
        user = self.context["request"].user
        rates = TaxRate.objects.for_user(user, Permission.VIEW_BOOKS)
        return {rate.public_id: rate for rate in rates.filter(public_id__in=wanted)}


class WantedSerializer(DraftSerializer):
    """A draft to work out, and perhaps what it should come to."""

    wanted_total = serializers.DecimalField(
        max_digits=15,
        decimal_places=4,
        required=False,
        help_text="In major units; answered by `reachable`.",
    )

    class Meta(DraftSerializer.Meta):
        fields: tuple[str, ...] = (*DraftSerializer.Meta.fields, "wanted_total")


class PreviewSerializer(serializers.Serializer[Any]):
    """What a draft would come to; amounts in minor units of `currency`."""

    currency = serializers.CharField()
    line_amounts = serializers.ListField(
        source="totals.line_amounts",
        child=serializers.IntegerField(),
        help_text=_AMOUNT,
    )
    line_nets = serializers.ListField(
        source="totals.line_nets", child=serializers.IntegerField()
    )
    adjustment_amounts = serializers.ListField(
        source="totals.adjustment_amounts",
        child=serializers.IntegerField(),
        help_text=f"{_AMOUNT} Below zero for an allowance.",
    )
    subtotal = serializers.IntegerField(source="totals.subtotal", help_text=_AMOUNT)
    discount = serializers.IntegerField(source="totals.discount", help_text=_AMOUNT)
    net = serializers.IntegerField(source="totals.net")
    taxes = TaxTotalSerializer(many=True)
    tax = serializers.IntegerField(source="totals.tax")
    total = serializers.IntegerField(source="totals.total")
    prepaid = serializers.IntegerField(source="totals.prepaid")
    rounding = serializers.IntegerField(source="totals.rounding")
    payable = serializers.IntegerField(source="totals.payable")
    reachable = serializers.ListField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text=(
            "Where `wanted_total` was given: that total alone, or those next to it that "
            "whole units of net with their tax come to."
        ),
    )
