"""Customers, tax rates and invoices as JSON. Rows are known by their `public_id`."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
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
    InvoiceLine,
    TaxCategory,
    TaxRate,
)

NO_RATE = "This field is required."
NO_SUCH_RATE = "There is no such tax rate."


# A row stays with the business that it was made for.
class OfBusinessSerializer[M: (Customer, TaxRate)](serializers.ModelSerializer[M]):
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
        fields = (
            "id",
            "business",
            "name",
            "email",
            "address",
            "country",
            "tax_id",
            "notes",
            "created_at",
            "updated_at",
        )


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

    class Meta:
        model = InvoiceLine
        fields = (
            "description",
            "quantity",
            "unit_price",
            "discount_percent",
            "discount_amount",
            "tax_rate",
            "tax_name",
            "net",
        )
        read_only_fields = ("tax_name",)
        extra_kwargs = {
            name: {"normalize_output": True}
            for name in (
                "quantity",
                "unit_price",
                "discount_percent",
                "discount_amount",
            )
        }


class DraftSerializer(serializers.ModelSerializer[Invoice]):
    """What an owner writes. `lines` comes out as unsaved rows, or is left out."""

    customer = CustomerField()
    lines = LineSerializer(many=True, default=list)

    class Meta:
        model = Invoice
        fields = (
            "customer",
            "currency",
            "issue_date",
            "due_date",
            "reference",
            "notes",
            "discount_percent",
            "discount_amount",
            "tax_rounding",
            "lines",
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
        }

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[InvoiceLine]:
        if len(lines) > MAX_LINES:
            raise serializers.ValidationError(
                f"An invoice has at most {MAX_LINES} lines."
            )
        # In a PATCH nothing is required, and yet a line is replaced as a whole.
        wanted = [line.get("tax_rate", {}).get("public_id") for line in lines]
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
            InvoiceLine(**line | {"tax_rate": rates[rate]})
            for line, rate in zip(lines, wanted, strict=True)
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


class PreviewSerializer(serializers.Serializer[Any]):
    """What a draft would come to; amounts in minor units of `currency`."""

    currency = serializers.CharField()
    line_nets = serializers.ListField(child=serializers.IntegerField())
    subtotal = serializers.IntegerField()
    discount = serializers.IntegerField()
    net = serializers.IntegerField()
    taxes = TaxTotalSerializer(many=True)
    tax = serializers.IntegerField()
    total = serializers.IntegerField()


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
    refunded = serializers.IntegerField(read_only=True)
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
            "subtotal",
            "discount",
            "net",
            "tax",
            "total",
            "paid",
            "refunded",
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
                self._estimate(shown, selectors.estimate(invoice, lines))
        return shown

    def get_customer_name(self, invoice: Invoice) -> str:
        name: str = (invoice.buyer or {}).get("name", invoice.customer.name)
        return name

    def get_is_overdue(self, invoice: Invoice) -> bool:
        return invoice.is_overdue(invoice.business.today(self.context["now"]))

    def get_link(self, invoice: Invoice) -> str | None:
        return None if invoice.is_draft else selectors.customer_link(invoice)

    def _estimate(self, shown: dict[str, Any], estimate: selectors.Estimate) -> None:
        for name in ("subtotal", "discount", "net", "tax", "total"):
            shown[name] = getattr(estimate, name)


class InvoiceDetailSerializer(InvoiceSerializer):
    """An invoice with its lines and taxes."""

    lines = LineSerializer(many=True, read_only=True)
    taxes = TaxTotalSerializer(many=True, read_only=True)

    class Meta(InvoiceSerializer.Meta):
        fields = (
            *InvoiceSerializer.Meta.fields,
            "notes",
            "discount_percent",
            "discount_amount",
            "tax_rounding",
            "seller",
            "buyer",
            "lines",
            "taxes",
        )
        read_only_fields = fields
        extra_kwargs = {
            name: {"normalize_output": True}
            for name in ("discount_percent", "discount_amount")
        }

    def _estimate(self, shown: dict[str, Any], estimate: selectors.Estimate) -> None:
        super()._estimate(shown, estimate)
        shown["taxes"] = TaxTotalSerializer(estimate.taxes, many=True).data
        for line, net in zip(shown["lines"], estimate.line_nets, strict=True):
            line["net"] = net
