from rest_framework import serializers

from invoices.models import Invoice, ManualPayment


class ManualPaymentSerializer(serializers.ModelSerializer[ManualPayment]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    invoice = serializers.UUIDField(source="invoice.public_id", read_only=True)
    amount = serializers.IntegerField(read_only=True, help_text="Minor units.")

    class Meta:
        model = ManualPayment
        fields = (
            "id",
            "invoice",
            "method",
            "amount",
            "currency",
            "received_on",
            "reference",
            "recorded_at",
            "reversed_at",
            "reversal_reason",
        )
        read_only_fields = fields


class ApplyBalanceSerializer(serializers.Serializer[Invoice]):
    amount = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        help_text="Minor units; left out, as much as there is and is due.",
    )
