from contextlib import suppress
from typing import Any, Final

from rest_framework import serializers

from invoices import selectors
from invoices.api.serializers.lines import AdjustmentSerializer, LineSerializer
from invoices.api.serializers.payments import ManualPaymentSerializer
from invoices.api.serializers.taxes import TaxTotalSerializer
from invoices.exceptions import AmountOutOfRange
from invoices.models import Invoice

_TOTALS: Final = (
    "subtotal",
    "discount",
    "net",
    "tax",
    "total",
    "prepaid",
    "rounding",
    "payable",
)


class InvoiceSerializer(serializers.ModelSerializer[Invoice]):
    """
    An invoice in a list; amounts in minor units of `currency`.

    Those of a draft are worked out as it stands. Rows come from
    `Invoice.objects.with_amounts()` with drafts' lines prefetched; `now` is in context.
    """

    id = serializers.UUIDField(source="public_id", read_only=True)
    business = serializers.UUIDField(source="business.public_id", read_only=True)
    customer = serializers.UUIDField(source="customer.public_id", read_only=True)
    customer_name = serializers.SerializerMethodField()
    is_overdue = serializers.SerializerMethodField()
    paid = serializers.IntegerField(read_only=True)
    credited = serializers.IntegerField(
        read_only=True, help_text="Taken off the due by credit notes."
    )
    refunded = serializers.IntegerField(read_only=True)
    disputed = serializers.IntegerField(
        read_only=True, help_text="Withdrawn by payers' banks. It is not due again."
    )
    held = serializers.IntegerField(
        read_only=True, help_text="Arrived, and waits for a decision."
    )
    due = serializers.IntegerField(read_only=True)
    link = serializers.SerializerMethodField(
        help_text="The customer's own, secret page; none for a draft."
    )

    class Meta:
        model = Invoice
        fields: tuple[str, ...] = (
            "id",
            "number",
            "status",
            "is_overdue",
            "business",
            "customer",
            "customer_name",
            "currency",
            "issue_date",
            "due_date",
            "reference",
            *_TOTALS,
            "paid",
            "credited",
            "refunded",
            "disputed",
            "held",
            "due",
            "link",
            "link_expires_at",
            "finalized_at",
            "sent_at",
            "first_opened_at",
            "last_opened_at",
            "paid_at",
            "voided_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def to_representation(self, invoice: Invoice) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(invoice)
        if invoice.is_draft:
            # A rate that was raised since may have left no total that fits the books.
            with suppress(AmountOutOfRange):
                lines = list(invoice.lines.all())
                adjustments = list(invoice.adjustments.all())
                self._estimate(shown, selectors.estimate(invoice, lines, adjustments))
        return shown

    def get_customer_name(self, invoice: Invoice) -> str:
        name: str = (invoice.buyer or {}).get("name", invoice.customer.name)
        return name

    def get_is_overdue(self, invoice: Invoice) -> bool:
        return invoice.is_overdue(invoice.business.today(self.context["now"]))

    def get_link(self, invoice: Invoice) -> str | None:
        return None if invoice.is_draft else selectors.customer_link(invoice)

    def _estimate(self, shown: dict[str, Any], estimate: selectors.Estimate) -> None:
        for name in _TOTALS:
            shown[name] = getattr(estimate.totals, name)


class InvoiceDetailSerializer(InvoiceSerializer):
    """An invoice with its lines, adjustments and taxes, and what came past Stripe."""

    revises = serializers.UUIDField(
        source="revises.public_id", read_only=True, allow_null=True
    )
    revision = serializers.UUIDField(
        source="revision.public_id",
        read_only=True,
        allow_null=True,
        help_text="The invoice that was written in its place.",
    )
    lines = LineSerializer(many=True, read_only=True)
    adjustments = AdjustmentSerializer(many=True, read_only=True)
    taxes = TaxTotalSerializer(many=True, read_only=True)
    manual_payments = ManualPaymentSerializer(many=True, read_only=True)

    class Meta(InvoiceSerializer.Meta):
        fields = (
            *InvoiceSerializer.Meta.fields,
            "revises",
            "revision",
            "notes",
            "discount_percent",
            "discount_amount",
            "tax_rounding",
            "prices_include_tax",
            "prepaid_amount",
            "cash_rounding",
            "language",
            "seller",
            "buyer",
            "lines",
            "adjustments",
            "taxes",
            "manual_payments",
        )
        read_only_fields = fields
        extra_kwargs = {
            name: {"normalize_output": True}
            for name in ("discount_percent", "discount_amount", "prepaid_amount")
        }

    def _estimate(self, shown: dict[str, Any], estimate: selectors.Estimate) -> None:
        super()._estimate(shown, estimate)
        shown["taxes"] = TaxTotalSerializer(estimate.taxes, many=True).data
        totals = estimate.totals
        rows = [*shown["lines"], *shown["adjustments"]]
        nets = totals.line_nets + totals.adjustment_nets
        amounts = totals.line_amounts + totals.adjustment_amounts
        for row, net, amount in zip(rows, nets, amounts, strict=True):
            row["net"] = net
            row["gross"] = amount if shown["prices_include_tax"] else None


class ExtendSerializer(serializers.Serializer[Invoice]):
    due_date = serializers.DateField(help_text="Later than the one before.")
