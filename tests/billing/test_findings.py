"""What reconciliation leaves to a person: found, told once, and over."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection
from django.db.models import TextChoices
from django.urls import reverse
from django.utils import timezone

from accounts.models import Event
from accounts.roles import Role
from billing.exceptions import PaymentRejected
from billing.gateway import sessions
from billing.models import (
    Checkout,
    Dispute,
    Payment,
    ReconciliationFinding,
    ReconciliationRun,
    Refund,
)
from billing.services.reconciling import returns
from billing.states import CheckoutStatus
from invoices.guards import lifted
from invoices.models import Invoice, LedgerEntry
from tests.billing.world import deliver, finalized, reconcile, start
from tests.factories import MembershipFactory, UserFactory
from tests.rows import finding

pytestmark = pytest.mark.django_db

DAY = 24 * 3600
WEEK_AGO = timedelta(days=7)


@pytest.fixture
def paid(stripe, business) -> Payment:
    invoice = finalized(business=business)
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    return Payment.objects.get()


def other_amount(stripe, payment):
    Payment.objects.update(amount=9_000)
    return "Stripe received €100.00, and €90.00 is booked."


def other_session(stripe, payment):
    Checkout.objects.update(session_id="cs_test_other")
    return "is booked as of another session"


def stray(stripe, payment):
    (intent,) = stripe.intents.values()
    stripe._account.intents["pi_stray"] = intent | {"id": "pi_stray"}
    return "pi_stray: €100.00 arrived at Stripe, and nothing here asked for it."


def unknown_invoice(stripe, payment):
    session = stripe.sessions[start(finalized()).session_id]
    stripe.pay(session["id"])
    session["metadata"] = {"checkout": str(uuid4()), "invoice": str(uuid4())}
    Checkout.objects.filter(session_id=session["id"]).delete()
    return f"{session['id']}: €100.00 was paid for an invoice that is not here."


def other_refund(stripe, payment):
    deliver(stripe, *stripe.refund_in_dashboard(payment.payment_intent, 2_500))
    Refund.objects.update(status="failed")
    return "Stripe says €25.00 succeeded, and we say €25.00 failed."


def other_dispute(stripe, payment):
    deliver(stripe, *stripe.dispute(payment.payment_intent))
    payment.disputes.update(status="prevented")
    return "Stripe says €100.00 needs_response, and we say prevented."


def other_movement(stripe, payment):
    for moved in stripe.balance.values():
        moved |= {"amount": 9_000, "net": 9_000 - moved["fee"]}
    return "Stripe moved €90.00"


def unbooked(stripe, payment):
    with lifted(connection, "a test"):
        LedgerEntry.objects.all().delete()
    return "and nothing is booked."


def unmoved(stripe, payment):
    stripe._account.balance.clear()
    Payment.objects.update(received_at=timezone.now() - timedelta(days=2, hours=12))
    return "€100.00 is booked, and Stripe's balance has nothing of it."


def other_status(stripe, payment):
    Invoice.objects.update(status="open", paid_at=None)
    return "it is open, and the ledger leaves 0 of it."


def slow_debit(stripe, payment):
    checkout = start(finalized())
    stripe.pay(checkout.session_id, "bank")
    stripe.sessions[checkout.session_id]["created"] -= 15 * DAY
    Checkout.objects.filter(pk=checkout.pk).update(
        status=CheckoutStatus.PROCESSING, started_at=timezone.now() - 2 * WEEK_AGO
    )
    return "A payment has been on its way for 14 days."


def unknown_to_stripe(stripe, payment):
    checkout = start(finalized())
    del stripe._account.sessions[checkout.session_id]
    Checkout.objects.filter(pk=checkout.pk).update(
        expires_at=timezone.now() - timedelta(hours=1)
    )
    return "Stripe refuses: resource_missing."


def failing_event(stripe, payment):
    stripe.event(
        "checkout.session.completed", {"id": "cs_test_gone"} | _session(stripe)
    )
    return "Stripe refuses: resource_missing."


def returned_debit(stripe, payment):
    (charge,) = stripe.charges.values()
    stripe._account.move("payment_failure_refund", charge, -10_000)
    return "and nothing is booked."


def unheard_of(stripe, payment):
    stripe.refund_in_dashboard(payment.payment_intent, 2_500)
    for refund in stripe.refunds.values():
        refund["status"] = "quite_new"
    return "is “quite_new”, which this release does not know. Nothing of it is booked."


def unheard_of_later(stripe, payment):
    deliver(stripe, *stripe.refund_in_dashboard(payment.payment_intent, 2_500))
    for refund in stripe.refunds.values():
        refund["status"] = "quite_new"
    return "is “quite_new”, which this release does not know. Nothing of it is booked."


def unexpected(stripe, payment):
    # Whatever else is wrong with one row.
    stripe.refund_in_dashboard(payment.payment_intent, 2_500)
    for refund in stripe.refunds.values():
        refund["amount"] = 0
    return "It could not be mended: IntegrityError. The log says why."


def event_of_another_account(stripe, payment):
    event = stripe.event("checkout.session.completed", _session(stripe) | {"id": "cs_"})
    event["account"] = "acct_other"
    return (
        f"{event['id']}: checkout.session.completed is not acted on: it is of another"
    )


def refund_unknown_to_stripe(stripe, payment):
    deliver(stripe, *stripe.refund_in_dashboard(payment.payment_intent, 2_500))
    Refund.objects.update(
        stripe_id="re_gone",
        status="pending",
        requested_at=timezone.now() - 2 * WEEK_AGO,
    )
    return "Stripe refuses: resource_missing."


def dispute_unknown_to_stripe(stripe, payment):
    deliver(stripe, *stripe.dispute(payment.payment_intent))
    Dispute.objects.update(stripe_id="dp_gone", opened_at=timezone.now() - 2 * WEEK_AGO)
    return "Stripe refuses: resource_missing."


def _session(stripe):
    (session,) = stripe.sessions.values()
    return {name: value for name, value in session.items() if name != "id"}


CASES = [
    *(other_amount, other_session, stray, unknown_invoice, other_refund),
    *(other_dispute, other_movement, unbooked, unmoved, other_status),
    *(slow_debit, unknown_to_stripe, failing_event, returned_debit, unheard_of),
    *(unheard_of_later, refund_unknown_to_stripe, dispute_unknown_to_stripe),
    *(unexpected, event_of_another_account),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_what_does_not_fit_is_for_a_person(stripe, paid, case):
    words = case(stripe, paid)

    code, said = reconcile()

    assert code == 1
    assert words in said
    row = ReconciliationFinding.objects.open().first()
    assert row.words in said
    assert ReconciliationRun.objects.get().found >= 1


def test_what_this_release_does_not_know_is_told_in_a_sentence(
    stripe, paid, monkeypatch
):
    deliver(stripe, *stripe.dispute(paid.payment_intent))
    (dispute_id,), open_ = stripe.disputes, start(finalized())
    read = sessions._session

    def newer(answer):
        session = read(answer)
        is_it = session.id == open_.session_id
        return replace(session, status="quite_new") if is_it else session

    with monkeypatch.context() as patch:
        patch.setattr(sessions, "_session", newer)
        patch.setattr(returns, "DisputeStatus", Fewer)
        code, said = reconcile()

    assert code == 1
    assert f"{dispute_id} is “needs_response”, which this release does not" in said
    assert f"{open_.session_id} is “quite_new, unpaid”, which this release" in said
    assert reconcile()[0] == 0


class Fewer(TextChoices):
    """The statuses of a release that does not know what else there is."""

    WON = "won"


def test_what_our_key_may_not_list_keeps_nothing_else_waiting(
    stripe, business, monkeypatch
):
    invoice = finalized(business=business)
    stripe.pay(start(invoice).session_id)

    def refuse(since, until):
        raise PaymentRejected("Stripe did not accept this.", "PermissionError")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("billing.gateway.disputes.list_disputes", refuse)
        code, said = reconcile()

    assert code == 2
    assert "! key: disputes: Stripe refuses to list disputes: PermissionError." in said
    assert Payment.objects.get().invoice == invoice
    assert ReconciliationRun.objects.get().status == "incomplete"
    assert reconcile()[0] == 0


def test_what_is_nobodys_is_not_told_a_business(stripe, paid, run_tasks):
    operator = UserFactory(is_superuser=True, email="operator@example.com")
    UserFactory(is_superuser=True, is_active=False)
    stray(stripe, paid)
    intent = stripe.intents["pi_stray"]
    intent["metadata"] = {}
    reconcile()

    mail.outbox.clear()
    run_tasks()

    told = [(message.subject, message.to) for message in mail.outbox]
    assert ("Something at Stripe does not fit the books", [operator.email]) in told
    assert [paid.invoice.business.email] not in [to for _, to in told]


def test_where_there_is_no_operator_nobody_is_told(stripe, paid, run_tasks):
    stray(stripe, paid)
    stripe.intents["pi_stray"]["metadata"] = {}
    run_tasks()
    mail.outbox.clear()

    assert reconcile()[0] == 1

    run_tasks()
    assert mail.outbox == []


def test_a_dry_run_finds_and_keeps_nothing(stripe, paid):
    words = stray(stripe, paid)

    code, said = reconcile("--dry-run")

    assert (code, words in said) == (1, True)
    assert not ReconciliationFinding.objects.exists()


def test_a_business_is_told_once(stripe, paid, run_tasks):
    stray(stripe, paid)
    for _ in range(2):
        assert reconcile()[0] == 1
    run_tasks()

    to = [paid.invoice.business.email]
    (message,) = [each for each in mail.outbox if each.to == to]
    assert "€100.00 arrived at Stripe" in message.body
    assert "pi_stray" in message.body
    assert message.extra_headers["Message-ID"].startswith("<money-to-look-at-")
    assert Event.objects.filter(type="reconciliation.found").count() == 1


def test_many_findings_are_one_mail_that_shows_the_first(stripe, paid, run_tasks):
    (intent,) = stripe.intents.values()
    for number in range(23):
        copy = {"id": f"pi_{number:02}"}
        stripe._account.intents[copy["id"]] = intent | copy

    reconcile()

    run_tasks()
    (message,) = [each for each in mail.outbox if "23 things" in each.subject]
    assert message.body.count("At Stripe:") == 20
    assert "And 3 more." in message.body


def test_a_finding_that_a_later_run_does_not_see_is_over(stripe, paid):
    stray(stripe, paid)
    reconcile()
    del stripe._account.intents["pi_stray"]

    code, _ = reconcile()

    row = ReconciliationFinding.objects.get()
    assert code == 0
    assert row.ended_at
    assert row.note == ""


def test_a_finding_that_no_window_holds_any_more_stays(stripe, paid):
    stray(stripe, paid)
    stripe.intents["pi_stray"]["created"] -= 6 * DAY
    reconcile("--since", f"{timezone.now() - WEEK_AGO:%Y-%m-%d}")

    code, said = reconcile()

    assert (code, "pi_stray" in said) == (1, False)
    assert "1 findings wait for a person" in said


def test_what_comes_back_after_it_was_over_is_told_again(stripe, paid, run_tasks):
    stray(stripe, paid)
    reconcile()
    intent = stripe._account.intents.pop("pi_stray")
    reconcile()
    stripe._account.intents["pi_stray"] = intent

    assert reconcile()[0] == 1

    run_tasks()
    row = ReconciliationFinding.objects.get()
    assert (row.ended_at, len(mail.outbox)) == (None, 3)


def settle(client, row, note="Refunded at Stripe"):
    path = reverse("admin:billing_reconciliationfinding_settle", args=[row.pk])
    return client.post(path, {"note": note}, follow=True)


def test_what_a_person_settled_stays_so_until_it_says_something_else(
    stripe, paid, desk, owner
):
    stray(stripe, paid)
    reconcile()
    row = ReconciliationFinding.objects.get()

    response = settle(desk, row)

    row.refresh_from_db()
    assert (row.note, row.settled_by) == ("Refunded at Stripe", owner)
    assert "It is noted as settled." in map(str, response.context["messages"])
    assert reconcile()[0] == 0
    stripe.intents["pi_stray"]["amount_received"] = 9_000
    assert reconcile()[0] == 1


def test_what_is_over_is_not_settled_again(desk, business):
    row = finding(business, ended_at=timezone.now())

    response = settle(desk, row)

    row.refresh_from_db()
    assert "This is over already" in response.content.decode()
    assert row.note == ""


@pytest.mark.parametrize(
    ("role", "of_own", "status"),
    [(Role.VIEWER, True, 403), (Role.OWNER, False, 404), (Role.AUTHOR, True, 403)],
)
def test_who_may_not_settle_does_not(client, business, role, of_own, status):
    client.force_login(MembershipFactory(business=business, role=role).user)
    row = finding(business if of_own else None)

    assert settle(client, row).status_code == status

    row.refresh_from_db()
    assert row.ended_at is None


def test_an_operator_settles_what_is_nobodys_and_looks_it_up(client):
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    row = finding(None)
    page = "admin:billing_reconciliationfinding_at_stripe"

    response = client.get(reverse(page, args=[row.pk]))

    search = "https://dashboard.stripe.com/test/search?query="
    assert response.url == f"{search}{row.subject}"
    assert settle(client, row).status_code == 200
    row.refresh_from_db()
    assert row.ended_at


def test_the_front_page_says_what_does_not_fit(desk, business):
    assert "do not fit" not in desk.get(reverse("admin:index")).content.decode()
    for of in (business, business, None):
        finding(of)

    said = desk.get(reverse("admin:index")).content.decode()

    assert "2 things at Stripe do not fit the books." in said
    assert "Books last held against Stripe on" in said
