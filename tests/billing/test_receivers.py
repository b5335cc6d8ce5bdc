from datetime import UTC, datetime

import pytest

from billing.exceptions import RefundTooLarge
from billing.models import Payment, Refund
from billing.services import refunding
from invoices.exceptions import AmountNotAvailable
from invoices.models import CreditNote
from invoices.services.crediting import Split, issue_credit_note
from tests.billing.world import deliver, finalized, standing, start

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def payment(stripe, invoice) -> Payment:
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    return Payment.objects.get(invoice=invoice)


def credit(invoice, quantities=None, **split) -> CreditNote:
    return issue_credit_note(
        invoice=invoice,
        quantities=quantities,
        reason="Returned",
        split=Split(**split),
        actor=None,
        now=NOW,
    )


def refund(payment, amount=None) -> Refund:
    return refunding.request_refund(
        payment=payment, amount=amount, reason="", actor=None, now=NOW
    )


def test_the_refund_of_a_credit_note_leaves_by_card(
    stripe, invoice, payment, run_tasks
):
    credit(invoice, refunds=6_000, to_balance=4_000)
    run_tasks()

    assert [(row["amount"], row["status"]) for row in stripe.refunds.values()] == [
        (6_000, "succeeded")
    ]
    assert standing(invoice) == ("paid", 10_000, 10_000, 0)


def test_a_refund_goes_back_to_the_latest_payments_first(stripe, invoice, run_tasks):
    for amount in (3_000, 7_000):
        deliver(stripe, *stripe.pay(start(invoice, amount).session_id))
    line = invoice.lines.get()

    credit(invoice, {line.pk: line.quantity}, refunds=8_000, out_of_band=2_000)
    run_tasks()

    refunds = Refund.objects.order_by("pk")
    assert [(row.payment.amount, row.amount) for row in refunds] == [
        (7_000, 7_000),
        (3_000, 1_000),
    ]


def test_what_the_latest_payment_covers_leaves_the_others(stripe, invoice, run_tasks):
    for amount in (3_000, 7_000):
        deliver(stripe, *stripe.pay(start(invoice, amount).session_id))

    credit(invoice, refunds=7_000, out_of_band=3_000)
    run_tasks()

    assert [row.payment.amount for row in Refund.objects.all()] == [7_000]


def test_money_asked_to_go_back_is_not_kept_as_well(invoice, payment):
    refund(payment, 4_000)

    with pytest.raises(AmountNotAvailable, match=r"€60\.00 of what was paid"):
        credit(invoice, to_balance=10_000)


def test_a_refund_on_its_way_counts_towards_that_of_a_credit_note(
    stripe, invoice, payment, run_tasks
):
    refund(payment, 4_000)

    credit(invoice, refunds=10_000)
    run_tasks()

    assert sorted(row["amount"] for row in stripe.refunds.values()) == [4_000, 6_000]


def test_what_a_credit_note_kept_is_not_refunded_by_card(invoice, payment):
    credit(invoice, to_balance=10_000)

    with pytest.raises(RefundTooLarge, match=r"€0\.00 is left"):
        refund(payment)


def test_a_refund_that_stripe_refuses_stays_promised(
    stripe, invoice, payment, run_tasks
):
    line = invoice.lines.get()
    charge = stripe.charges[payment.charge]
    charge["paid"] = False
    credit(invoice, {line.pk: line.quantity / 2}, refunds=5_000)
    run_tasks()
    assert standing(invoice) == ("paid", 10_000, 0, 0)

    credit(invoice, to_balance=5_000)
    charge["paid"] = True
    again = refund(payment)
    run_tasks()

    assert again.amount == 5_000
    assert standing(invoice) == ("paid", 10_000, 10_000, 0)


@pytest.mark.parametrize(
    ("currency", "total", "minor"), [("JPY", "10000", 10_000), ("KWD", "10", 10_000)]
)
def test_currencies_go_back_as_they_came(stripe, run_tasks, currency, total, minor):
    invoice = finalized(total, currency)
    deliver(stripe, *stripe.pay(start(invoice).session_id))

    credit(invoice, refunds=minor)
    run_tasks()

    assert standing(invoice) == ("paid", minor, minor, 0)
