"""What is measured: what people and programs ask of the books, and what they write."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import Business, User
from benchmarks.scale import held_against
from billing.models import Payment
from invoices.models import Customer, Invoice, InvoiceLine, TaxRate
from invoices.services import drafting, finalizing, receiving
from invoices.states import InvoiceStatus

LIST: Final = "/admin/invoices/invoice/"
PAYMENTS: Final = "/admin/billing/payment/"
API: Final = "/api/v1/invoices/"
API_PAYMENTS: Final = "/api/v1/payments/"
PAGE: Final = 10
# Pages that are not the first, where there are so many.
FAR: Final = 40
DEEP: Final = 10_000
# As many invoices are on a page of the back office.
SHOWN: Final = 50


class Reader:
    """The owner of the books, in the back office and over the API."""

    def __init__(self) -> None:
        self.owner = User.objects.get()
        self.business = Business.objects.get()
        self.desk = Client()
        self.desk.force_login(self.owner)
        self.api = APIClient()
        self.api.force_authenticate(self.owner)
        # Without this header a request is nobody's from the start.
        self.api.credentials(HTTP_AUTHORIZATION="Token of-a-benchmark")

    def page(self, address: str, **asked: str) -> bytes:
        return _well(self.desk.get(address, asked))

    def list(self, address: str = API, **asked: str) -> bytes:
        return _well(self.api.get(address, asked))

    @cached_property
    def customer(self) -> Customer:
        """One of many, with about as many invoices as any."""
        return Customer.objects.order_by("pk")[1]

    @cached_property
    def paid(self) -> Invoice:
        paid = Invoice.objects.filter(status=InvoiceStatus.PAID)
        return paid.order_by("-pk")[5]

    @cached_property
    def by_card(self) -> Payment:
        return Payment.objects.select_related("invoice").order_by("-pk")[5]

    @cached_property
    def far_page(self) -> int:
        return min(FAR, Invoice.objects.count() // SHOWN)

    @cached_property
    def far(self) -> str:
        """The cursor of a page far behind the first."""
        newest = Invoice.objects.order_by("-pk").values_list("pk", flat=True)[0]
        before = max(newest - DEEP * PAGE, newest // 2)
        return base64.b64encode(f"p={before}".encode()).decode()

    @cached_property
    def statement(self) -> str:
        shown = self.page(
            reverse("admin:invoices_customer_change", args=[self.customer.pk])
        ).decode()
        found = re.search(r'href="([^"]*/statement[^"]*)"', shown)
        return found[1] if found else ""

    def draft(self) -> Invoice:
        rate = TaxRate.objects.order_by("pk")[0]
        lines = [
            InvoiceLine(
                description="Work", unit_price=Decimal(100 + line), tax_rate=rate
            )
            for line in range(3)
        ]
        return drafting.create_draft(
            business=self.business,
            customer=self.customer,
            fields={},
            lines=lines,
            actor=self.owner,
            now=datetime.now(UTC),
        )

    def finalized(self) -> Invoice:
        return self.finalize(self.draft())

    def finalize(self, draft: Invoice) -> Invoice:
        return finalizing.finalize_invoice(
            invoice=draft, actor=self.owner, now=datetime.now(UTC)
        )

    def pay(self, invoice: Invoice) -> object:
        now = datetime.now(UTC)
        return receiving.record_payment(
            invoice=invoice,
            fields={
                "amount": invoice.payable,
                "received_on": self.business.today(now),
            },
            actor=self.owner,
            now=now,
        )


def _well(response: Any) -> bytes:
    if response.status_code != 200:
        said = response.content[:500].decode()
        raise RuntimeError(
            f"{response.status_code} for a page that is measured: {said}"
        )
    content: bytes = response.content
    return content


@dataclass(frozen=True)
class Act:
    """What is measured once `prepare` has made what it needs."""

    words: str
    do: Callable[[Reader, Any], object]
    prepare: Callable[[Reader], object] = lambda reader: None


def _page(words: str, address: str, **asked: str) -> Act:
    return Act(words, lambda reader, _: reader.page(address, **asked))


def _years() -> dict[str, str]:
    today = datetime.now(UTC).date()
    start = today - timedelta(days=365)
    return {"currency": "EUR", "start": str(start), "end": str(today)}


def _months() -> dict[str, str]:
    end = datetime.now(UTC) - timedelta(days=3 * 365)
    return {
        "issued_after": str((end - timedelta(days=90)).date()),
        "issued_before": str(end.date()),
    }


ACTS: Final[Mapping[str, Act]] = {
    "dashboard": _page("front page, with its figures and chart", "/admin/"),
    "list": _page("back office, list of invoices", LIST),
    "list_page": Act(
        f"its page {FAR}, or its last",
        lambda reader, _: reader.page(LIST, p=str(reader.far_page)),
    ),
    "due": _page("what is due", LIST, due="open"),
    "overdue": _page("what is overdue", LIST, due="overdue"),
    "paid": _page("what was paid this week", LIST, due="paid_this_week"),
    "drafts": _page("drafts", LIST, status__exact="draft"),
    "currency": _page("in one currency", LIST, currency="EUR"),
    "by_number": Act(
        "search for a number",
        lambda reader, _: reader.page(LIST, q=str(reader.paid.number)),
    ),
    "by_customer": Act(
        "search for a customer",
        lambda reader, _: reader.page(LIST, q=reader.customer.name),
    ),
    "of_customer": Act(
        "of one customer",
        lambda reader, _: reader.page(
            LIST, customer__id__exact=str(reader.customer.pk)
        ),
    ),
    "invoice": Act(
        "an invoice",
        lambda reader, _: reader.page(f"{LIST}{reader.paid.pk}/change/"),
    ),
    "payments": _page("back office, list of payments", PAYMENTS),
    "payments_of": Act(
        "its search, for an invoice",
        lambda reader, _: reader.page(PAYMENTS, q=str(reader.by_card.invoice.number)),
    ),
    "payment_by_intent": Act(
        "its search, for what Stripe calls it",
        lambda reader, _: reader.page(PAYMENTS, q=reader.by_card.payment_intent),
    ),
    "payment": Act(
        "a payment",
        lambda reader, _: reader.page(f"{PAYMENTS}{reader.by_card.pk}/change/"),
    ),
    "held": _page("money to decide on", "/admin/billing/heldpayment/"),
    "customers": _page("list of customers", "/admin/invoices/customer/"),
    "customer": Act(
        "a customer",
        lambda reader, _: reader.page(
            reverse("admin:invoices_customer_change", args=[reader.customer.pk])
        ),
    ),
    "statement": Act(
        "its statement of account",
        lambda reader, _: reader.page(reader.statement, **_years()),
    ),
    "api": Act("API, first page", lambda reader, _: reader.list()),
    "api_deep": Act(
        "API, page 10,000, or the middle",
        lambda reader, _: reader.list(cursor=reader.far),
    ),
    "api_open": Act("API, open", lambda reader, _: reader.list(status="open")),
    "api_overdue": Act("API, overdue", lambda reader, _: reader.list(overdue="true")),
    "api_customer": Act(
        "API, of one customer",
        lambda reader, _: reader.list(customer=str(reader.customer.public_id)),
    ),
    "api_number": Act(
        "API, by number", lambda reader, _: reader.list(number=str(reader.paid.number))
    ),
    "api_months": Act(
        "API, of three months", lambda reader, _: reader.list(**_months())
    ),
    "api_currency": Act(
        "API, in one currency", lambda reader, _: reader.list(currency="CHF")
    ),
    "api_payments": Act("API, payments", lambda reader, _: reader.list(API_PAYMENTS)),
    "api_undecided": Act(
        "API, payments to decide on",
        lambda reader, _: reader.list(API_PAYMENTS, undecided="true"),
    ),
    "reconcile": Act(
        "reconciliation: a page of Stripe's, and what waits here",
        lambda reader, facts: held_against.reconcile(facts),
        lambda reader: held_against.newest(),
    ),
    "finalize": Act("finalize a draft of three lines", Reader.finalize, Reader.draft),
    "pay": Act("record a payment", Reader.pay, Reader.finalized),
}
