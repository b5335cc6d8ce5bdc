"""The customer's pages are in the language of the document."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.models import Checkout
from invoices.models import Invoice
from tests.billing.world import deliver, finalized, start

pytestmark = pytest.mark.django_db


def address(name: str, invoice: Invoice) -> str:
    return reverse(f"billing:{name}", args=[invoice.link_token])


def see(invoice: Invoice):
    return Client().get(address("invoice", invoice))


def pay(invoice: Invoice, amount: str):
    return Client().post(address("pay", invoice), {"amount": amount})


def test_a_german_customer_is_shown_a_german_page(stripe):
    invoice = finalized("1234.50", language="de", issue_date=date(2026, 3, 2))

    open_page = see(invoice).text
    checkout = start(invoice, 100_000)
    deliver(stripe, *stripe.pay(checkout.session_id))
    back = Client().get(address("return", invoice), {"session": checkout.session_id})
    page = see(invoice)

    assert '<html lang="de">' in page.text
    assert "Offener Betrag" in page.text
    assert "1.234,50\xa0€ bezahlen" in open_page
    assert '<time datetime="2026-03-02">2. März 2026</time>' in page.text
    assert 'seit dem <time datetime="2026-03-16">16. März 2026</time>' in page.text
    assert "1.000,00\xa0€ zu Rechnung" in back.text
    assert f"{timezone.localdate():%d.%m.%Y}</time>" in page.text
    assert [row.what for row in page.context["payments"]] == ["Zahlung"]
    for english in ("Invoice", "Amount", "Payment", "Issued", "€1", "Download"):
        assert english not in page.text.replace("PayMyInvoice", "")
    # The words of the next page are those of its own invoice.
    assert "Amount due" in see(finalized()).text


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("vierzig", "Bitte geben Sie einen Betrag in Ziffern an, zum Beispiel 12,5."),
        ("1.000,5", "Bitte geben Sie einen Betrag in Ziffern an, zum Beispiel 12,5."),
        ("1,005", "Bitte geben Sie einen Betrag in Ziffern an, zum Beispiel 12,5."),
        (
            "100,01",
            "Dieser Betrag kann hier nicht bezahlt werden. Offen sind 100,00\xa0€",
        ),
    ],
)
def test_what_cannot_be_paid_is_explained_in_german(stripe, amount, sentence):
    invoice = finalized(language="de")

    response = pay(invoice, amount)

    assert response.status_code == 400
    assert response.context["pay_error"].startswith(sentence)
    assert stripe.requests == []


def test_a_german_customer_writes_a_comma_and_pays_a_part(stripe):
    assert pay(finalized(language="de"), "12,50").status_code == 303
    assert Checkout.objects.get().amount == 1_250
    # Where it groups thousands, it is no decimal.
    assert pay(finalized(), "12,50").status_code == 400


def test_an_expired_link_says_so_in_the_customers_language():
    german = finalized(language="de")
    Invoice.objects.filter(pk=german.pk).update(link_expires_at=timezone.now())

    page = see(german).text

    assert "Dieser Link ist abgelaufen" in page
    assert f"?subject=Neuer%20Link%20zu%20Rechnung%20{german.number}" in page


def test_what_a_business_typed_is_escaped_in_our_sentences(stripe):
    invoice = finalized(business__name="<b>Smith & Sons</b>")

    page = see(invoice).text

    assert "<b>Smith" not in page
    assert "from &lt;b&gt;Smith &amp; Sons&lt;/b&gt; for" in page
