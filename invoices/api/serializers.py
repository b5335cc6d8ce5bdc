"""Customers, tax rates and invoices as JSON. Rows are known by their `public_id`."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import OwnBusinessField
from accounts.models import Business
from accounts.roles import Permission
from invoices import selectors
from invoices.exceptions import AmountOutOfRange
from invoices.models import (
    MAX_LINES,
    Customer,
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    ManualPayment,
    ReminderStep,
    TaxCategory,
    TaxRate,
)

NO_RATE = "This field is required."
NO_SUCH_RATE = "There is no such tax rate."


# A row stays with the business that it was made for.
class OfBusinessSerializer[M: (Customer, ReminderStep, TaxRate)](
    serializers.ModelSerializer[M]
):
    business = OwnBusinessField(
        required=False, help_text="Needed when you write the books of several."
    )

    def validate_business(self, business: Business) -> Business:
        if self.instance and business != self.instance.business:
            raise serializers.ValidationError("This cannot be changed.")
        return business


class CustomerSerializer(OfBusinessSerializer[Customer]):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Customer
        fields: tuple[str, ...] = (
            "id",
            "business",
            "name",
            "email",
            "address",
            "country",
            "tax_id",
            "shipping_address",
            "language",
            "paper",
            "currency",
            "payment_terms_days",
            "notes",
            "created_at",
            "updated_at",
        )


class CustomerDetailSerializer(CustomerSerializer):
    """A customer with what it has to its credit."""

    balance = serializers.SerializerMethodField(
        help_text="Minor units, by currency; a currency without any is left out."
    )

    class Meta(CustomerSerializer.Meta):
        fields = (*CustomerSerializer.Meta.fields, "balance")

    def get_balance(self, customer: Customer) -> dict[str, int]:
        return selectors.balances(customer)


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


@extend_schema_field(serializers.UUIDField())
class CustomerField(serializers.SlugRelatedField[Customer]):
    """The id of a customer whose invoices the reader may see."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            slug_field="public_id", queryset=Customer.objects.none(), **kwargs
        )

    def get_queryset(self) -> Any:
        user = self.context["request"].user
        return Customer.objects.for_user(user).select_related("business")

    def to_internal_value(self, data: Any) -> Customer:
        try:
            return super().to_internal_value(data)
        except DjangoValidationError:
            # No UUID at all.
            self.fail("invalid")


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


class TaxTotalSerializer(serializers.Serializer[Any]):
    """Tax of one rate; amounts in minor units."""

    name = serializers.CharField()
    category = serializers.ChoiceField(choices=TaxCategory.choices)
    percent = serializers.DecimalField(6, 3, normalize_output=True)
    note = serializers.CharField()
    net = serializers.IntegerField()
    amount = serializers.IntegerField()


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


_AMOUNT: Final = "Minor units; with tax where prices include it."


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


class ExtendSerializer(serializers.Serializer[Invoice]):
    due_date = serializers.DateField(help_text="Later than the one before.")


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
