"""Faults planted in the books after which all sums are as right as before."""

from uuid import UUID

import pytest
from django.db import connection

from tests.config.audited import audit
from tests.factories import CustomerFactory
from tests.unguarded import unguarded

pytestmark = pytest.mark.django_db

# Each of rows or columns of its own: they are planted together.
FAULTS = {
    "a refund that is booked, and was never made": (
        "DELETE FROM billing_refund",
        ["refunds", "re_card", "it is booked, and no refund is."],
    ),
    "a payment from nowhere": (
        (
            "INSERT INTO invoices_ledgerentry (invoice_id, business_id, kind, source,"
            " amount, currency, occurred_at, created_at) SELECT id, business_id, 'payment',"
            " 'cash', 100, currency, finalized_at, finalized_at FROM invoices_invoice"
            " WHERE number = 'INV-00008'"
        ),
        ["payments", "cash", "it is booked, and no payment is."],
    ),
    "a balance from nothing": (
        (
            "INSERT INTO invoices_balanceentry (customer_id, invoice_id, kind, source,"
            " amount, currency, occurred_at, created_at) SELECT customer_id, invoice_id,"
            " 'overpayment', 'manual:x', 50000, currency, occurred_at, created_at"
            " FROM invoices_balanceentry WHERE kind = 'credit_note'"
        ),
        ["payments", "manual:x", "the balance has it, and no payment does."],
    ),
    "a balance in another currency": (
        "UPDATE invoices_balanceentry SET currency = 'USD' WHERE kind = 'applied'",
        ["balances", "-11900 is of another invoice or currency in the ledger."],
    ),
    "a balance of another customer": (
        (
            "UPDATE invoices_balanceentry SET customer_id ="
            " (SELECT id FROM invoices_customer WHERE name = 'Other') WHERE kind = 'held'"
        ),
        ["belonging", "the balance is another customer's than its invoice."],
    ),
    "a payment of another invoice": (
        (
            "UPDATE billing_payment SET invoice_id ="
            " (SELECT id FROM invoices_invoice WHERE number = 'INV-00002')"
            " WHERE payment_intent = 'pi_card'"
        ),
        ["payments", "INV-00002", "of this invoice, and booked on another."],
    ),
    "a payment of another day": (
        (
            "UPDATE billing_payment SET received_at = '2025-12-31 09:30:00'"
            " WHERE payment_intent = 'pi_held'"
        ),
        ["payments", "payment pi_held is booked as of another moment."],
    ),
    "a transfer of another invoice": (
        (
            "UPDATE invoices_manualpayment SET invoice_id ="
            " (SELECT id FROM invoices_invoice WHERE number = 'INV-00002')"
            " WHERE amount = 12000"
        ),
        ["payments", "INV-00002", "payment of Bank transfer 2026-03-01 is of another"],
    ),
    "a transfer of another day": (
        (
            "UPDATE invoices_manualpayment SET received_on = '2025-12-31'"
            " WHERE amount = 100"
        ),
        ["payments", "it came on 2025-12-31, and is booked as of 2026-03-01."],
    ),
    "a debt that nobody gave up": (
        "UPDATE invoices_invoice SET status = 'uncollectible' WHERE number = 'INV-00008'",
        ["events", "INV-00008", "no event says invoice.given_up."],
    ),
    "a due date that nobody moved": (
        "UPDATE invoices_invoice SET due_date = '2036-01-01' WHERE number = 'INV-00008'",
        ["events", "INV-00008", "due on 2036-01-01, and nobody moved it there."],
    ),
    "a day on which nobody paid": (
        (
            "UPDATE invoices_invoice SET paid_at = '2025-12-31 09:30:00'"
            " WHERE number = 'INV-00004'"
        ),
        ["ledger", "INV-00004", "it is paid since 2025-12-31"],
    ),
    "a PDF that is gone": (
        (
            "DELETE FROM invoices_document WHERE invoice_id ="
            " (SELECT id FROM invoices_invoice WHERE number = 'INV-00002')"
        ),
        ["files", "INV-00002", "its PDF was stored, and is gone."],
    ),
    "a PDF that was exchanged with its hash": (
        (
            f"UPDATE invoices_document SET sha256 = '{'0' * 64}', file = '{'0' * 64}.pdf'"
            " WHERE credit_note_id IS NOT NULL"
        ),
        ["files", "CN-00001", "no event says that just this PDF was stored."],
    ),
    "numbers that nobody skipped": (
        (
            "INSERT INTO invoices_skippednumbers (counter_id, first, last, created_at)"
            " SELECT id, 9, 99, '2026-03-01 09:30:00' FROM invoices_counter"
            " WHERE next_value = 9"
        ),
        ["numbers", "Invoices", "9 to 99 are skipped, and no event says by whom."],
    ),
    "a credit note for somebody else": (
        (
            "UPDATE invoices_creditnote SET customer_id ="
            " (SELECT id FROM invoices_customer WHERE name = 'Other')"
        ),
        ["belonging", "CN-00001", "is of another business or customer."],
    ),
    "a document too few": (
        (
            "INSERT INTO accounts_event (public_id, business_id, type, subject_type,"
            f" subject_id, data, occurred_at) SELECT '{UUID(int=1).hex}', business_id, type,"
            " 'invoice', 'gone', data, occurred_at FROM accounts_event"
            " WHERE type = 'credit_note.issued'"
        ),
        ["events", "credit_note.issued", "2 events say so, of 1 documents."],
    ),
}


def test_faults_that_change_no_sum_are_found_and_named(books):
    CustomerFactory(business=books, name="Other")
    with unguarded(), connection.cursor() as cursor:
        for sql, _ in FAULTS.values():
            cursor.execute(sql)
            assert cursor.rowcount == 1, sql

        lines = audit().splitlines()

    unseen = [
        fault
        for fault, (_, words) in FAULTS.items()
        if not any(all(word in line for word in words) for line in lines)
    ]
    assert unseen == [], "\n".join(lines)
