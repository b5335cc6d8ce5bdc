from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from invoices import selectors, statements
from invoices.exceptions import TooManyRows
from invoices.models import BalanceEntry, LedgerEntry
from invoices.services import balances, correcting, crediting, finalizing, receiving
from invoices.services.crediting import Split
from invoices.statements import currencies, statement_of
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
)

pytestmark = pytest.mark.django_db

MARCH = {"start": date(2026, 3, 1), "end": date(2026, 3, 31)}


@pytest.fixture
def customer():
    business = BusinessFactory(time_zone="America/New_York")
    return CustomerFactory(business=business)


def at(day, hour=12):
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def issued(customer, day, **fields):
    """Of 119.00, on a day of March."""
    invoice = InvoiceFactory(business=customer.business, customer=customer, **fields)
    InvoiceLineFactory(invoice=invoice)
    return finalizing.finalize_invoice(invoice=invoice, actor=None, now=at(day))


def receive(invoice, amount, day):
    return receiving.record_payment(
        invoice=invoice,
        fields={
            "method": "transfer",
            "amount": amount,
            "received_on": date(2026, 3, day),
        },
        actor=None,
        now=at(day, 20),
    )


def credit(invoice, day, **split):
    return crediting.issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Returned",
        split=Split(**split),
        actor=None,
        now=at(day),
    )


def told(statement):
    return [
        (row.day.day, row.document, row.charge, row.payment, row.balance)
        for row in statement.rows
    ]


def test_statement_lists_what_was_charged_and_paid(customer):
    first, second = issued(customer, 2), issued(customer, 9)
    receive(first, 10000, 5)
    credit(second, 10)

    statement = statement_of(customer, "EUR", **MARCH)

    assert (statement.opening, statement.closing) == (0, 1900)
    assert told(statement) == [
        (2, "Invoice INV-00001", 11900, 0, 11900),
        (5, "Payment INV-00001", 0, 10000, 1900),
        (9, "Invoice INV-00002", 11900, 0, 13800),
        (10, "Credit note CN-00001", 0, 11900, 1900),
    ]


def test_statement_begins_with_what_was_owed_before(customer):
    receive(issued(customer, 2), 1900, 5)
    issued(customer, 20)

    whole = statement_of(customer, "EUR", **MARCH)
    for day in range(1, 32):
        part = statement_of(customer, "EUR", start=date(2026, 3, day), end=MARCH["end"])
        before = [row for row in whole.rows if row.day.day < day]
        assert part.opening == (before[-1].balance if before else 0)
        assert [*part.rows] == [*whole.rows[len(before) :]]
        assert part.closing == 21900


def test_statement_ends_with_its_last_day_where_the_business_is(customer):
    invoice = issued(customer, 2)
    for hour, source in ((3, "inside"), (4, "outside")):
        LedgerEntry.objects.create(
            invoice=invoice,
            kind="payment",
            source=source,
            amount=100,
            currency="EUR",
            # Midnight in New York, after its clocks went forward.
            occurred_at=datetime(2026, 4, 1, hour, 59, tzinfo=UTC),
        )

    assert statement_of(customer, "EUR", **MARCH).closing == 11800
    april = statement_of(customer, "EUR", start=date(2026, 4, 1), end=date(2026, 4, 30))
    assert (april.opening, april.closing) == (11800, 11700)


def test_statement_shows_a_void_invoice_and_its_end(customer):
    invoice = issued(customer, 2)
    correcting.void_invoice(invoice=invoice, actor=None, now=at(8))

    assert told(statement_of(customer, "EUR", **MARCH)) == [
        (2, "Invoice INV-00001", 11900, 0, 11900),
        (8, "Invoice INV-00001 (void)", 0, 11900, 0),
    ]


def test_statement_shows_a_payment_that_was_taken_back(customer):
    payment = receive(issued(customer, 2), 12000, 5)
    receiving.reverse_payment(payment=payment, reason="Bounced", actor=None, now=at(8))

    statement = statement_of(customer, "EUR", **MARCH)

    assert sorted(row.document for row in statement.rows) == [
        "Invoice INV-00001",
        *["Payment INV-00001"] * 2,
        *["Payment taken back, INV-00001"] * 2,
    ]
    assert statement.closing == 11900
    april = statement_of(customer, "EUR", start=date(2026, 4, 1), end=date(2026, 4, 1))
    assert april.opening == 11900


@pytest.mark.parametrize("way", ["to_balance", "out_of_band"])
def test_statement_ties_to_what_is_due_and_kept(customer, way):
    paid, late, open_ = (issued(customer, day) for day in (2, 3, 4))
    receive(paid, 13000, 5)
    credit(paid, 6, **{way: 11900})
    receive(late, 4000, 7)
    balances.apply_balance(invoice=open_, amount=500, actor=None, now=at(8))

    statement = statement_of(customer, "EUR", **MARCH)

    due = sum(selectors.amounts(invoice).due for invoice in (paid, late, open_))
    kept = sum(BalanceEntry.objects.values_list("amount", flat=True))
    assert statement.closing == due - kept != 0
    april = statement_of(customer, "EUR", start=date(2026, 4, 1), end=date(2026, 4, 1))
    assert april.opening == statement.closing


def test_what_was_rounded_for_cash_goes_back_with_the_last_of_an_invoice(customer):
    # 119.00, and 100.00 to pay.
    invoice = issued(customer, 2, cash_rounding=100, prepaid_amount=Decimal("18.60"))
    credit(invoice, 3, to_balance=1860)

    statement = statement_of(customer, "EUR", **MARCH)

    assert told(statement) == [
        (2, "Invoice INV-00001", 10000, 0, 10000),
        (3, "Credit note CN-00001", 0, 11860, -1860),
    ]
    april = statement_of(customer, "EUR", start=date(2026, 4, 1), end=date(2026, 4, 1))
    assert april.opening == -1860 == -selectors.balances(customer)["EUR"]


def test_statement_is_of_one_customer_and_currency(customer):
    issued(customer, 2)
    issued(customer, 3, currency="USD")
    issued(CustomerFactory(business=customer.business), 4)

    assert currencies(customer) == ["EUR", "USD"]
    for currency in ("EUR", "USD"):
        (row,) = statement_of(customer, currency, **MARCH).rows
        assert row.charge == 11900


def test_statement_leaves_drafts_out(customer):
    InvoiceLineFactory(invoice__customer=customer, invoice__business=customer.business)

    statement = statement_of(customer, "EUR", **MARCH)

    assert (told(statement), statement.closing, currencies(customer)) == ([], 0, [])


def test_statement_asks_as_often_for_many_rows(customer, django_assert_num_queries):
    for day in (2, 3, 4):
        receive(issued(customer, day), 100, day + 1)

    with django_assert_num_queries(11):
        statement = statement_of(customer, "EUR", **MARCH)

    assert len(statement.rows) == 6


def test_statement_is_called_what_it_is_in_the_customers_language(customer):
    customer.language = "de"

    statement = statement_of(customer, "EUR", **MARCH)

    assert statement.document_name == "kontoauszug-EUR-2026-03-01-2026-03-31.pdf"


def test_statement_refuses_more_than_anyone_reads(customer, monkeypatch):
    monkeypatch.setattr(statements, "MAX_ROWS", 3)
    for day in (2, 3):
        receive(issued(customer, day), 100, 10)

    with pytest.raises(TooManyRows, match="more than 3 rows: ask for a shorter"):
        statement_of(customer, "EUR", **MARCH)
    part = statement_of(customer, "EUR", start=date(2026, 3, 3), end=MARCH["end"])
    assert len(part.rows) == 3
