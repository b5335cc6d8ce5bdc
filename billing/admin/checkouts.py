"""Attempts to pay."""

from django.contrib import admin

from accounts.admin.base import label
from billing.models import Checkout
from billing.states import LIVE, CheckoutStatus
from invoices.admin.filters import CurrencyFilter
from invoices.admin.ledger import MoneyAdmin

CHECKOUT_COLORS = {
    **dict.fromkeys(LIVE, "info"),
    CheckoutStatus.PAID: "success",
    CheckoutStatus.FAILED: "danger",
    CheckoutStatus.REJECTED: "danger",
}


@admin.register(Checkout)
class CheckoutAdmin(MoneyAdmin):
    """Attempts to pay. What was asked of Stripe is shown to nobody: it has addresses."""

    business_path = "invoice__business"
    list_display = ("started_at", "invoice", "amount_", "state", "expires_at")
    list_filter = ("status", CurrencyFilter)
    list_select_related = ("invoice",)
    search_fields = ("=session_id", "^invoice__number")
    search_help_text = "Invoice, or an id of Stripe"
    ordering = ("-pk",)
    fields = (
        ("invoice", "state"),
        ("amount_", "session_id"),
        ("started_at", "expires_at"),
    )

    @label("status", CHECKOUT_COLORS, ordering="status")
    def state(self, checkout: Checkout) -> tuple[str, str]:
        return checkout.status, checkout.get_status_display()
