"""That rows which name one another are of one business and one customer."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import F

from accounts.models import Business
from invoices.audit.findings import Finding
from invoices.models import BalanceEntry, CreditNote, Invoice, Series


def belonging(business: Business) -> Iterator[Finding]:
    """What a document or a balance is of is not said twice, and differently."""
    kinds = Series.Kind
    invoices = Invoice.objects.filter(business=business)
    issued = invoices.filter(finalized_at__isnull=False)
    notes = CreditNote.objects.filter(business=business)
    wrong: Mapping[str, Any] = {
        "its customer is another business's.": invoices.exclude(
            customer__business=business
        ),
        "its number is of another series.": issued.exclude(
            counter__series__business=business, counter__series__kind=kinds.INVOICE
        ),
        "its invoice, customer or number is of another business or customer.": (
            notes.exclude(
                invoice__business=business,
                invoice__customer=F("customer"),
                counter__series__business=business,
                counter__series__kind=kinds.CREDIT_NOTE,
            )
        ),
        "the balance is another customer's than its invoice.": (
            BalanceEntry.objects.filter(customer__business=business).exclude(
                invoice__customer=F("customer")
            )
        ),
    }
    for words, rows in wrong.items():
        for row in rows.order_by("pk").iterator():
            yield Finding("belonging", str(row), words)
