"""Payments that a bank takes back or asks about: what to do, and until when."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from unfold.enums import ActionVariant

from accounts.admin.base import button, label
from billing.models import Dispute, Payment
from billing.selectors import had_twice
from billing.states import INQUIRY, NEEDS_ANSWER, DisputeStatus
from invoices.admin.filters import CurrencyFilter
from invoices.admin.history import timeline
from invoices.admin.ledger import MoneyAdmin
from invoices.admin.records import spoken
from invoices.admin.totals import TotalsRow

COLORS = {
    **dict.fromkeys(INQUIRY, "info"),
    **dict.fromkeys(NEEDS_ANSWER, "warning"),
    DisputeStatus.UNDER_REVIEW: "info",
    DisputeStatus.APPEAL_UNDER_REVIEW: "info",
    DisputeStatus.WON: "success",
    DisputeStatus.LOST: "danger",
}


@admin.register(Dispute)
class DisputeAdmin(MoneyAdmin):
    business_path = "payment__invoice__business"
    invoice_path = "payment__invoice"
    list_display = ("opened_at", "of_invoice", "amount_", "state", "answer_by", "why")
    list_filter = ("status", CurrencyFilter)
    list_select_related = ("payment__invoice__business",)
    search_fields = (
        *("=stripe_id", "=payment__payment_intent", "=payment__charge"),
        "^payment__invoice__number",
    )
    search_help_text = "Invoice, or an id of Stripe"
    ordering = ("-pk",)
    change_form_template = "admin/invoices/frozen.html"
    actions_detail = ("at_stripe",)
    fields = (
        "what_to_do",
        ("state", "answer_by"),
        ("of_invoice", "payment"),
        ("amount_", "why"),
        ("opened_at", "stripe_id"),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super().get_queryset(request).select_related("payment__invoice__business")
        )

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        dispute = context["original"]
        context["totals"] = _moved(dispute)
        context["timeline"] = timeline(dispute)
        response: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return response

    @label("status", COLORS, ordering="status")
    def state(self, dispute: Dispute) -> tuple[str, str]:
        return dispute.status, dispute.get_status_display()

    @admin.display(ordering="due_by")
    def answer_by(self, dispute: Dispute) -> str:
        if not dispute.needs_answer or dispute.due_by is None:
            return "-"
        zone = ZoneInfo(dispute.payment.invoice.business.time_zone)
        there = dispute.due_by.astimezone(zone)
        return f"{date_format(there, 'DATETIME_FORMAT')} {there:%Z}"

    @admin.display
    def what_to_do(self, dispute: Dispute) -> str:
        if dispute.needs_answer and dispute.due_by is None:
            return "The bank hears no answer to this one: there is nothing to do."
        return f"{dispute.advice} {had_twice(dispute.payment)}".strip()

    @admin.display(ordering="reason")
    def why(self, dispute: Dispute) -> str:
        return dispute.why

    @admin.display(description="invoice", ordering="payment__invoice__number")
    def of_invoice(self, dispute: Dispute) -> str:
        invoice = dispute.payment.invoice
        url = reverse("admin:invoices_invoice_change", args=[invoice.pk])
        return format_html('<a class="text-link" href="{}">{}</a>', url, invoice)

    @button("See it at Stripe", "open_in_new", ActionVariant.PRIMARY)
    def at_stripe(self, request: HttpRequest, object_id: str) -> HttpResponse:
        dispute: Dispute = self.get_object(request, object_id)
        return redirect(dispute.stripe_url)


def _moved(dispute: Dispute) -> list[TotalsRow]:
    """
    From what was paid to what of it is still here. The rows add up, unless the bank moved
    another currency than was paid.
    """
    movements = list(dispute.movements.order_by("pk"))
    payment = dispute.payment
    moved = [
        TotalsRow(
            "Withdrawn" if each.amount < 0 else "Given back",
            spoken(each.amount, each.currency),
        )
        for each in movements
    ]
    paid = TotalsRow("Paid", spoken(payment.amount, payment.currency))
    if any(each.currency != payment.currency for each in movements):
        return [paid, *moved]
    left = Payment.objects.with_left().get(pk=payment.pk).left
    elsewhere = left - payment.amount - sum(each.amount for each in movements)
    between = (
        [TotalsRow("Refunded or kept otherwise", spoken(elsewhere, payment.currency))]
        if elsewhere
        else []
    )
    end = TotalsRow("Left of it", spoken(left, payment.currency), is_strong=True)
    return [paid, *between, *moved, end]
