import pytest

from accounts.models import Event
from invoices.services.finalizing import finalize_invoice
from tests.factories import InvoiceLineFactory


@pytest.fixture
def invoice(now):
    """Of 119.00 EUR and open; that it was finalized is not on record."""
    draft = InvoiceLineFactory().invoice
    finalized = finalize_invoice(invoice=draft, actor=None, now=now)
    Event.objects.all().delete()
    return finalized
