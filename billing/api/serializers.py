from rest_framework import serializers

from billing.models import Payment, Refund


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    invoice = serializers.UUIDField(source="invoice.public_id", read_only=True)
    amount = serializers.IntegerField(read_only=True, help_text="Minor units.")
    refunded = serializers.IntegerField(
        read_only=True, help_text="What went back, or is on its way; minor units."
    )

    class Meta:
        model = Payment
        fields = (
            "id",
            "invoice",
            "amount",
            "refunded",
            "currency",
            "status",
            "problem",
            "payment_intent",
            "received_at",
        )
        read_only_fields = fields


class RefundSerializer(serializers.ModelSerializer[Refund]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    payment = serializers.UUIDField(source="payment.public_id", read_only=True)
    amount = serializers.IntegerField(read_only=True, help_text="Minor units.")

    class Meta:
        model = Refund
        fields = (
            "id",
            "payment",
            "amount",
            "currency",
            "status",
            "reason",
            "stripe_id",
            "requested_at",
        )
        read_only_fields = fields


class RefundRequestSerializer(serializers.Serializer[Refund]):
    payment = serializers.UUIDField(help_text="The id of the payment.")
    amount = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="Minor units; left out, all that is left.",
    )
    reason = serializers.CharField(
        required=False, max_length=250, default="", allow_blank=True
    )
