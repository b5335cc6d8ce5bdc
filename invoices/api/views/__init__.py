"""The API over customers, tax rates and invoices."""
