import pytest
import time_machine

from tests.factories import (
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
    TaxRateFactory,
)
from tests.invoices.api.world import NOW


@pytest.fixture(autouse=True)
def march():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def customer(business):
    return CustomerFactory(business=business, name="Anna Schmidt")


@pytest.fixture
def rate(business):
    return TaxRateFactory(business=business)


@pytest.fixture
def draft(business, customer, rate):
    invoice = InvoiceFactory(business=business, customer=customer)
    InvoiceLineFactory(invoice=invoice, tax_rate=rate)
    return invoice
