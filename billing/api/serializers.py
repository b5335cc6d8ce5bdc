from rest_framework import serializers

from billing.models import BalanceTransaction, Dispute, Payment, Refund


class BalanceTransactionSerializer(serializers.ModelSerializer[BalanceTransaction]):
    amount = serializers.IntegerField(
        read_only=True,
        help_text="Minor units; what left the account is below zero.",
    )
    fee = serializers.IntegerField(
        read_only=True, help_text="What Stripe kept, in minor units."
    )
    net = serializers.IntegerField(
        read_only=True, help_text="The amount without the fee, in minor units."
    )

    class Meta:
        model = BalanceTransaction
        fields = (
            "type",
            "amount",
            "fee",
            "net",
            "currency",
            "stripe_id",
            "created_at",
            "available_on",
        )
        read_only_fields = fields


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    invoice = serializers.UUIDField(source="invoice.public_id", read_only=True)
    amount = serializers.IntegerField(read_only=True, help_text="Minor units.")
    refunded = serializers.IntegerField(
        read_only=True, help_text="What went back, or is on its way; minor units."
    )
    problem = serializers.ChoiceField(
        choices=[("", "None"), *Payment.Problem.choices],
        read_only=True,
        help_text="Why it is held.",
    )
    balance_transactions = BalanceTransactionSerializer(
        many=True,
        read_only=True,
        help_text=(
            "What it moved on the balance at Stripe, in the currency of the balance; "
            "empty until the books are next held against Stripe."
        ),
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
            "balance_transactions",
        )
        read_only_fields = fields


class DisputeSerializer(serializers.ModelSerializer[Dispute]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    payment = serializers.UUIDField(source="payment.public_id", read_only=True)
    invoice = serializers.UUIDField(source="payment.invoice.public_id", read_only=True)
    amount = serializers.IntegerField(read_only=True, help_text="Minor units.")
    withdrawn = serializers.IntegerField(
        read_only=True,
        help_text="What the bank has of it now, in minor units; 0 if it gave all back.",
    )
    withdrawn_currency = serializers.CharField(
        read_only=True,
        help_text="Of what is withdrawn: the payer's, which need not be the bank's.",
    )
    needs_answer = serializers.BooleanField(
        read_only=True, help_text="Whether somebody must answer at Stripe."
    )

    class Meta:
        model = Dispute
        fields = (
            "id",
            "payment",
            "invoice",
            "amount",
            "withdrawn",
            "withdrawn_currency",
            "currency",
            "status",
            "needs_answer",
            "reason",
            "due_by",
            "is_refundable",
            "stripe_id",
            "stripe_url",
            "opened_at",
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


class NewRefundSerializer(serializers.Serializer[Refund]):
    payment = serializers.UUIDField(help_text="The id of the payment.")
    amount = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="Minor units; left out, all that is left.",
    )
    reason = serializers.CharField(
        required=False, max_length=250, default="", allow_blank=True
    )
