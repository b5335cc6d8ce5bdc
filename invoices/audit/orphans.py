"""What belongs to nothing."""

from collections.abc import Iterator, Sequence

from django.db.models import Model, Q

from invoices.audit.findings import Finding
from invoices.models import (
    BalanceEntry,
    CreditNote,
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
    lost: Sequence[tuple[type[Model], Q]] = (
        (InvoiceLine, ~invoices),
        (InvoiceAdjustment, ~invoices),
        (TaxTotal, ~invoices),
        (LedgerEntry, ~invoices),
        (ManualPayment, ~invoices),
        (CreditNote, ~invoices),
        (BalanceEntry, ~Q(customer__in=Customer.objects.all())),
        (Seal, _of_nothing()),
        (Document, _of_nothing()),
    )
    for model, condition in lost:
        rows = model._default_manager.filter(condition).order_by("pk")
        for pk in rows.values_list("pk", flat=True).iterator():
            name = f"{model._meta.verbose_name} {pk}"
            yield Finding("orphans", name, "what it belongs to is gone.")


def _of_nothing() -> Q:
    return ~Q(invoice__in=Invoice.objects.all()) & ~Q(
        credit_note__in=CreditNote.objects.all()
    )
