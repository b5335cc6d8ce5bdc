"""The books, to look at: services write them."""

from typing import Any

from django.contrib import admin

from accounts.admin.base import BackOfficeAdmin, label
from invoices.admin.filters import CurrencyFilter
from invoices.admin.records import spoken
from invoices.models import Document, LedgerEntry, Series

KIND_COLORS = {
    LedgerEntry.Kind.PAYMENT.value: "success",
    LedgerEntry.Kind.HELD.value: "warning",
    LedgerEntry.Kind.REFUND.value: "info",
    LedgerEntry.Kind.REFUND_FAILED.value: "danger",
}


class LookOnly(BackOfficeAdmin):
    to_add = to_change = None


class MoneyAdmin(LookOnly):
    """Rows with an amount and its currency."""

    @admin.display(description="amount", ordering="amount")
    def amount_(self, row: Any) -> str:
        return spoken(row.amount, row.currency)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(MoneyAdmin):
    business_path = "invoice__business"
    list_display = ("occurred_at", "invoice", "kind_", "amount_", "source")
    list_filter = ("kind", CurrencyFilter)
    list_select_related = ("invoice",)
    search_fields = ("=source", "^invoice__number")
    ordering = ("-pk",)
    fields = (
        ("invoice", "kind_"),
        ("amount_", "source"),
        ("occurred_at", "created_at"),
    )

    @label("kind", KIND_COLORS, ordering="kind")
    def kind_(self, entry: LedgerEntry) -> tuple[str, str]:
        return entry.kind, entry.get_kind_display()


@admin.register(Series)
class SeriesAdmin(LookOnly):
    list_display = ("kind", "prefix", "pattern", "resets_yearly", "business")
    list_filter = ("kind",)
    list_select_related = ("business",)
    ordering = ("pk",)
    fields = ("business", "kind", "prefix", "pattern", "resets_yearly")


@admin.register(Document)
class DocumentAdmin(LookOnly):
    business_path = "invoice__business"
    list_display = ("invoice", "size", "sha256", "created_at")
    list_select_related = ("invoice",)
    list_filter = ("created_at",)
    search_fields = ("^invoice__number", "=sha256")
    ordering = ("-pk",)
    fields = ("invoice", "size", "sha256", "created_at")
