"""Invoices that are credited: how they came to be, and what became of them."""

from datetime import UTC, datetime
from decimal import Decimal

from django.db.models import Sum

from invoices.models import BalanceEntry, InvoiceAdjustment
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.finalizing import finalize_invoice
from invoices.services.receiving import record_payment
from tests.factories import InvoiceFactory, InvoiceLineFactory, TaxRateFactory

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def finalized(*lines, adjustments=(), **fields):
    """
    An open invoice; each line is price, quantity and percent of tax. Adjustments are
    taxed as the first line is.
    """
    invoice = InvoiceFactory(**fields)
    rates = {
        percent: TaxRateFactory(business=invoice.business, percent=Decimal(percent))
        for percent in {percent for *_, percent in lines}
    }
    for position, (price, quantity, percent) in enumerate(lines):
        InvoiceLineFactory(
            invoice=invoice,
            unit_price=Decimal(price),
            quantity=Decimal(quantity),
            tax_rate=rates[percent],
            position=position,
        )
    for more in adjustments:
        rate = rates[lines[0][2]]
        InvoiceAdjustment.objects.create(invoice=invoice, tax_rate=rate, **more)
    return finalize_invoice(invoice=invoice, actor=None, now=NOW)


def credit(invoice, quantities=None, **split):
    return issue_credit_note(
        invoice=invoice,
        quantities=quantities,
        reason="Returned",
        split=Split(**split),
        actor=None,
        now=NOW,
    )


def pay(invoice, amount):
    fields = {"method": "cash", "amount": amount, "received_on": NOW.date()}
    return record_payment(invoice=invoice, fields=fields, actor=None, now=NOW)


def ledger(invoice):
    return list(invoice.ledger.order_by("pk").values_list("kind", "amount"))


def balance(invoice):
    entries = BalanceEntry.objects.filter(customer=invoice.customer)
    return entries.aggregate(sum=Sum("amount", default=0))["sum"]


def credited(invoice):
    sums = invoice.credit_notes.aggregate(
        net=Sum("net"), tax=Sum("tax"), total=Sum("total")
    )
    return sums["net"], sums["tax"], sums["total"]
