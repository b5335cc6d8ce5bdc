"""What the tests of this API have in common: its moment, its addresses and rows."""

from datetime import UTC, datetime

from invoices.models import Customer, Invoice, TaxRate
from tests.factories import InvoiceFactory, TaxRateFactory

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
API = "/api/v1"


def body_for(customer, rate, **fields):
    line = {
        "description": "Design",
        "unit_price": "80",
        "tax_rate": str(rate.public_id),
    }
    return {"customer": str(customer.public_id), "lines": [line]} | fields


def url(row, *action):
    kind = {Customer: "customers", TaxRate: "tax-rates", Invoice: "invoices"}[type(row)]
    return "/".join([API, kind, str(row.public_id), *action, ""])


def named(errors):
    """The fields that a problem names, those of a row in a list as `lines.0.quantity`."""
    return [
        f"{name}.{field}" if isinstance(below, dict) else name
        for name, below in errors.items()
        for field in (named(below) if isinstance(below, dict) else [""])
    ]


def foreign_rows():
    invoice = InvoiceFactory()
    return [invoice, invoice.customer, TaxRateFactory()]


def own_rows(business):
    invoice = InvoiceFactory(business=business)
    return [invoice, invoice.customer, TaxRateFactory(business=business)]
