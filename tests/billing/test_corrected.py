"""What a customer sees of an invoice that was credited, or paid past Stripe."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.models import Payment
from invoices.models import CreditNote, Invoice
from invoices.services.balances import apply_balance
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.receiving import record_payment, reverse_payment
from tests.billing.page import see
from tests.billing.world import deliver, finalized, start

pytestmark = pytest.mark.django_db


def text(invoice: Invoice) -> str:
    return " ".join(see(invoice).content.decode().split())


def credit(invoice: Invoice, part: int = 1, **split: int) -> CreditNote:
    line = invoice.lines.get()
    return issue_credit_note(
        invoice=invoice,
        quantities={line.pk: line.quantity / part},
        reason="Returned <late>",
        split=Split(**split),
        actor=None,
        now=timezone.now(),
    )


def receive(invoice: Invoice, amount: int):
    today = invoice.business.today(timezone.now())
    return record_payment(
        invoice=invoice,
        fields={
            "method": "transfer",
            "amount": amount,
            "received_on": today - timedelta(days=1),
        },
        actor=None,
        now=timezone.now(),
    )


def document(invoice: Invoice, note_id: object):
    return Client().get(
        reverse("billing:credit_note", args=[invoice.link_token, note_id])
    )


def test_what_was_credited_is_no_longer_asked_for(stripe, invoice):
    note = credit(invoice, 4)

    shown = text(invoice)

    assert "Pay €75.00" in shown
    assert note.number in shown
    assert "Returned &lt;late&gt;" in shown
    assert start(invoice).amount == 7_500


def test_a_credit_note_can_be_downloaded(invoice):
    note = credit(invoice)

    response = document(invoice, note.public_id)

    assert response.content.startswith(b"%PDF-")
    assert note.number in response["Content-Disposition"]
    assert response["X-Robots-Tag"] == "noindex"
    assert f'href="{response.request["PATH_INFO"]}"' in text(invoice)


def test_a_link_opens_its_own_credit_notes_only(invoice):
    other = finalized()
    note = credit(other)

    for note_id in (note.public_id, uuid4()):
        assert document(invoice, note_id).status_code == 404

    assert document(other, note.public_id).status_code == 200
    other.link_expires_at = timezone.now()
    other.save()
    assert document(other, note.public_id).status_code == 410


def test_all_of_it_credited_is_not_called_paid(invoice):
    credit(invoice)

    response = see(invoice)

    assert response.context["state"] == "credited"
    shown = " ".join(response.content.decode().split())
    assert "credited all of this invoice. Nothing is due." in shown
    assert "Thank you" not in shown


def test_what_came_past_stripe_is_a_movement(invoice):
    first = receive(invoice, 2_000)
    reverse_payment(payment=first, reason="Bounced", actor=None, now=timezone.now())
    receive(invoice, 11_000)

    rows = see(invoice).context["payments"]

    assert [(row.kind, row.method, row.amount) for row in rows] == [
        ("payment", "Bank transfer", 2_000),
        ("payment", "Bank transfer", 10_000),
        ("payment_reversed", "Bank transfer", -2_000),
    ]
    shown = text(invoice)
    assert "Payment: bank transfer" in shown
    assert "Payment taken back" in shown


def test_what_was_paid_from_the_balance_says_so(stripe, invoice):
    receive(invoice, 13_000)
    following = finalized("50", business=invoice.business, customer=invoice.customer)
    apply_balance(invoice=following, amount=None, actor=None, now=timezone.now())

    shown = text(following)

    assert "Paid from your balance" in shown
    assert "Pay €20.00" in shown


def test_what_went_back_otherwise_says_so(stripe, invoice):
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    assert Payment.objects.count() == 1

    credit(invoice, to_balance=6_000, out_of_band=4_000)

    assert see(invoice).context["state"] == "refunded"
    shown = text(invoice)
    assert "Kept as your balance" in shown
    assert "Paid back to you" in shown
