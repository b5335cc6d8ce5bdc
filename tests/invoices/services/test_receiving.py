from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db.models import Sum

from accounts.models import Event
from invoices import selectors
from invoices.audit.money import balances, payments
from invoices.exceptions import (
    AmountNotAvailable,
    AmountOutOfRange,
    InvalidTransition,
)
from invoices.models import BalanceEntry, ManualPayment
from invoices.services.balances import apply_balance
from invoices.services.correcting import give_up_invoice, void_invoice
from invoices.services.finalizing import finalize_invoice
from invoices.services.receiving import record_payment, reverse_payment
from tests.at_once import at_once
from tests.factories import InvoiceFactory, InvoiceLineFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def another(invoice):
    """Another open invoice over 119.00 for the same customer."""
    line = InvoiceLineFactory(
        invoice__business=invoice.business, invoice__customer=invoice.customer
    )
    return finalize_invoice(invoice=line.invoice, actor=None, now=NOW)


def receive(invoice, amount=11900, key=None, **fields):
    fields = {"method": "transfer", "received_on": date(2026, 2, 27)} | fields
    return record_payment(
        invoice=invoice,
        fields={"amount": amount, **fields},
        actor=None,
        now=NOW,
        key=key,
    )


def take_back(payment):
    return reverse_payment(payment=payment, reason="Bounced", actor=None, now=NOW)


def use(invoice, amount=None):
    return apply_balance(invoice=invoice, amount=amount, actor=None, now=NOW)


def ledger(invoice):
    return list(invoice.ledger.order_by("pk").values_list("kind", "amount"))


def balance(invoice):
    entries = BalanceEntry.objects.filter(customer=invoice.customer)
    return entries.aggregate(sum=Sum("amount", default=0))["sum"]


def test_a_transfer_settles_an_invoice_on_the_day_it_came(invoice):
    actor = UserFactory()

    payment = record_payment(
        invoice=invoice,
        fields={
            "method": "transfer",
            "amount": 11900,
            "received_on": date(2026, 2, 27),
            "reference": "SEPA 4711",
        },
        actor=actor,
        now=NOW,
    )

    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_at.date()) == ("paid", date(2026, 2, 27))
    assert ledger(invoice) == [("payment", 11900)]
    assert (payment.recorded_by, payment.currency) == (actor, "EUR")
    assert [event.actor for event in Event.objects.order_by("pk")] == [actor, None]


def test_a_part_leaves_the_rest_due(invoice):
    receive(invoice, 5000)

    invoice.refresh_from_db()
    assert (invoice.status, selectors.amounts(invoice).due) == ("open", 6900)


def test_what_is_too_much_is_kept_for_the_customer(invoice):
    receive(invoice, 12000)

    assert ledger(invoice) == [("payment", 11900)]
    assert balance(invoice) == 100
    invoice.refresh_from_db()
    assert invoice.status == "paid"


def test_money_for_a_void_invoice_is_kept_whole(invoice):
    void_invoice(invoice=invoice, actor=None, now=NOW)

    receive(invoice)

    invoice.refresh_from_db()
    assert (invoice.status, balance(invoice)) == ("void", 11900)


def test_one_given_up_is_paid_after_all(invoice):
    give_up_invoice(invoice=invoice, actor=None, now=NOW)

    receive(invoice)

    invoice.refresh_from_db()
    assert invoice.status == "paid"


def test_a_draft_receives_nothing():
    with pytest.raises(InvalidTransition, match="finalize it first"):
        receive(InvoiceFactory())


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"amount": 0}, "amount", "greater than or equal to 1"),
        ({"amount": -5}, "amount", "greater than or equal to 1"),
        ({"received_on": date(2026, 3, 2)}, "received_on", "it is 2026-03-01 now"),
        ({"received_on": date(1999, 1, 1)}, "received_on", "Write a date between"),
        ({"method": "gold"}, "method", "not a valid choice"),
    ],
)
def test_record_payment_refuses(invoice, fields, field, sentence):
    with pytest.raises(ValidationError) as refused:
        receive(invoice, **fields)

    assert sentence in refused.value.message_dict[field][0]
    assert not ManualPayment.objects.exists()
    assert ledger(invoice) == []


def test_asked_twice_with_a_key_it_is_booked_once(invoice):
    key = uuid4()

    assert receive(invoice, 5000, key=key) == receive(invoice, 5000, key=key)

    assert ledger(invoice) == [("payment", 5000)]


def test_an_id_is_of_one_payment(invoice):
    key = uuid4()
    receive(invoice, 5000, key=key)

    for row, amount in ((invoice, 5001), (another(invoice), 5000)):
        with pytest.raises(ValidationError) as refused:
            receive(row, amount, key=key)
        assert [*refused.value.message_dict] == ["id"]
    assert ManualPayment.objects.count() == 1


def test_more_than_the_books_hold_is_refused(invoice):
    with pytest.raises(AmountOutOfRange):
        receive(invoice, 10**15 + 1)

    assert not ManualPayment.objects.exists()


def test_taken_back_it_is_due_again_and_both_entries_stay(invoice):
    payment = receive(invoice)

    take_back(payment)

    assert ledger(invoice) == [("payment", 11900), ("payment_reversed", -11900)]
    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_at) == ("open", None)
    assert selectors.amounts(invoice).due == 11900
    assert Event.objects.filter(type="invoice.reopened").count() == 1
    with pytest.raises(InvalidTransition, match="taken back before"):
        take_back(payment)


def test_taken_back_with_what_was_kept_of_it(invoice):
    take_back(receive(invoice, 12000))

    sums = selectors.amounts(invoice)
    assert (sums.paid, sums.refunded, sums.due, balance(invoice)) == (0, 0, 11900, 0)


def test_a_payment_that_was_kept_whole_is_taken_back_whole(invoice):
    void_invoice(invoice=invoice, actor=None, now=NOW)

    take_back(receive(invoice))

    assert (ledger(invoice), balance(invoice)) == ([], 0)


def test_what_bounces_after_it_has_paid_another_invoice_is_owed(invoice):
    payment = receive(invoice, 12000)
    use(another(invoice))

    take_back(payment)

    assert (selectors.amounts(invoice).due, balance(invoice)) == (11900, -100)
    with pytest.raises(AmountNotAvailable, match=r"€0\.00 is kept"):
        use(invoice)
    assert [*payments(invoice.business), *balances(invoice.business)] == []
    # What is paid for it makes up for it, and is nobody's credit.
    receive(invoice, 11900 + 100)
    assert (selectors.amounts(invoice).due, balance(invoice)) == (0, 0)


def test_what_is_kept_has_the_day_on_which_it_came_and_an_event(invoice):
    take_back(receive(invoice, 12000))

    kept, returned = BalanceEntry.objects.order_by("pk")
    assert kept.occurred_at == invoice.ledger.get(kind="payment").occurred_at
    assert (kept.occurred_at.date(), returned.occurred_at) == (date(2026, 2, 27), NOW)
    events = Event.objects.about("invoice", invoice.public_id)
    told = events.filter(type__startswith="invoice.overpayment").order_by("pk")
    assert [(event.type, event.data["amount"]) for event in told] == [
        ("invoice.overpayment_kept", 100),
        ("invoice.overpayment_returned", 100),
    ]


def test_what_a_first_payment_paid_is_due_again_when_it_bounces(invoice):
    first = receive(invoice, 5000)
    receive(invoice, 11900)

    take_back(first)

    # Of the second 69.00 were due; its other 50.00 can pay what is due now.
    assert (selectors.amounts(invoice).due, balance(invoice)) == (5000, 5000)
    use(invoice)
    invoice.refresh_from_db()
    assert (invoice.status, balance(invoice)) == ("paid", 0)


def test_a_balance_pays_the_next_invoice(invoice):
    receive(invoice, 11900 + 20000)
    second, third = another(invoice), another(invoice)

    use(second)
    use(third, 8000)

    second.refresh_from_db()
    assert (second.status, ledger(second)) == ("paid", [("from_balance", 11900)])
    assert (selectors.amounts(third).due, balance(invoice)) == (3900, 100)
    with pytest.raises(AmountNotAvailable, match=r"€1\.00 is kept"):
        use(third, 101)
    use(third)
    assert balance(invoice) == 0
    with pytest.raises(AmountNotAvailable, match=r"€0\.00 is kept"):
        use(third)


def test_a_balance_pays_nothing_that_is_not_open(invoice):
    receive(invoice, 12000)

    for row in (invoice, InvoiceFactory(business=invoice.business)):
        with pytest.raises(InvalidTransition, match="applied to an open one"):
            use(row)


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_a_balance_is_spent_once(invoice):
    receive(invoice, 11900 + 11900)
    invoices = [another(invoice) for _ in range(4)]

    def spend(row):
        try:
            return use(row).number
        except AmountNotAvailable:
            return None

    spent = at_once([lambda row=row: spend(row) for row in invoices])

    assert len([number for number in spent if number]) == 1
    assert balance(invoice) == 0
