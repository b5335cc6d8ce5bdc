"""Held money that was kept as balance, and then goes back to the payer all the same."""

from functools import partial
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from billing.gateway import disputes
from billing.models import Dispute, Payment, Refund
from billing.selectors import had_twice
from billing.services import desk, disputing, keeping, refunding
from billing.services.keeping import lock_invoice_of, square_kept
from invoices import selectors
from invoices.exceptions import AmountNotAvailable
from invoices.models import BalanceEntry, LedgerEntry
from invoices.services.balances import apply_balance
from invoices.services.correcting import void_invoice
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.receiving import record_payment
from invoices.statements import statement_of
from tests.at_once import at_once
from tests.billing.world import deliver, finalized, standing, start
from tests.factories import MembershipFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]


@pytest.fixture
def kept(held) -> Payment:
    desk.keep_held(payment=held, actor=None, now=timezone.now())
    return held


@pytest.fixture
def customer(invoice):
    return invoice.customer


def balance(customer) -> int:
    return selectors.balances(customer).get("EUR", 0)


def apply(kept, amount) -> None:
    """Let the customer's balance pay that much of another invoice."""
    other = finalized(customer=kept.invoice.customer, business=kept.invoice.business)
    apply_balance(invoice=other, amount=amount, actor=None, now=timezone.now())


def audit() -> str:
    out = StringIO()
    try:
        call_command("audit_books", stdout=out)
    except CommandError:
        return out.getvalue()
    return ""


@pytest.mark.scenario(66)
def test_what_was_kept_is_taken_back_and_given_again_once(
    stripe, invoice, customer, kept
):
    taken = stripe.dispute(kept.payment_intent)

    deliver(stripe, *reversed(taken), *taken)

    assert (balance(customer), standing(invoice)) == (0, ("open", 0, 0, 0))
    assert (had_twice(kept), audit()) == ("", "")
    (dispute_id,) = stripe.disputes
    late = disputes.retrieve_dispute(dispute_id)
    won = stripe.turn_dispute(dispute_id, "won")
    deliver(stripe, *reversed(won), *taken, *won)
    disputing.apply_dispute(fact=late, now=timezone.now())

    assert (balance(customer), standing(invoice)) == (9_000, ("open", 0, 0, 0))
    assert (had_twice(kept), audit()) == ("", "")
    moves = BalanceEntry.objects.order_by("pk").values_list("kind", "amount")
    assert list(moves) == [("held", 9_000), ("held_returned", -9_000), ("held", 9_000)]
    assert Payment.objects.undecided().count() == 0


@pytest.mark.scenario(66)
def test_what_was_withdrawn_and_given_back_unheard_changes_nothing(
    stripe, customer, kept
):
    taken = stripe.dispute(kept.payment_intent)
    won = stripe.turn_dispute(*stripe.disputes, "won")
    entries = stripe.disputes[taken[0]["data"]["object"]["id"]]["balance_transactions"]
    entries.reverse()

    deliver(stripe, *won, *taken)

    assert (balance(customer), audit()) == (9_000, "")
    assert BalanceEntry.objects.count() == 1


@pytest.mark.scenario(66)
def test_an_inquiry_takes_nothing_until_it_becomes_a_dispute(stripe, held, run_tasks):
    deliver(stripe, *stripe.dispute(held.payment_intent, is_inquiry=True))
    desk.keep_held(payment=held, actor=None, now=timezone.now())
    assert balance(held.invoice.customer) == 9_000
    run_tasks()
    mail.outbox.clear()

    (dispute_id,) = stripe.disputes
    deliver(
        stripe,
        *stripe.turn_dispute(dispute_id, "needs_response"),
        *stripe.withdraw(dispute_id),
    )

    assert (balance(held.invoice.customer), audit()) == (0, "")
    run_tasks()
    (message,) = mail.outbox
    assert message.subject.startswith("A payment is disputed")


@pytest.mark.scenario(67)
def test_what_has_paid_another_invoice_is_for_the_owner(
    stripe, client, invoice, customer, kept, run_tasks
):
    apply(kept, 6_000)
    deliver(stripe, *stripe.dispute(kept.payment_intent))

    assert (balance(customer), audit()) == (0, "")
    sentence = f"€60.00 of this was kept for {customer} and has paid other invoices"
    assert had_twice(kept).startswith(sentence)
    assert had_twice(kept).endswith(
        "if the dispute is lost, ask for it on a new invoice."
    )
    today = invoice.business.today(timezone.now())
    account = statement_of(customer, "EUR", start=today, end=today)
    # Two invoices of 100.00 of which nothing has been paid in the end.
    assert account.closing == 20_000
    run_tasks()
    assert sentence in mail.outbox[-1].body
    owner = MembershipFactory(business=invoice.business, role=Role.OWNER)
    client.force_login(owner.user)
    for name, row in (("dispute", Dispute.objects.get()), ("payment", kept)):
        page = client.get(reverse(f"admin:billing_{name}_change", args=[row.pk]))
        assert sentence in page.content.decode()
    page = client.get(reverse("admin:invoices_invoice_change", args=[invoice.pk]))
    assert "Held money that went out twice" in page.content.decode()

    deliver(stripe, *stripe.turn_dispute(*stripe.disputes, "lost"))
    assert had_twice(kept).endswith("again: ask for it on a new invoice.")
    assert audit() == ""


@pytest.mark.scenario(67)
def test_a_dispute_that_is_won_gives_back_what_was_taken_and_no_more(
    stripe, customer, kept
):
    apply(kept, 6_000)
    deliver(stripe, *stripe.dispute(kept.payment_intent, 12_000))
    assert balance(customer) == 0

    deliver(stripe, *stripe.turn_dispute(*stripe.disputes, "won"))

    assert (balance(customer), had_twice(kept), audit()) == (3_000, "", "")


def test_no_more_is_taken_than_was_kept_of_it(stripe, customer, kept):
    now, other = (
        timezone.now(),
        finalized(customer=customer, business=customer.business),
    )
    void_invoice(invoice=other, actor=None, now=now)
    fields = {"amount": 2_000, "received_on": customer.business.today(now)}
    record_payment(invoice=other, fields=fields, actor=None, now=now)
    assert balance(customer) == 11_000

    deliver(stripe, *stripe.dispute(kept.payment_intent, 12_000))

    assert (balance(customer), audit()) == (2_000, "")


def test_a_part_is_taken_of_what_is_here_before_what_was_kept(
    stripe, customer, held, run_tasks
):
    refund = request_refund(held, 4_000)
    desk.keep_held(payment=held, actor=None, now=timezone.now())
    run_tasks()
    refund.refresh_from_db()
    deliver(stripe, *stripe.fail_refund(refund.stripe_id))

    deliver(stripe, *stripe.dispute(held.payment_intent, 5_000))

    assert (balance(customer), audit()) == (4_000, "")
    deliver(stripe, *stripe.turn_dispute(*stripe.disputes, "won"))
    assert (balance(customer), audit()) == (5_000, "")
    assert [row.left for row in Payment.objects.undecided()] == [4_000]


def request_refund(payment, amount) -> Refund:
    return refunding.request_refund(
        payment=payment, amount=amount, reason="", actor=None, now=timezone.now()
    )


def test_what_goes_back_by_the_dashboard_is_taken_and_put_back_if_that_fails(
    stripe, customer, kept
):
    events = stripe.refund_in_dashboard(kept.payment_intent, 2_500)
    deliver(stripe, *events * 2)
    assert (balance(customer), audit()) == (6_500, "")

    deliver(stripe, *stripe.fail_refund(*stripe.refunds) * 2)

    assert (balance(customer), audit()) == (9_000, "")


def test_a_refund_that_stripe_refuses_for_a_dispute_is_the_customers(
    stripe, customer, held, run_tasks
):
    request_refund(held, 4_000)
    desk.keep_held(payment=held, actor=None, now=timezone.now())
    deliver(stripe, *stripe.dispute(held.payment_intent, 5_000))
    assert balance(customer) == 0

    run_tasks()

    assert Refund.objects.get().status == "failed"
    assert (balance(customer), audit()) == (4_000, "")


def test_what_a_credit_note_gave_is_left_and_said(stripe, invoice, customer):
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Returned",
        split=Split(to_balance=10_000),
        actor=None,
        now=timezone.now(),
    )

    deliver(stripe, *stripe.dispute(*stripe.intents, 2_500))

    assert balance(customer) == 10_000
    sentence = had_twice(Payment.objects.get())
    assert sentence.startswith("€25.00 of this had gone back to the customer before")


def test_the_audit_finds_what_nobody_took_back(stripe, kept, monkeypatch):
    with monkeypatch.context() as forgetful:
        forgetful.setattr(disputing, "square_kept", lambda **_: None)
        deliver(stripe, *stripe.dispute(kept.payment_intent))

    assert "payers have 9000 EUR again, of which 0 was used." in audit()


def test_the_audit_finds_what_nobody_put_back(stripe, kept, monkeypatch):
    deliver(stripe, *stripe.dispute(kept.payment_intent))
    with monkeypatch.context() as forgetful:
        forgetful.setattr(disputing, "square_kept", lambda **_: None)
        deliver(stripe, *stripe.turn_dispute(*stripe.disputes, "won"))

    assert "9000 is left, 0 is kept, and 9000 was taken back." in audit()


def test_the_audit_finds_what_was_put_back_twice(stripe, kept, monkeypatch):
    invoice = lock_invoice_of(kept)
    monkeypatch.setattr(keeping, "_missing", lambda payment, invoice: -500)
    square_kept(payment=kept, invoice=invoice, cause="twice", now=timezone.now())

    assert "-500 is left, 9500 is kept, and -500 was taken back." in audit()


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_what_is_applied_at_once_is_not_taken_as_well(stripe, customer, kept):
    others = [
        finalized(customer=customer, business=kept.invoice.business) for _ in range(3)
    ]
    events = stripe.dispute(kept.payment_intent)

    def apply_to(other):
        try:
            apply_balance(invoice=other, amount=4_000, actor=None, now=timezone.now())
        except AmountNotAvailable:
            return "refused"
        return "applied"

    answers = at_once(
        [partial(apply_to, other) for other in others]
        + [partial(deliver, stripe, event) for event in events * 2]
    )

    used = 4_000 * answers.count("applied")
    taken = LedgerEntry.objects.filter(kind="held_from_balance")
    assert [500] not in answers
    assert (balance(customer), audit()) == (0, "")
    assert sum(entry.amount for entry in taken) == 9_000 - used
    assert (f"€{used // 100}.00 of this" in had_twice(kept)) == bool(used)
    deliver(stripe, *stripe.turn_dispute(*stripe.disputes, "won"))
    assert (balance(customer), audit()) == (9_000 - used, "")
