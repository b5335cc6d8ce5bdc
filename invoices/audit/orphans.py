"""What belongs to nothing."""

from collections.abc import Iterator

from django.db.models import Model, Q

from invoices.audit.findings import Finding
from invoices.models import (
    BalanceEntry,
    CreditNote,
    CreditNoteLine,
    CreditNoteTax,
    Customer,
    Document,
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    LedgerEntry,
    ManualPayment,
    Seal,
    TaxTotal,
)


def orphans() -> Iterator[Finding]:
    """Rows of no business's, as their document is gone. Looks at all of the books."""
    invoices = Q(invoice__in=Invoice.objects.all())
    notes = Q(credit_note__in=CreditNote.objects.all())
    return lost(
        (InvoiceLine, ~invoices),
        (InvoiceAdjustment, ~invoices),
        (TaxTotal, ~invoices),
        (LedgerEntry, ~invoices),
        (ManualPayment, ~invoices),
        (CreditNote, ~invoices),
        (CreditNoteLine, ~notes),
        (CreditNoteTax, ~notes),
        (BalanceEntry, ~Q(customer__in=Customer.objects.all())),
        (Seal, ~invoices & ~notes),
        (Document, ~invoices & ~notes),
    )


def lost(*conditions: tuple[type[Model], Q]) -> Iterator[Finding]:
    """Rows of each kind by which nothing can be reached any more."""
    for model, condition in conditions:
        rows = model._default_manager.filter(condition).order_by("pk")
        for pk in rows.values_list("pk", flat=True).iterator():
            name = f"{model._meta.verbose_name} {pk}"
            yield Finding("orphans", name, "what it belongs to is gone.")
