"""Rows that a request names by their id."""

from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import NO_SUCH_ROW
from invoices.models import Invoice


@extend_schema_field(serializers.UUIDField())
class InvoiceField(serializers.SlugRelatedField[Invoice]):
    """The id of an invoice that the reader may see."""

    default_error_messages = NO_SUCH_ROW

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            slug_field="public_id", queryset=Invoice.objects.none(), **kwargs
        )

    def get_queryset(self) -> Any:
        user = self.context["request"].user
        return Invoice.objects.for_user(user).select_related("business")

    def to_internal_value(self, data: Any) -> Invoice:
        try:
            return super().to_internal_value(data)
        except ValidationError:
            # No UUID at all.
            self.fail("invalid")
