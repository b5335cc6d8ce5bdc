"""Money that arrived, the desk for what does not fit, and the buttons that decide."""

from collections.abc import Collection, Iterator
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from unfold.dataclasses import UnfoldAction
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin.base import button, label
from accounts.admin.days import DaysFilter
from accounts.http import may, person
from accounts.roles import Permission
from billing.admin.tables import figures
from billing.forms import PayForm
from billing.models import HeldPayment, Payment
from billing.selectors import had_twice
from billing.services import desk, refunding
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
    list_display: ClassVar[Any] = (
        "received_at",
        "invoice",
        "amount_",
        "state",
        "refunded_",
        "problem",
    )
    list_filter: ClassVar[Any] = (
        "status",
        CurrencyFilter,
        ("received_at", DaysFilter),
    )
    list_select_related = ("invoice",)
    search_fields = ("=payment_intent", "=charge", "^invoice__number")
    search_help_text = "Invoice, or an id of Stripe"
    list_filter_submit = True
    ordering = ("-pk",)
    actions_detail = ("refund", "keep")
    fields: ClassVar[Any] = (
        ("invoice", "state"),
        ("amount_", "refunded_"),
        ("problem", "received_at"),
        ("payment_intent", "charge"),
        "fees",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        is_had_twice = obj is not None and had_twice(obj)
        return (*(("what_to_do",) if is_had_twice else ()), *self.fields)

    @admin.display
    def what_to_do(self, payment: Payment) -> str:
        return had_twice(payment)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request).select_related("invoice")
        refunded: QuerySet[Any] = rows.with_refunded()
        return refunded

    def get_object(self, *args: Any, **kwargs: Any) -> Any:
        payment = super().get_object(*args, **kwargs)
        payment.left = Payment.objects.with_left().get(pk=payment.pk).left
        return payment

    @admin.display(description="refunded")
    def refunded_(self, payment: Any) -> str:
        return spoken(payment.refunded or None, payment.currency)

    @admin.display(description="at Stripe")
    def fees(self, payment: Payment) -> SafeString:
        return figures(
            ("", "Moved", "Fee", "Left", "Paid out from"),
            [
                (
                    moved.name,
                    spoken(moved.amount, moved.currency),
                    spoken(moved.fee, moved.currency),
                    spoken(moved.net, moved.currency),
                    date_format(moved.available_on),
                )
                for moved in payment.balance_transactions.order_by("created_at", "pk")
            ],
            none="What Stripe kept is known within the hour.",
        )

    @label("status", {"succeeded": "success", "held": "warning"}, ordering="status")
    def state(self, payment: Payment) -> tuple[str, str]:
        return payment.status, payment.get_status_display()

    def offered(self, request: HttpRequest, obj: Any) -> Collection[str]:
        if obj.left <= 0 or not self.may_write(request, obj):
            return ()
        # The money of a payment that fits is where it belongs.
        return ("refund", "keep") if obj.is_held else ("refund",)

    @button("Refund", "undo", ActionVariant.DANGER)
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment = self.get_writable(request, object_id)
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

    @button("Keep", "account_balance_wallet")
    def keep(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment = self.get_writable(request, object_id)
        left = spoken(payment.left, payment.currency)
        customer = payment.invoice.customer

        def act() -> str:
            desk.keep_held(payment=payment, actor=person(request), now=timezone.now())
            return f"{left} is kept for {customer}."

        return self.ask(
            request,
            payment,
            title="Keep for the customer",
            consequence=(
                f"{left} becomes the balance of {customer}, which can pay invoices in "
                f"{payment.currency}. It cannot be sent back by Stripe any more."
            ),
            act=act,
        )


class DecisionFilter(admin.SimpleListFilter):
    title = "decision"
    parameter_name = "decided"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Decided")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        chosen = super().choices(changelist)
        yield next(chosen) | {"display": "To decide on"}
        yield from chosen

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        decided = self.value() == "yes"
        return queryset.filter(**{"left__lte" if decided else "left__gt": 0})


@admin.register(HeldPayment)
class HeldPaymentAdmin(PaymentAdmin):
    """The desk: money that fits no invoice, until somebody says what becomes of it."""

    list_display = ("left_", "problem", "invoice", "customer", "received_at")
    list_filter = (DecisionFilter, "problem", CurrencyFilter)
    list_select_related = ("invoice__customer",)
    actions_row = actions_detail = ("refund", "keep")
    fields = (
        ("invoice", "customer"),
        ("amount_", "left_"),
        ("problem", "received_at"),
        ("payment_intent", "charge"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        held = super().get_queryset(request).filter(status=Payment.Status.HELD)
        rows: Any = held.select_related("invoice__customer")
        left: QuerySet[Any] = rows.with_left()
        return left

    def get_actions_row(self, request: HttpRequest) -> list[UnfoldAction]:
        shown: list[UnfoldAction] = super().get_actions_row(request)
        return shown if may(request, Permission.WRITE_BOOKS) else []

    @admin.display(ordering="invoice__customer__name")
    def customer(self, payment: Payment) -> str:
        return str(payment.invoice.customer)

    @admin.display(description="left")
    def left_(self, payment: Any) -> str:
        return spoken(payment.left, payment.currency)
