from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import NO_SUCH_ROW
from invoices import selectors
from invoices.api.serializers.of_business import OfBusinessSerializer
from invoices.models import Customer


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


@extend_schema_field(serializers.UUIDField())
class CustomerField(serializers.SlugRelatedField[Customer]):
    """The id of a customer whose invoices the reader may see."""

    default_error_messages = NO_SUCH_ROW

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
