"""What the tests of billing have in common: a watched Stripe, a payer, and the audit."""

import threading
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from billing.gateway import amounts
from billing.gateway.client import API_VERSION
from billing.models import Checkout, Payment, Refund
from billing.services import paying
from billing.states import LEFT, CheckoutStatus
from invoices.models import Invoice, LedgerEntry
from invoices.services.finalizing import finalize_invoice
from tests.factories import InvoiceLineFactory
from tests.fakes import FakeStripe

SECRET, OLD_SECRET = "whsec_new", "whsec_old"

Object = dict[str, Any]


class WatchedStripe(FakeStripe):
    """A Stripe that fails the test which calls it while a transaction is open."""

    def __init__(self, **options: Any) -> None:
        super().__init__(API_VERSION, **options)
        # Called with method and path when the answer is there, before it is handed over.
        self.meanwhile: Callable[[str, str], None] = lambda method, path: None
        self._thread = threading.get_ident()
        # The transaction that a test may run in is none of ours.
        self._around = len(connection.atomic_blocks)

    def request(self, method: str, url: str, *more: Any, **options: Any) -> Any:
        around = self._around if threading.get_ident() == self._thread else 0
        assert len(connection.atomic_blocks) == around, "Stripe called in a transaction"
        answer = super().request(method, url, *more, **options)
        self.meanwhile(method, url)
        return answer

    @property
    def posts(self) -> list[str]:
        return [request.path for request in self.requests if request.method == "POST"]


def finalized(total: str = "100", currency: str = "EUR", **fields: Any) -> Invoice:
    """An open invoice of one untaxed line."""
    line = InvoiceLineFactory(
        invoice__currency=currency,
        unit_price=Decimal(total),
        tax_rate__percent=Decimal(0),
        tax_rate__category="Z",
        **{f"invoice__{name}": value for name, value in fields.items()},
    )
    invoice = finalize_invoice(invoice=line.invoice, actor=None, now=timezone.now())
    # The PDF is not what these tests are about.
    DBTaskResult.objects.all().delete()
    return invoice


def start(invoice: Invoice, amount: int | None = None) -> Checkout:
    return paying.start_checkout(invoice=invoice, amount=amount, now=timezone.now())


def post_webhook(body: bytes, header: str | None) -> int:
    headers = {} if header is None else {"Stripe-Signature": header}
    response = Client(raise_request_exception=False).post(
        reverse("billing:stripe_webhook"),
        body,
        content_type="application/json",
        headers=headers,
    )
    return response.status_code


def deliver(stripe: FakeStripe, *events: Object, secret: str = SECRET) -> list[int]:
    """The answers that Stripe gets for these events, in this order."""
    return [post_webhook(*stripe.sign(event, secret)) for event in events]


def come_back(checkout: Checkout) -> str:
    """The state that the payer is shown who returns from Stripe's page."""
    path = reverse("billing:return", args=[checkout.invoice.link_token])
    response = Client().get(path, {"session": checkout.session_id})
    return str(response.context["state"])


def reconcile(*arguments: str) -> tuple[int, str]:
    """What the command exits with, and what it prints."""
    out = StringIO()
    try:
        call_command("reconcile", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


def lose_slot(checkout: Checkout) -> None:
    """Forget that a session is open, as a database restored from a copy would."""
    Checkout.objects.filter(pk=checkout.pk).update(
        open_slot=None, status=CheckoutStatus.SUPERSEDED
    )


def standing(invoice: Invoice) -> tuple[str, int, int, int]:
    """Status, paid, refunded, held."""
    row = Invoice.objects.with_amounts().get(pk=invoice.pk)
    return row.status, row.paid, row.refunded, row.held


def audit(stripe: FakeStripe) -> None:
    """The books agree with themselves, and with Stripe."""
    for invoice in Invoice.objects.with_amounts().exclude(status="draft"):
        _audit_invoice(invoice)
    for kind in ("succeeded", "held"):
        for payment in Payment.objects.filter(status=kind).with_refunded():
            assert 0 <= payment.refunded <= payment.amount
    assert _our_payments() == _payments_at(stripe)
    assert _our_refunds() == _refunds_at(stripe)


def _audit_invoice(invoice: Any) -> None:
    kinds = LedgerEntry.Kind
    for status, arrived, left, back in (
        ("succeeded", kinds.PAYMENT, kinds.REFUND, kinds.REFUND_FAILED),
        ("held", kinds.HELD, kinds.HELD_REFUND, kinds.HELD_REFUND_FAILED),
    ):
        payments = Payment.objects.filter(invoice=invoice, status=status)
        refunds = Refund.objects.filter(payment__in=payments, status__in=LEFT)
        assert _sum(invoice.ledger.filter(kind=arrived)) == _sum(payments)
        assert _sum(invoice.ledger.filter(kind__in=[left, back])) == -_sum(refunds)
    assert invoice.paid <= invoice.total
    assert (invoice.status == "paid") == (invoice.paid == invoice.total)
    assert invoice.ledger.filter(kind=kinds.PAYMENT).count() == (
        invoice.payments.filter(status="succeeded").count()
    )


def _sum(rows: Any) -> int:
    return rows.aggregate(sum=Sum("amount", default=0))["sum"]


def _our_payments() -> dict[str, tuple[int, str]]:
    return {
        payment.payment_intent: (
            amounts.to_stripe(payment.amount, payment.currency),
            payment.currency.lower(),
        )
        for payment in Payment.objects.all()
    }


def _payments_at(stripe: FakeStripe) -> dict[str, tuple[int, str]]:
    return {
        intent["id"]: (intent["amount_received"], intent["currency"])
        for intent in stripe.intents.values()
        if intent["status"] == "succeeded"
    }


def _our_refunds() -> dict[str, tuple[int, str]]:
    return {
        str(refund.stripe_id): (
            amounts.to_stripe(refund.amount, refund.currency),
            refund.status,
        )
        for refund in Refund.objects.exclude(stripe_id=None)
    }


def _refunds_at(stripe: FakeStripe) -> dict[str, tuple[int, str]]:
    return {
        refund["id"]: (refund["amount"], refund["status"])
        for refund in stripe.refunds.values()
    }
