from datetime import UTC, datetime

import pytest
from django.core import mail
from django.utils import timezone

from billing import emails
from billing.models import Dispute, Payment, Refund
from billing.services import refunding
from billing.states import ADVICE, DisputeStatus
from invoices.models import Invoice
from invoices.services.correcting import void_invoice
from tests.billing.world import deliver, start
from tests.unguarded import unguarded

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(stripe, invoice) -> Payment:
    deliver(stripe, *stripe.pay(start(invoice, 4_000).session_id))
    Payment.objects.update(received_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
    return Payment.objects.get()


def texts(message) -> list[str]:
    (html,) = message.alternatives
    assert html.mimetype == "text/html"
    return [message.body, html.content]


def test_the_customer_gets_a_receipt_from_the_seller(payment):
    emails.payment_received(payment)

    invoice = payment.invoice
    (message,) = mail.outbox
    assert message.to == [invoice.customer.email]
    assert message.reply_to == [invoice.business.email]
    assert message.from_email.startswith(f"{invoice.business.name} <")
    assert message.subject == f"Payment received for invoice {invoice.number}"
    for text in texts(message):
        assert "€40.00" in text
        assert "Still due: " in text
        assert "€60.00" in text
        assert "1 March 2026" in text
        assert f"http://localhost:8000/i/{invoice.link_token}/" in text


def test_the_last_receipt_says_that_the_invoice_is_paid(stripe, payment):
    deliver(stripe, *stripe.pay(start(payment.invoice).session_id))

    emails.payment_received(payment)

    for text in texts(mail.outbox[0]):
        assert "The invoice is paid." in text
        assert "Still due" not in text


def test_the_customer_reads_it_in_their_language(payment):
    with unguarded():
        Invoice.objects.update(language="de")
    payment = Payment.objects.get()

    emails.payment_received(payment)

    (message,) = mail.outbox
    number = payment.invoice.number
    assert message.subject == f"Zahlung zu Rechnung {number} eingegangen"
    for text in texts(message):
        assert "40,00\xa0€" in text
        assert "1. März 2026" in text
        assert f"/receipts/{payment.public_id}/" in text


def test_the_customer_is_told_once_that_money_comes_back(payment, run_tasks):
    run_tasks()
    mail.outbox.clear()
    refund = refunding.request_refund(
        payment=payment, amount=1_500, reason="", actor=None, now=timezone.now()
    )

    run_tasks()
    refund.refresh_from_db()
    refunding.send_refund(refund=refund, now=timezone.now())

    run_tasks()
    (message,) = mail.outbox
    assert message.to == [payment.invoice.customer.email]
    assert message.subject == f"Refund for invoice {payment.invoice.number}"
    for text in texts(message):
        assert "€15.00 is on its way back to you" in text


def test_of_a_refund_of_long_ago_nobody_is_told(stripe, payment, run_tasks):
    run_tasks()
    mail.outbox.clear()
    (event, _) = stripe.refund_in_dashboard(payment.payment_intent, 1_500)
    (refund,) = stripe.refunds.values()
    refund["created"] -= 8 * 24 * 60 * 60

    deliver(stripe, event)

    run_tasks()
    assert Refund.objects.get().status == "succeeded"
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("status", "heading", "has_day"),
    [
        ("needs_response", "A payment is disputed", True),
        ("warning_needs_response", "A bank asks about a payment", True),
        ("under_review", "A payment is disputed", False),
        ("lost", "A dispute is lost", False),
    ],
)
def test_the_business_is_told_what_to_do_about_a_dispute(
    stripe, payment, status, heading, has_day
):
    deliver(stripe, *stripe.dispute(payment.payment_intent))
    Dispute.objects.update(due_by=datetime(2026, 3, 9, 9, 30, tzinfo=UTC))
    dispute = Dispute.objects.get()
    dispute.payment.invoice.business.time_zone = "Asia/Tokyo"

    emails.dispute_turned(dispute, DisputeStatus(status), key="turn-1")

    (message,) = mail.outbox
    assert message.to == [payment.invoice.business.email]
    assert message.subject == f"{heading}: invoice {payment.invoice.number}"
    for text in texts(message):
        assert "€40.00" in text
        assert ADVICE[DisputeStatus(status)] in text
        assert "Nothing was delivered" in text
        assert dispute.stripe_url in text
        assert ("Answer by 9 March 2026, 18:30 JST" in text) == has_day


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        ("amount", "It settles nothing until you decide"),
        ("overpaid", "It is being sent back to the payer."),
    ],
)
def test_the_business_is_told_of_money_that_fits_nothing(payment, problem, sentence):
    payment.status, payment.problem = "held", problem

    emails.payment_held(payment)

    (message,) = mail.outbox
    assert message.to == [payment.invoice.business.email]
    for text in texts(message):
        assert "€40.00" in text
        assert payment.get_problem_display() in text
        assert sentence in text
        assert payment.payment_intent in text


def test_the_business_is_told_of_a_refund_that_failed(payment):
    refund = refunding.request_refund(
        payment=payment, amount=1_500, reason="", actor=None, now=timezone.now()
    )
    refund.status = "failed"

    emails.refund_failed(refund)

    (message,) = mail.outbox
    assert message.to == [payment.invoice.business.email]
    for text in texts(message):
        assert "€15.00" in text
        assert "failed" in text
        assert payment.payment_intent in text


def test_what_people_call_themselves_is_text_in_the_page_of_a_mail(stripe, payment):
    payment.invoice.seller["name"] = payment.invoice.buyer["name"] = "<b>A & B</b>"

    emails.payment_received(payment)

    text, html = texts(mail.outbox[0])
    assert "<b>A & B</b>" in text
    assert "<b>" not in html
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in html


def test_held_money_is_told_the_business_and_the_customer_that_it_comes_back(
    stripe, invoice, run_tasks
):
    checkout = start(invoice)
    void_invoice(invoice=invoice, actor=None, now=timezone.now())
    deliver(stripe, *stripe.pay(checkout.session_id))

    run_tasks()

    alert, notice = mail.outbox
    assert alert.to == [invoice.business.email]
    assert notice.to == [invoice.customer.email]
    assert notice.subject == f"Refund for invoice {invoice.number}"
