from contextlib import suppress
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.languages import LANGUAGES
from invoices import selectors
from invoices.api.serializers.lines import AdjustmentSerializer, LineSerializer
from invoices.api.serializers.payments import ManualPaymentSerializer
from invoices.api.serializers.taxes import TaxTotalSerializer
from invoices.exceptions import AmountOutOfRange
from invoices.models import Invoice

_TOTALS: Final = {
    "subtotal": "The sum of the lines; with tax where prices include it.",
    "discount": "Taken off the subtotal; with tax where prices include it.",
    "net": "What tax is worked out on.",
    "tax": "Of all rates.",
    "total": "Net and tax.",
    "prepaid": "Paid before, outside these books.",
    "rounding": "What rounding for cash adds, or takes off.",
    "payable": "The total, without what was prepaid, rounded for cash.",
}
_WORKED_OUT: Final = {
    name: {"help_text": f"Minor units. {meaning}"} for name, meaning in _TOTALS.items()
}
_FROZEN: Final = "Name and addresses as they were when it was finalized; null before."


@extend_schema_field({"type": ["object", "null"], "additionalProperties": True})
class PartyField(serializers.JSONField):
    """Who issued an invoice, or who owes it."""


class InvoiceSerializer(serializers.ModelSerializer[Invoice]):
    """
    An invoice in a list; amounts in minor units of `currency`.

    Those of a draft are worked out as it stands; null where they are out of range.
    """

    # Rows come from `Invoice.objects.with_amounts()` with drafts' lines prefetched; `now`
    # is in context.

    id = serializers.UUIDField(source="public_id", read_only=True)
    business = serializers.UUIDField(source="business.public_id", read_only=True)
    customer = serializers.UUIDField(source="customer.public_id", read_only=True)
    customer_name = serializers.SerializerMethodField()
    is_overdue = serializers.SerializerMethodField()
    paid = serializers.IntegerField(
        read_only=True, help_text="By card, transfer, cash or balance; minor units."
    )
    credited = serializers.IntegerField(
        read_only=True, help_text="Taken off the due by credit notes."
    )
    refunded = serializers.IntegerField(
        read_only=True,
        help_text="Given back: by card, as balance, otherwise. It is not due again; "
        "minor units.",
    )
    disputed = serializers.IntegerField(
        read_only=True, help_text="Withdrawn by payers' banks. It is not due again."
    )
    held = serializers.IntegerField(
        read_only=True, help_text="Arrived, and waits for a decision."
    )
    due = serializers.IntegerField(
        read_only=True, help_text="What is left to pay, in minor units."
    )
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
        extra_kwargs: dict[str, dict[str, Any]] = _WORKED_OUT

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
    seller = PartyField(read_only=True, help_text=_FROZEN)
    buyer = PartyField(read_only=True, help_text=_FROZEN)
    language = serializers.ChoiceField(
        choices=[("", "The customer's"), *LANGUAGES], read_only=True
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
            **_WORKED_OUT,
            "discount_percent": {"normalize_output": True},
            "discount_amount": {"normalize_output": True},
            "prepaid_amount": {"normalize_output": True},
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
