"""What is done in a process of its own, with the product's own services and commands."""

import resource
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command, get_commands
from django.test import override_settings
from django.utils import timezone

from accounts.roles import Role
from accounts.services.tokens import create_token
from billing.models import Payment
from billing.services import refunding
from invoices.models import Invoice
from invoices.services import documents
from invoices.services.finalizing import finalize_invoice
from tests import factories
from tests.chaos.books import differences

__all__ = ["differences"]


def found_shop() -> tuple[int, str]:
    """A business's tax rate, and the key of its owner's token."""
    call_command("migrate", verbosity=0)
    owner = factories.MembershipFactory(role=Role.OWNER)
    rate = factories.TaxRateFactory(
        business=owner.business, percent=Decimal(0), category="Z"
    )
    factories.CustomerFactory(business=owner.business)
    _, key = create_token(user=owner.user, name="Chaos", now=timezone.now())
    return rate.pk, key


def enter_shop() -> tuple[int, str]:
    """As `found_shop`, of the shop that there is."""
    rate = factories.TaxRate.objects.get()
    owner = factories.User.objects.get()
    _, key = create_token(user=owner, name="Another", now=timezone.now())
    return rate.pk, key


def write_invoices(rate_id: int, count: int) -> list[dict[str, Any]]:
    """Open invoices of 100.00 EUR, each with its PDF."""
    rate = factories.TaxRate.objects.select_related("business").get(pk=rate_id)
    customer = factories.Customer.objects.get(business=rate.business)
    written = []
    for _ in range(count):
        draft = factories.InvoiceFactory(business=rate.business, customer=customer)
        factories.InvoiceLineFactory(invoice=draft, tax_rate=rate)
        invoice = finalize_invoice(invoice=draft, actor=None, now=timezone.now())
        written.append(
            {
                "pk": invoice.pk,
                "id": str(invoice.public_id),
                "token": invoice.link_token,
            }
        )
    return written


def write_invoices_in_small_files(
    rate_id: int, count: int, largest: int
) -> list[dict[str, Any]]:
    """As `write_invoices`, where no file may become larger."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    return write_invoices(rate_id, count)


def run_schedule() -> None:
    """What a stage's schedules do, in the order of an unlucky day."""
    call_command("take_up_tasks")
    run_worker()
    if "reconcile" in get_commands():
        # It may say that somebody is needed.
        with suppress(CommandError):
            call_command("reconcile", stdout=StringIO())


def ask_refund(intent: str, amount: int) -> None:
    refunding.request_refund(
        payment=Payment.objects.get(payment_intent=intent),
        amount=amount,
        reason="Chaos",
        actor=None,
        now=timezone.now(),
    )


def ask_refund_for_later(intent: str, amount: int) -> None:
    """Its task waits for a worker."""
    resident = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    with override_settings(TASKS=resident):
        ask_refund(intent, amount)


def run_worker() -> None:
    call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0)


def read_documents(invoices: Sequence[int]) -> None:
    """As a customer reads them."""
    for invoice in Invoice.objects.filter(pk__in=invoices):
        content = documents.read_document(invoice)
        assert content.startswith(b"%PDF-"), invoice
        assert content.rstrip().endswith(b"%%EOF"), invoice
