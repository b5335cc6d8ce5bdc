"""The front page's sums are those of the ledger, invoice by invoice."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Business
from invoices import selectors
from invoices.models import Invoice
from invoices.services import balances, crediting, receiving
from tests.rows import frozen

pytestmark = pytest.mark.django_db


def pay(invoice, amount, day):
    return receiving.record_payment(
        invoice=invoice,
        fields={"amount": amount, "method": "transfer", "received_on": day},
        actor=None,
        now=timezone.now(),
    )


@pytest.fixture
def books(business):
    """Payments in part, taken back, from balance; credit; prepaid; rounded."""
    now = timezone.now()
    day = business.today(now)
    part, back, over = (frozen(business) for _ in range(3))
    rounded = frozen(
        business,
        invoice__customer=over.customer,
        unit_price=Decimal("100.02"),
        invoice__prepaid_amount=Decimal("19.01"),
        invoice__cash_rounding=5,
    )
    yen = frozen(business, invoice__currency="JPY")
    pay(part, 1900, day)
    pay(yen, 19, day)
    bounced = pay(back, 11900, day - timedelta(1))
    receiving.reverse_payment(payment=bounced, reason="Bounced", actor=None, now=now)
    pay(over, 12900, day)
    balances.apply_balance(invoice=rounded, amount=None, actor=None, now=now)
    line = part.lines.get()
    crediting.issue_credit_note(
        invoice=part,
        quantities={line.pk: line.quantity / 4},
        reason="Less work",
        split=crediting.Split(),
        actor=None,
        now=now,
    )
    return business


def by_invoice(name: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in Invoice.objects.with_amounts():
        sums[row.currency] = sums.get(row.currency, 0) + getattr(row, name)
    return sums


def test_what_is_due_is_the_sum_of_what_is_due_on_each_invoice(books):
    today = books.today(timezone.now())

    owed = selectors.receivables(Business.objects.all(), today)

    assert {row.currency: row.due for row in owed} == by_invoice("due")
    assert {row.overdue for row in owed} == {0}


def test_what_is_overdue_is_the_sum_of_what_is_due_on_each(books):
    later = date(2100, 1, 1)

    owed = selectors.receivables(Business.objects.all(), later)

    assert {row.currency: row.overdue for row in owed} == by_invoice("due")


def test_what_was_paid_is_the_sum_of_what_was_paid_on_each_invoice(books):
    now = timezone.now()
    starts = [datetime(2000, 1, 1, tzinfo=UTC), now + timedelta(1)]

    paid = selectors.paid_by_month(Business.objects.all(), starts)

    assert {code: sums[0] for code, sums in paid.items()} == by_invoice("paid")


def test_a_payment_taken_back_is_taken_off_in_the_month_of_that(business):
    now = timezone.now()
    start = business.today(now) - timedelta(60)
    invoice = frozen(business)
    payment = pay(invoice, 5000, start)
    receiving.reverse_payment(payment=payment, reason="Bounced", actor=None, now=now)
    month = now - timedelta(30)
    starts = [month - timedelta(60), month, now + timedelta(1)]

    paid = selectors.paid_by_month(Business.objects.all(), starts)

    assert paid == {"EUR": [5000, -5000]}
