from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from invoices import guards
from invoices.models import (
    BalanceEntry,
    Counter,
    CreditNote,
    CreditNoteLine,
    CreditNoteTax,
    Document,
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    LedgerEntry,
    ManualPayment,
    Seal,
    SkippedNumbers,
    TaxTotal,
)
from invoices.services.correcting import void_invoice
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.finalizing import finalize_invoice
from invoices.services.numbering import raise_next_number
from invoices.services.receiving import record_payment
from tests.factories import InvoiceFactory, InvoiceLineFactory, UserFactory

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
GUARDED = [
    Invoice,
    InvoiceLine,
    InvoiceAdjustment,
    TaxTotal,
    CreditNote,
    CreditNoteLine,
    CreditNoteTax,
    Document,
    Seal,
    LedgerEntry,
    BalanceEntry,
    ManualPayment,
    Counter,
    SkippedNumbers,
]

pytestmark = pytest.mark.django_db


@pytest.fixture
def books():
    """One row or more of each table that is guarded; the invoice is paid and credited."""
    user = UserFactory()
    draft = InvoiceLineFactory(invoice__created_by=user).invoice
    InvoiceAdjustment.objects.create(
        invoice=draft,
        reason="Packing",
        amount=Decimal(5),
        tax_rate=draft.lines.get().tax_rate,
    )
    invoice = finalize_invoice(invoice=draft, actor=user, now=NOW)
    Document.objects.create(invoice=invoice, file="a.pdf", sha256="a" * 64, size=1)
    record_payment(
        invoice=invoice,
        fields={"amount": invoice.payable + 100, "received_on": date(2026, 3, 1)},
        actor=user,
        now=NOW,
    )
    issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Returned",
        split=Split(out_of_band=invoice.total),
        actor=user,
        now=NOW,
    )
    raise_next_number(
        business=invoice.business,
        kind="invoice",
        next_value=50,
        day=date(2026, 3, 1),
        actor=user,
        now=NOW,
    )
    return invoice


def refuses(sentence, sql):
    with (
        pytest.raises(DatabaseError, match=sentence),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def columns(table):
    with connection.cursor() as cursor:
        rows = connection.introspection.get_table_description(cursor, table)
    return [row.name for row in rows]


def other(column, table):
    """Another value that fits the column, made of the one that is there."""
    if column == "public_id":
        return "'00000000000000000000000000000001'"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} ORDER BY id LIMIT 1")
        (value,) = cursor.fetchone()
    if value is None or isinstance(value, bool | int | float | Decimal):
        return f"COALESCE({column}, 0) + 1"
    if isinstance(value, str):
        return f"'{value.swapcase()}'" if value.swapcase() != value else "'x'"
    return "'2031-01-01'"


def test_every_frozen_table_is_guarded():
    assert {model._meta.db_table for model in GUARDED} == set(guards.RULES)


@pytest.mark.parametrize("model", GUARDED, ids=lambda model: model.__name__)
def test_no_row_is_deleted(books, model):
    table = model._meta.db_table
    before = model.objects.count()

    refuses("is not deleted", f"DELETE FROM {table}")

    assert model.objects.count() == before >= 1


@pytest.mark.parametrize("model", GUARDED, ids=lambda model: model.__name__)
def test_no_frozen_column_changes(books, model):
    table = model._meta.db_table
    frozen = [
        column
        for column in columns(table)
        if column not in {"id", *guards.RULES[table].free}
    ]

    assert frozen
    for column in frozen:
        refuses(
            "does not change",
            f"UPDATE {table} SET {column} = {other(column, table)}",
        )


def test_a_change_of_case_alone_is_one(books):
    Invoice.objects.update(link_token="kept")
    line = InvoiceLine.objects.get()

    refuses(
        "A line of a finalized invoice does not change. Void it or write a credit note.",
        f"UPDATE invoices_invoiceline SET description = '{line.description.upper()}'",
    )


def test_bulk_update_in_the_shell_is_refused(books):
    with pytest.raises(DatabaseError, match="A finalized invoice does not change"):
        Invoice.objects.update(total=1, net=1, tax=0)


@pytest.mark.parametrize(
    ("model", "column"),
    [
        (InvoiceLine, "invoice_id"),
        (TaxTotal, "invoice_id"),
        (InvoiceAdjustment, "invoice_id"),
        (CreditNoteLine, "credit_note_id"),
        (CreditNoteTax, "credit_note_id"),
    ],
)
def test_no_row_is_added_to_what_was_issued(books, model, column):
    table = model._meta.db_table
    names = ", ".join(name for name in columns(table) if name != "id")

    refuses(
        "is not added", f"INSERT INTO {table} ({names}) SELECT {names} FROM {table}"
    )


def test_what_goes_on_happening_to_an_invoice_is_not_refused(books):
    Invoice.objects.update(
        status="open",
        paid_at=None,
        due_date=date(2026, 9, 1),
        sent_at=NOW,
        link_expires_at=NOW,
        first_opened_at=NOW,
        last_opened_at=NOW,
        updated_at=NOW,
    )
    User.objects.all().delete()

    assert Invoice.objects.get().created_by is None


def test_a_due_date_does_not_come_nearer(books):
    refuses(
        "A finalized invoice does not change",
        "UPDATE invoices_invoice SET due_date = '2026-03-02'",
    )


def test_what_has_ended_does_not_begin_anew(books):
    draft = InvoiceLineFactory(invoice__business=books.business).invoice
    void = finalize_invoice(invoice=draft, actor=None, now=NOW)
    void_invoice(invoice=void, actor=None, now=NOW)
    ManualPayment.objects.update(reversed_at=NOW)

    refuses(
        "A finalized invoice does not change",
        "UPDATE invoices_invoice SET status = 'open', voided_at = NULL "
        f"WHERE id = {void.pk}",
    )
    refuses(
        "A payment does not change. Take it back",
        "UPDATE invoices_manualpayment SET reversed_at = NULL",
    )


def test_a_next_number_is_not_lowered(books):
    refuses(
        "The next number can be raised",
        "UPDATE invoices_counter SET next_value = 1 WHERE next_value = 50",
    )


def test_drafts_change_and_go():
    line = InvoiceLineFactory()

    InvoiceLine.objects.update(unit_price=7, description="Other")
    Invoice.objects.update(notes="New", currency="USD")
    line.invoice.delete()

    assert not InvoiceLine.objects.exists()


def test_a_line_of_a_draft_is_not_moved_into_what_was_issued(books):
    InvoiceLineFactory(invoice=InvoiceFactory(business=books.business))
    draft_line = InvoiceLine.objects.order_by("-pk")[0]

    refuses(
        "A line of a finalized invoice",
        f"UPDATE invoices_invoiceline SET invoice_id = {books.pk} WHERE id = {draft_line.pk}",
    )


def test_lifted_guards_stand_again_afterwards(books):
    with guards.lifted(connection, "a test"):
        Seal.objects.update(sha256="0" * 64)

    assert Seal.objects.filter(sha256="0" * 64).count() == 2
    refuses("A seal does not change", "UPDATE invoices_seal SET sha256 = 'x'")


def test_put_up_twice_changes_nothing():
    before = guards._known(connection)

    guards.put_up(connection)

    assert guards._known(connection) == before
    assert len(before) == 2 * len(GUARDED) + 5
