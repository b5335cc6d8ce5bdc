from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Business
from billing.models import Payment
from billing.services import refunding
from invoices.models import Invoice
from invoices.services.receiving import record_payment, reverse_payment
from tests.billing.world import deliver, finalized, start
from tests.unguarded import unguarded

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


@pytest.fixture
def payment(stripe, invoice) -> Payment:
    Business.objects.update(time_zone="Europe/Berlin")
    deliver(stripe, *stripe.pay(start(invoice, 4_000).session_id))
    Payment.objects.update(received_at=DAY)
    return Payment.objects.get()


def receipt(invoice, public_id) -> str:
    return reverse("billing:receipt", args=[invoice.link_token, public_id])


def rows(response) -> dict[str, str]:
    return dict(response.context["receipt"].rows)


def test_a_payment_by_card_has_a_receipt_that_the_page_leads_to(
    client, invoice, payment
):
    address = receipt(invoice, payment.public_id)
    page = client.get(reverse("billing:invoice", args=[invoice.link_token]))
    assert f'href="{address}"' in page.content.decode()

    response = client.get(address)

    assert response.headers["X-Robots-Tag"] == "noindex"
    assert f"Receipt for invoice {invoice.number}" in response.content.decode()
    assert rows(response) == {
        "Received from": invoice.buyer["name"],
        "Received by": invoice.seller["name"],
        # Where the business is, it is past midnight.
        "Date": "2 March 2026",
        "Method": "By card or bank, through Stripe",
        "Reference": payment.payment_intent,
        "Amount": "€40.00",
    }


def test_it_says_what_went_back_in_the_customers_language(
    client, invoice, payment, run_tasks
):
    refunding.request_refund(
        payment=payment, amount=1_500, reason="", actor=None, now=DAY
    )
    run_tasks()
    with unguarded():
        Invoice.objects.update(language="fr")

    response = client.get(receipt(invoice, payment.public_id))

    assert rows(response)["Remboursé le 2 mars 2026"] == "15,00\xa0€"
    assert 'lang="fr"' in response.content.decode()


def test_a_transfer_has_one_as_long_as_it_stands(client, invoice):
    now = timezone.now()
    fields = {"method": "transfer", "amount": 4_000, "received_on": DAY.date()}
    paid = record_payment(invoice=invoice, fields=fields, actor=None, now=now)
    address = receipt(invoice, paid.public_id)

    assert rows(client.get(address)) == {
        "Received from": invoice.buyer["name"],
        "Received by": invoice.seller["name"],
        "Date": "1 March 2026",
        "Method": "Bank transfer",
        "Reference": str(paid.public_id),
        "Amount": "€40.00",
    }
    reverse_payment(payment=paid, reason="", actor=None, now=now)
    assert client.get(address).status_code == 404


def test_there_is_none_of_held_money_of_others_and_of_nothing(client, invoice, payment):
    other = finalized()
    held = receipt(invoice, payment.public_id)
    for address in (
        receipt(other, payment.public_id),
        receipt(invoice, uuid4()),
    ):
        assert client.get(address).status_code == 404
    Payment.objects.update(status="held", problem="amount")
    assert client.get(held).status_code == 404
