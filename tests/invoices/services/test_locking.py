import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from invoices.exceptions import Deleted
from invoices.services.locking import lock_invoice
from tests.factories import InvoiceFactory

pytestmark = pytest.mark.django_db


def test_lock_invoice_reads_what_is_there_now():
    invoice = InvoiceFactory()
    type(invoice).objects.update(notes="New")

    with transaction.atomic():
        assert lock_invoice(invoice.pk).notes == "New"


@pytest.mark.mysql
def test_lock_invoice_locks_one_row_of_one_table():
    invoice = InvoiceFactory()

    with (
        CaptureQueriesContext(
            connection,
        ) as captured,
        transaction.atomic(),
    ):
        lock_invoice(invoice.pk)

    (lock,) = [q["sql"] for q in captured if "FOR UPDATE" in q["sql"]]
    assert "JOIN" not in lock


@pytest.mark.django_db(transaction=True)
@pytest.mark.mysql
def test_lock_invoice_needs_a_transaction():
    invoice = InvoiceFactory()

    with pytest.raises(TransactionManagementError):
        lock_invoice(invoice.pk)


def test_lock_invoice_refuses_one_that_is_gone():
    with pytest.raises(Deleted), transaction.atomic():
        lock_invoice(0)
