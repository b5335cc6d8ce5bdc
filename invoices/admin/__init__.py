"""The back office's pages about customers, taxes, invoices and the books."""

# Django looks for this package only; each of these registers its pages.
from invoices.admin import attachments, customers, invoices, ledger, records, rules

__all__ = ["attachments", "customers", "invoices", "ledger", "records", "rules"]
