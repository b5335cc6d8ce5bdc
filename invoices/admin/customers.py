"""Customers: who is invoiced, what they owe, and what they have to their credit."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import TextField
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import StackedInline

from accounts import tax_ids
from accounts.admin.base import OfBusiness, button, show_refusal
from accounts.exceptions import Refusal
from accounts.http import may, person
from accounts.roles import Permission
from invoices import selectors, statements
from invoices.admin.filters import CountryFilter
from invoices.admin.history import timeline
from invoices.admin.records import RecordAdmin, chosen_business, spoken, typed
from invoices.forms import PeriodForm
from invoices.models import Contact, Customer, Delivery
from invoices.services import contacts, customers, delivering, sending

# Of invoices on a customer's page; the list has all.
NEWEST = 8


class ContactInline(OfBusiness, StackedInline):
    model = Contact
    business_path = "customer__business"
    to_delete = Permission.WRITE_BOOKS
    extra = 0
    ordering = ("pk",)
    fields = (
        ("name", "email", "phone"),
        ("gets_invoices", "gets_reminders", "gets_statements"),
    )

    def _may(self, request: HttpRequest, permission: Any, obj: Any) -> bool:
        # Django asks an inline about the row it is on: the customer.
        business_id = None if obj is None else obj.business_id
        return permission is not None and may(request, permission, business_id)


@admin.register(Customer)
class CustomerAdmin(RecordAdmin):
    list_display = ("name", "email", "country", "tax_id_", "invoices")
    list_filter = (CountryFilter,)
    search_fields = ("name", "email", "tax_id")
    search_help_text = "Name, email or tax id"
    ordering = ("name", "pk")
    inlines = (ContactInline,)
    fields = (
        ("name", "email"),
        ("address", "shipping_address"),
        ("country", "tax_id"),
        ("language", "paper"),
        ("currency", "payment_terms_days"),
        "notes",
    )
    change_form_template = "admin/invoices/customer.html"
    actions_detail = ("statement", "send_statement")

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(db_field, TextField):
            field.widget.attrs["rows"] = 3
        return field

    @admin.display
    def invoices(self, customer: Customer) -> SafeString:
        url = reverse("admin:invoices_invoice_changelist")
        return format_html(
            '<a class="text-link" href="{}?customer__id__exact={}">Invoices</a>',
            url,
            customer.pk,
        )

    @admin.display(description="tax id", ordering="tax_id")
    def tax_id_(self, customer: Customer) -> str:
        return tax_ids.shown(customer.tax_id, customer.country)

    def save_model(
        self, request: HttpRequest, obj: Customer, form: Any, change: bool
    ) -> None:
        said = typed(request, form, customers.FIELDS)
        if change:
            customers.update_customer(customer=obj, **said)
        else:
            business = chosen_business(request, form)
            obj.pk = customers.create_customer(business=business, **said).pk

    def save_formset(
        self, request: HttpRequest, form: Any, formset: Any, change: bool
    ) -> None:
        formset.save(commit=False)
        for contact in formset.deleted_objects:
            contacts.delete_contact(
                contact=contact, actor=person(request), now=timezone.now()
            )
        for each in formset.forms:
            if each.has_changed() and each not in formset.deleted_forms:
                self._write_contact(
                    form.instance, each.instance, typed(request, each, contacts.FIELDS)
                )

    def _write_contact(
        self, customer: Customer, contact: Contact, said: dict[str, Any]
    ) -> None:
        if contact.pk:
            contacts.update_contact(contact=contact, **said)
        else:
            contacts.create_contact(customer=customer, **said)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        customer = context["original"]
        if customer is not None:
            context["balances"] = [
                spoken(amount, currency)
                for currency, amount in selectors.balances(customer).items()
            ]
            context["newest"] = [
                {
                    "text": str(row),
                    "state": row.get_status_display(),
                    "due": spoken(row.due, row.currency) if row.due else "",
                    "url": reverse("admin:invoices_invoice_change", args=[row.pk]),
                }
                for row in customer.invoices.with_amounts().order_by("-pk")[:NEWEST]
            ]
            context["timeline"] = timeline(customer)
        response: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return response

    def offered(self, request: HttpRequest, obj: Customer) -> Collection[str]:
        may_send = self.may_write(request, obj)
        return {"statement", "send_statement"} if may_send else {"statement"}

    @button("Statement", "receipt_long")
    def statement(self, request: HttpRequest, object_id: str) -> HttpResponse:
        customer = self.get_object(request, object_id)
        form = self._period(request.GET, customer)
        shown = None
        if form.is_valid():
            try:
                shown = _told(statements.statement_of(customer, **form.cleaned_data))
            except Refusal as error:
                show_refusal(form, error)
        context = {
            **self.admin_site.each_context(request),
            "title": "Statement",
            "opts": self.model._meta,
            "object": customer,
            "form": form,
            "statement": shown,
            "back": self.page_of(customer.pk),
        }
        return TemplateResponse(request, "admin/invoices/statement.html", context)

    @button("Send a statement", "send")
    def send_statement(self, request: HttpRequest, object_id: str) -> HttpResponse:
        customer = self.get_writable(request, object_id)
        form = self._period(request.POST, customer)

        def act() -> str:
            mail = sending.send_statement(
                customer=customer,
                **form.cleaned_data,
                actor=person(request),
                now=timezone.now(),
            )
            return f"A statement goes to {', '.join(mail.to)}."

        to = ", ".join(delivering.recipients(customer, Delivery.Kind.STATEMENT))
        return self.ask(
            request,
            customer,
            title="Send a statement",
            consequence=(
                f"{to} gets a statement of account as a PDF: what was charged and paid "
                "in the period, and what is owed at its end."
            ),
            act=act,
            form=form,
        )

    def _period(self, typed: Any, customer: Customer) -> PeriodForm:
        day = customer.business.today(timezone.now())
        codes = statements.currencies(customer) or [customer.business.currency]
        return PeriodForm(typed or None, day=day, currencies=codes)

    def delete_model(self, request: HttpRequest, obj: Customer) -> None:
        customers.delete_customer(
            customer=obj, actor=person(request), now=timezone.now()
        )


@dataclass(frozen=True, slots=True)
class ToldRow:
    """A row of a statement, its amounts as people write them."""

    day: date
    document: str
    charge: str
    payment: str
    balance: str


def _told(statement: statements.Statement) -> dict[str, Any]:
    code = statement.currency
    return {
        "opening": spoken(statement.opening, code),
        "closing": spoken(statement.closing, code),
        "rows": [
            ToldRow(
                row.day,
                row.document,
                spoken(row.charge, code) if row.charge else "",
                spoken(row.payment, code) if row.payment else "",
                spoken(row.balance, code),
            )
            for row in statement.rows
        ],
    }
