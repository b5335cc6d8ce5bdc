"""Money that goes back."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

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
    list_display = ("requested_at", "of_invoice", "amount_", "state", "reason")
    list_filter = ("status", CurrencyFilter)
    list_select_related = ("payment__invoice",)
    search_fields = (
        *("=stripe_id", "=payment__payment_intent"),
        "^payment__invoice__number",
    )
    search_help_text = "Invoice, or an id of Stripe"
    ordering = ("-pk",)
    fields = (
        "of_invoice",
        ("payment", "state"),
        ("amount_", "reason"),
        ("requested_at", "sent_at"),
        ("stripe_id", "tries"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("payment__invoice")

    @admin.display(description="invoice", ordering="payment__invoice__number")
    def of_invoice(self, refund: Refund) -> SafeString:
        invoice = refund.payment.invoice
        url = reverse("admin:invoices_invoice_change", args=[invoice.pk])
        return format_html('<a class="text-link" href="{}">{}</a>', url, invoice)

    @label("status", REFUND_COLORS, ordering="status")
    def state(self, refund: Refund) -> tuple[str, str]:
        return refund.status, refund.get_status_display()
