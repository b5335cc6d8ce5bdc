"""Money that arrived, and the button that sends it back."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.dataclasses import UnfoldAction
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin.base import button, label
from accounts.http import may, person
from accounts.roles import Permission
from billing.forms import PayForm
from billing.models import Payment
from billing.services import refunding
from invoices.admin.filters import CurrencyFilter
from invoices.admin.ledger import MoneyAdmin
from invoices.admin.records import spoken


class RefundForm(PayForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        amount = self.fields["amount"]
        amount.help_text = "Left empty, all that is left of the payment."
        amount.widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
        self.fields["reason"] = forms.CharField(
            max_length=250,
            required=False,
            widget=UnfoldAdminTextInputWidget(),
            help_text="For yourself.",
        )


@admin.register(Payment)
class PaymentAdmin(MoneyAdmin):
    business_path = "invoice__business"
    list_display = (
        "received_at",
        "invoice",
        "amount_",
        "state",
        "refunded_",
        "problem",
    )
    list_filter = ("status", CurrencyFilter)
    list_select_related = ("invoice",)
    search_fields = ("=payment_intent", "=charge", "^invoice__number")
    date_hierarchy = "received_at"
    ordering = ("-pk",)
    actions_detail = ("refund",)
    fields = (
        ("invoice", "state"),
        ("amount_", "refunded_"),
        ("problem", "received_at"),
        ("payment_intent", "charge"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request).select_related("invoice")
        refunded: QuerySet[Any] = rows.with_refunded()
        return refunded

    @admin.display(description="refunded")
    def refunded_(self, payment: Any) -> str:
        return spoken(payment.refunded or None, payment.currency)

    @label("status", {"succeeded": "success", "held": "warning"}, ordering="status")
    def state(self, payment: Payment) -> tuple[str, str]:
        return payment.status, payment.get_status_display()

    def get_actions_detail(
        self, request: HttpRequest, object_id: int | str
    ) -> list[UnfoldAction]:
        payment = self.get_object(request, str(object_id))
        buttons: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        return buttons if self._may_refund(request, payment) else []

    def _may_refund(self, request: HttpRequest, payment: Any) -> bool:
        is_left = payment.refunded < payment.amount
        return is_left and may(
            request, Permission.WRITE_BOOKS, payment.invoice.business_id
        )

    @button("Refund", "undo", ActionVariant.DANGER)
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment = self.get_object(request, object_id)
        if not may(request, Permission.WRITE_BOOKS, payment.invoice.business_id):
            raise PermissionDenied
        form = RefundForm(request.POST or None, currency=payment.currency)

        def act() -> str:
            refund = refunding.request_refund(
                payment=payment,
                amount=form.cleaned_data["amount"],
                reason=form.cleaned_data["reason"],
                actor=person(request),
                now=timezone.now(),
            )
            return f"{spoken(refund.amount, refund.currency)} goes back to the payer."

        paid = spoken(payment.amount, payment.currency)
        back = spoken(payment.refunded, payment.currency)
        return self.ask(
            request,
            payment,
            title="Refund",
            consequence=(
                f"{paid} was paid, of which {back} went back already. What you write "
                "here goes back to the payer by Stripe. What the payment settled stays "
                "settled: a refund opens no debt."
            ),
            form=form,
            act=act,
        )
