"""The books of a business in which everything happened, and faults planted in them."""

from uuid import uuid4

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection

from billing.models import Payment
from config import schedules
from invoices.models import AuditRun, CreditNote, Invoice, LedgerEntry
from invoices.services.finalizing import finalize_invoice
from tests.config.audited import audit
from tests.factories import BusinessFactory, InvoiceLineFactory
from tests.unguarded import unguarded

pytestmark = pytest.mark.django_db


def test_books_in_which_all_was_done_by_services_agree(books):
    assert audit("--files") == ""

    run = AuditRun.objects.get()
    assert (run.business, run.documents, run.findings, run.shown) == (books, 6, 0, [])


FAULTS = {
    "a changed total": (
        (
            "UPDATE invoices_invoice SET total = 12900, net = 11000, payable = 12900"
            " WHERE number = 'INV-00008'"
        ),
        ["arithmetic", "INV-00008", "total is 12900, and comes to 11900."],
    ),
    "a changed line": (
        (
            "UPDATE invoices_invoiceline SET unit_price = 99 WHERE invoice_id ="
            " (SELECT id FROM invoices_invoice WHERE number = 'INV-00001')"
        ),
        ["arithmetic", "INV-00001", "subtotal is 10000, and comes to 9900."],
    ),
    "a tax that is gone": (
        (
            "DELETE FROM invoices_taxtotal WHERE invoice_id ="
            " (SELECT id FROM invoices_invoice WHERE number = 'INV-00002')"
        ),
        ["arithmetic", "INV-00002", "tax S 19 % is None, and comes to (10000, 1900)."],
    ),
    "a changed name": (
        "UPDATE invoices_invoice SET reference = 'Other' WHERE number = 'INV-00001'",
        ["seals", "INV-00001", "it no longer says what was sealed: reference."],
    ),
    "a due date that came nearer": (
        "UPDATE invoices_invoice SET due_date = '2026-03-02' WHERE number = 'INV-00001'",
        ["seals", "INV-00001", "it no longer says what was sealed: due_date."],
    ),
    "a missing number": (
        "UPDATE invoices_invoice SET sequence = 20 WHERE number = 'INV-00008'",
        ["numbers", "Invoices", "8 to 19 are missing."],
    ),
    "a skipped number that was taken off the record": (
        "DELETE FROM invoices_skippednumbers",
        ["numbers", "Invoices", "5 to 7 are missing."],
    ),
    "a counter that was set back": (
        "UPDATE invoices_counter SET next_value = 5 WHERE next_value = 9",
        ["numbers", "Invoices", "9 is expected next, and 5 is kept."],
    ),
    "a swapped hash": (
        "UPDATE invoices_document SET sha256 = '" + "0" * 64 + "' WHERE invoice_id ="
        " (SELECT id FROM invoices_invoice WHERE number = 'INV-00001')",
        ["files", "INV-00001", "the hash of its PDF is not that in the file's name."],
    ),
    "a seal made anew": (
        "UPDATE invoices_seal SET sha256 = '" + "0" * 64 + "' WHERE sequence = 2",
        ["chain", "Invoices", "the chain is broken at 2."],
    ),
    "a seal that is gone": (
        "DELETE FROM invoices_seal WHERE sequence = 2",
        ["seals", "INV-00002", "it has no seal."],
    ),
    "a chain made anew from one seal on": (
        "UPDATE invoices_seal SET previous = '' WHERE sequence = 3",
        ["chain", "Invoices", "the seal of 3 does not follow on the one before."],
    ),
    "a deleted ledger row": (
        "DELETE FROM invoices_ledgerentry WHERE source = 'pi_card'",
        ["ledger", "INV-00004", "it is paid, and the ledger leaves 11900 of it."],
    ),
    "a ledger row of another business": (
        "UPDATE invoices_ledgerentry SET business_id = NULL WHERE source = 'pi_card'",
        ["ledger", "INV-00004", "an entry is not said to be of its business."],
    ),
    "a payment that nobody booked": (
        "DELETE FROM invoices_ledgerentry WHERE source = 'pi_card'",
        ["payments", "payment pi_card is 11900 EUR as payment; booked is nothing."],
    ),
    "a booked payment that nobody made": (
        "UPDATE invoices_ledgerentry SET source = 'pi_other' WHERE source = 'pi_card'",
        ["payments", "pi_other", "it is booked, and no payment is."],
    ),
    "a booked transfer that nobody received": (
        "DELETE FROM invoices_manualpayment",
        ["payments", "manual:", "the ledger has it, and no payment does."],
    ),
    "a refund that is booked otherwise": (
        "UPDATE invoices_ledgerentry SET amount = -400 WHERE source = 're_card'",
        [
            *("refunds", "INV-00004", "refund re_card is -500 EUR as refund;"),
            "booked is -400 EUR as refund.",
        ],
    ),
    "more refunded than was paid": (
        "UPDATE billing_refund SET amount = 20000",
        ["refunds", "INV-00004", "20000 went back of the 11900 of pi_card."],
    ),
    "a dispute that is booked otherwise": (
        "UPDATE invoices_ledgerentry SET amount = -1900 WHERE source = 'txn_taken'",
        [
            *("disputes", "INV-00004", "txn_taken of dp_card is -2000 EUR as dispute;"),
            "booked is -1900 EUR as dispute.",
        ],
    ),
    "a booked dispute that nobody opened": (
        "UPDATE billing_disputemovement SET stripe_id = 'txn_x' WHERE amount > 0",
        ["disputes", "txn_back", "it is booked, and nothing moved."],
    ),
    "held money that is kept nowhere": (
        "DELETE FROM invoices_balanceentry WHERE source = 'pi_held'",
        ["balances", "pi_held", "-3000 has no 3000 in the balance."],
    ),
    "a status that was set by hand": (
        (
            "UPDATE invoices_invoice SET status = 'paid', paid_at = finalized_at"
            " WHERE number = 'INV-00008'"
        ),
        ["events", "INV-00008", "no event says invoice.paid."],
    ),
    "a payment by hand that was changed": (
        "UPDATE invoices_manualpayment SET amount = 12001 WHERE amount = 12000",
        ["payments", "INV-00001", "of the payment of 2026-03-01, 12001 came; 12000"],
    ),
    "a payment taken back without an entry": (
        (
            "UPDATE invoices_manualpayment SET reversed_at = recorded_at"
            " WHERE amount = 12000"
        ),
        ["payments", "INV-00001", "of the payment of 2026-03-01, 12000 back; 0 is"],
    ),
    "a balance that was raised": (
        "UPDATE invoices_balanceentry SET amount = 12900 WHERE kind = 'credit_note'",
        ["balances", "12900 has no -12900 in the ledger."],
    ),
    "a balance below zero": (
        "DELETE FROM invoices_balanceentry WHERE amount > 0",
        ["balances", "Anna Schmidt", "the balance is -11900 EUR."],
    ),
    "a credit note used otherwise": (
        "UPDATE invoices_creditnote SET to_balance = 11000, out_of_band = 900",
        ["credit notes", "INV-00001", "the ledger has 0 as out_of_band"],
    ),
    "a credit note for more than the invoice": (
        "UPDATE invoices_creditnote SET total = 20000, net = 18100, to_balance = 20000",
        [
            "credit notes",
            "INV-00001",
            "credit notes come to 20000, more than its 11900.",
        ],
    ),
    "an event that is gone": (
        "DELETE FROM accounts_event WHERE type = 'invoice.voided'",
        ["events", "INV-00003", "no event says invoice.voided."],
    ),
    "an event of a ledger row that is gone": (
        "DELETE FROM accounts_event WHERE type = 'invoice.refund_booked'",
        ["events", "INV-00004", "0 events say invoice.refund_booked, of 1 ledger"],
    ),
    "money on what is void": (
        (
            "UPDATE invoices_ledgerentry SET invoice_id ="
            " (SELECT id FROM invoices_invoice WHERE number = 'INV-00003')"
            " WHERE source = 'pi_card'"
        ),
        ["ledger", "INV-00003", "it is void, and the ledger leaves 0 of it."],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_named(books, fault):
    sql, words = FAULTS[fault]

    with unguarded(), connection.cursor() as cursor:
        cursor.execute(sql)
        assert cursor.rowcount >= 1
    found = audit()

    line = [line for line in found.splitlines() if all(word in line for word in words)]
    assert line, found
    assert AuditRun.objects.get().findings >= 1


def test_what_was_booked_on_a_draft_is_found(books, now):
    draft = InvoiceLineFactory(invoice__business=Invoice.objects.first().business)
    LedgerEntry.objects.create(
        invoice=draft.invoice,
        business=draft.invoice.business,
        kind=LedgerEntry.Kind.PAYMENT,
        source="early",
        amount=100,
        currency=draft.invoice.currency,
        occurred_at=now,
    )

    assert "payment early is booked on a draft." in audit()


def test_a_file_that_was_exchanged_or_lost_is_found_where_files_are_read(books):
    first, second = Invoice.objects.order_by("sequence")[:2]
    storage = storages["documents"]
    with storage.open(first.document.file.name, "wb") as file:
        file.write(b"%PDF other")
    storage.delete(second.document.file.name)

    assert audit() == ""
    found = audit("--files")

    assert "the PDF's SHA-256 is" in found
    assert f"{second.document.file.name} is not there." in found
    assert "2 findings" in found


def test_rows_whose_document_is_gone_are_found(books, now):
    line = InvoiceLineFactory(invoice__business=books)
    payment = Payment.objects.create(
        invoice=line.invoice,
        payment_intent="pi_lost",
        amount=1,
        status="succeeded",
        received_at=now,
    )
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM invoices_invoice WHERE id = %s", [line.invoice_id])

        found = audit()

        cursor.execute("DELETE FROM invoices_invoiceline WHERE id = %s", [line.pk])
        cursor.execute("DELETE FROM billing_payment WHERE id = %s", [payment.pk])
    assert f"invoice line {line.pk}" in found
    assert f"payment {payment.pk}" in found
    assert "what it belongs to is gone." in found


def test_one_business_may_be_looked_at_alone(books, now):
    other = InvoiceLineFactory(invoice__business=BusinessFactory()).invoice
    finalize_invoice(invoice=other, actor=None, now=now)
    with unguarded():
        Invoice.objects.filter(pk=other.pk).update(notes="Changed")

    assert audit("--business", str(books.public_id)) == ""
    assert "no longer says what was sealed: notes" in audit()
    assert AuditRun.objects.get(business=books).findings == 0
    assert AuditRun.objects.get(business=other.business).findings == 1


def test_a_business_that_is_not_there_is_refused():
    with pytest.raises(CommandError, match="There is no business"):
        call_command("audit_books", business=uuid4())


def test_documents_are_read_in_chunks_of_few_queries(
    books, now, django_assert_max_num_queries, monkeypatch
):
    for module in ("findings", "money"):
        monkeypatch.setattr(f"invoices.audit.{module}.CHUNK", 2)

    with django_assert_max_num_queries(150):
        assert audit() == ""


def test_the_schedule_tells_the_log_and_does_not_fail(books, caplog):
    schedules.audit({}, None)
    assert caplog.text == ""

    with unguarded():
        CreditNote.objects.update(reason="Changed")
    schedules.audit({}, None)

    assert "The books do not agree: 1 findings" in caplog.text


def test_the_front_page_says_what_the_last_audit_found(desk, books):
    assert b"Books last audited" not in desk.get("/admin/").content

    audit()
    assert b"all of them agree" in desk.get("/admin/").content

    with unguarded():
        CreditNote.objects.update(reason="Changed")
    audit()
    page = desk.get("/admin/").content.decode()
    assert "<strong>1 finding</strong>" in page
    assert "it no longer says what was sealed: reason." in page
