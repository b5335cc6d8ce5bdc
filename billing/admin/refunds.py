"""Money that goes back."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.base import label
from billing.models import Refund
from billing.states import BACK, LEFT, RefundStatus
from invoices.admin.filters import CurrencyFilter
from invoices.admin.ledger import MoneyAdmin

REFUND_COLORS = {
    **dict.fromkeys(BACK, "danger"),
    **dict.fromkeys(LEFT, "info"),
    RefundStatus.SUCCEEDED: "success",
}


@admin.register(Refund)
class RefundAdmin(MoneyAdmin):
    business_path = "payment__invoice__business"
    invoice_path = "payment__invoice"
    list_display = ("requested_at", "payment", "amount_", "state", "reason")
    list_filter = ("status", CurrencyFilter)
    list_select_related = ("payment",)
    search_fields = (
        *("=stripe_id", "=payment__payment_intent"),
        "^payment__invoice__number",
    )
    search_help_text = "Invoice, or an id of Stripe"
    ordering = ("-pk",)
    fields = (
        ("payment", "state"),
        ("amount_", "reason"),
        ("requested_at", "sent_at"),
        ("stripe_id", "tries"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("payment__invoice")

    @label("status", REFUND_COLORS, ordering="status")
    def state(self, refund: Refund) -> tuple[str, str]:
        return refund.status, refund.get_status_display()
