from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.models import Checkout
from billing.services import refunding
from invoices.models import Invoice, InvoiceAdjustment
from invoices.services.attaching import attach_file
from invoices.services.correcting import void_invoice
from invoices.services.finalizing import finalize_invoice
from invoices.services.receiving import record_payment
from tests.billing.page import address, see
from tests.billing.world import deliver, finalized, standing, start
from tests.factories import InvoiceFactory, InvoiceLineFactory, TaxRateFactory
from tests.unguarded import unguarded

pytestmark = pytest.mark.django_db

SESSIONS = "/v1/checkout/sessions"
LEAVE_ENOUGH = (
    "Pay at least €0.50, and leave at least as much for later, or pay all that is due."
)
DOWN = "Payments are not available this minute; nothing was charged. Try again."


def pay(invoice: Invoice, amount: str | None = None):
    data = {} if amount is None else {"amount": amount}
    return Client().post(address("pay", invoice), data)


def expire_link(invoice: Invoice) -> None:
    Invoice.objects.filter(pk=invoice.pk).update(link_expires_at=timezone.now())


def test_the_customer_sees_what_is_due_and_how_to_pay(invoice):
    response = see(invoice)

    assert response.status_code == 200
    context = response.context
    assert context["state"] == "payable"
    assert context["amounts"].due == 10_000
    assert [line.description for line in context["lines"]] == ["Work"]
    assert [tax.net for tax in context["taxes"]] == [10_000]
    assert (context["payments"], context["is_overdue"]) == ([], False)
    assert (context["pay_error"], context["token"]) == ("", invoice.link_token)
    text = response.text
    assert f'action="{address("pay", invoice)}"' in text
    assert "€100.00" in text


@pytest.mark.parametrize("name", ["invoice", "document", "return", "pay"])
def test_no_page_is_indexed_or_named_to_other_sites(invoice, name):
    client, path = Client(), address(name, invoice)
    checkout = start(invoice)

    response = (
        client.post(path)
        if name == "pay"
        else client.get(path, {"session": checkout.session_id})
    )

    assert response.status_code in {200, 303}
    assert response["X-Robots-Tag"] == "noindex"
    assert response["Referrer-Policy"] == "same-origin"
    assert "private" in response["Cache-Control"]
    assert ("no-store" in response["Cache-Control"]) == (name != "document")


def test_the_pages_set_no_cookie(invoice):
    assert see(invoice).cookies == {}


def test_looking_takes_the_same_number_of_queries_however_much_there_is(
    stripe, invoice, django_assert_num_queries
):
    with django_assert_num_queries(11):
        see(invoice)
    for _ in range(3):
        deliver(stripe, *stripe.pay(start(invoice, 1_000).session_id))

    with django_assert_num_queries(11):
        see(invoice)


def test_what_is_payable_is_charged_and_not_the_total(stripe):
    invoice = finalized(
        "100.03", prepaid_amount=Decimal(40), cash_rounding=5, currency="CHF"
    )

    text = see(invoice).text
    answer = pay(invoice)

    for amount in (
        "CHF\xa0100.03",
        "\N{MINUS SIGN}CHF\xa040.00",
        "CHF\xa00.02",
        "CHF\xa060.05",
    ):
        assert f'<dd class="amount">{amount}</dd>' in text
    assert "Pay CHF\xa060.05" in text
    checkout = Checkout.objects.get()
    assert (answer.status_code, checkout.amount) == (303, 6_005)
    deliver(stripe, *stripe.pay(checkout.session_id))
    assert standing(invoice) == ("paid", 6_005, 0, 0)


def test_an_invoice_that_was_prepaid_shows_that_it_is_paid(stripe):
    invoice = finalized("100", prepaid_amount=Decimal(100))

    text = see(invoice).text
    answer = pay(invoice)

    assert '<p class="slip__amount amount">€100.00</p>' in text
    assert f'action="{address("pay", invoice)}"' not in text
    assert (answer.status_code, Checkout.objects.count()) == (409, 0)


def test_charges_and_allowances_are_shown_as_the_prices_are(stripe):
    rate = TaxRateFactory(percent=Decimal(25))
    draft = InvoiceFactory(business=rate.business, prices_include_tax=True)
    InvoiceLineFactory(
        invoice=draft,
        tax_rate=rate,
        quantity=Decimal(12),
        unit="kg",
        unit_price=Decimal(500),
        base_quantity=Decimal(100),
        charge_amount=Decimal(40),
    )
    InvoiceAdjustment.objects.create(
        invoice=draft, reason="Freight", amount=Decimal(25), tax_rate=rate
    )
    InvoiceAdjustment.objects.create(
        invoice=draft,
        reason="Regular",
        is_charge=False,
        percent=Decimal(10),
        tax_rate=rate,
    )

    text = see(finalize_invoice(invoice=draft, actor=None, now=timezone.now())).text

    for said in ("12 kg", "€500.00 for 100", "plus €40.00", "Regular 10 %", "Freight"):
        assert said in text
    for amount in ("€100.00", "€25.00", "-€10.00", "€92.00", "€23.00", "€115.00"):
        assert f'<dd class="amount">{amount}</dd>' in text


@pytest.mark.parametrize("name", ["invoice", "document", "return"])
def test_a_wrong_link_shows_nothing(invoice, name):
    path = reverse(f"billing:{name}", args=[invoice.link_token.swapcase()])

    assert Client().get(path).status_code == 404


def test_a_draft_has_no_link():
    InvoiceFactory()

    assert Client().get(reverse("billing:invoice", args=["None"])).status_code == 404


@pytest.mark.parametrize("name", ["invoice", "document", "return", "pay"])
def test_an_expired_link_says_so_and_whom_to_ask(stripe, invoice, name):
    expire_link(invoice)
    client, path = Client(), address(name, invoice)

    response = client.post(path) if name == "pay" else client.get(path)

    assert response.status_code == 410
    assert response["X-Robots-Tag"] == "noindex"
    assert invoice.business.email in response.text
    assert stripe.requests == []


def test_an_overdue_invoice_says_so(invoice):
    yesterday = timezone.now().date() - timedelta(days=1)
    days = {"issue_date": yesterday, "due_date": yesterday}
    with unguarded():
        Invoice.objects.filter(pk=invoice.pk).update(**days)

    response = see(invoice)

    assert response.context["is_overdue"] is True
    assert "Overdue" in response.text


@pytest.mark.parametrize("name", ["invoice", "document", "return"])
def test_looking_is_no_post_and_paying_no_get(invoice, name):
    assert Client().post(address(name, invoice)).status_code == 405
    assert Client().get(address("pay", invoice)).status_code == 405


def test_paying_leads_to_stripe(stripe, invoice):
    response = pay(invoice)

    checkout = Checkout.objects.get()
    assert response.status_code == 303
    assert response["Location"] == checkout.session_url
    assert checkout.session_url.startswith("https://checkout.stripe.com/")


def test_a_browser_that_hides_where_it_comes_from_can_pay(stripe, invoice):
    client = Client(enforce_csrf_checks=True)

    response = client.post(address("pay", invoice), headers={"Origin": "null"})

    assert response.status_code == 303


def test_a_part_can_be_paid(stripe, invoice):
    assert pay(invoice, "40").status_code == 303

    assert Checkout.objects.get().amount == 4_000


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("forty", "Write an amount in figures, such as 12.50."),
        ("-1", "Ensure this value is greater than or equal to 0."),
        ("10.005", "Ensure that there are no more than 2 decimal places."),
        ("1" * 100, "Ensure that there are no more than 15 digits in total."),
        ("NaN", "Write an amount in figures, such as 12.50."),
        ("100.01", "Pay an amount up to what is due, €100.00."),
        ("0", "Pay an amount up to what is due, €100.00."),
        ("99.99", LEAVE_ENOUGH),
    ],
)
def test_an_amount_that_cannot_be_paid_is_explained(stripe, invoice, amount, sentence):
    response = pay(invoice, amount)

    assert response.status_code == 400
    assert response.context["pay_error"] == sentence
    assert stripe.requests == []


def test_what_is_below_stripes_minimum_is_explained(stripe):
    response = pay(finalized("0.20"))

    assert response.status_code == 400
    assert response.context["pay_error"] == "€0.20 is less than can be paid by Stripe."


def test_a_void_invoice_shows_that_nothing_is_owed(stripe, invoice):
    void_invoice(invoice=invoice, actor=None, now=timezone.now())

    response = pay(invoice)

    assert response.status_code == 409
    assert response.context["state"] == "void"
    assert (
        response.context["pay_error"] == "This invoice is void: nothing is owed on it."
    )
    assert see(invoice).context["state"] == "void"


def test_a_paid_invoice_shows_what_was_paid_and_when(stripe, invoice):
    deliver(stripe, *stripe.pay(start(invoice).session_id))

    response = pay(invoice)

    assert response.status_code == 409
    assert response.context["pay_error"] == "This invoice is paid already."
    assert response.context["state"] == "paid"
    (movement,) = response.context["payments"]
    assert (movement.amount, movement.currency, movement.kind) == (
        10_000,
        "EUR",
        "payment",
    )


def test_days_are_those_of_the_business(now):
    invoice = finalized(business__time_zone="Pacific/Auckland")
    # Still the day before where the clock of the site is.
    record_payment(
        invoice=invoice,
        fields={"amount": 10_000, "received_on": date(2026, 2, 28)},
        actor=None,
        now=now,
    )

    page = see(invoice).content.decode()

    assert page.count('datetime="2026-02-28"') == 2
    assert 'datetime="2026-02-27"' not in page
    assert timezone.get_current_timezone_name() == "UTC"


def test_while_stripe_is_down_the_page_says_that_nothing_was_charged(stripe, invoice):
    stripe.fault("POST", SESSIONS, "500_before", 2)

    response = pay(invoice)

    assert response.status_code == 503
    assert response.context["pay_error"] == DOWN
    assert DOWN in response.text


def test_while_a_debit_is_on_its_way_there_is_nothing_to_press(stripe, invoice):
    deliver(stripe, *stripe.pay(start(invoice).session_id, "bank"))

    assert see(invoice).context["state"] == "processing"
    response = pay(invoice)
    assert response.status_code == 409
    assert address("pay", invoice) not in response.text


def test_a_refund_is_shown_and_held_money_that_went_back_as_one(
    stripe, invoice, run_tasks
):
    first = start(invoice)
    deliver(stripe, *stripe.pay(first.session_id))
    payment = first.payments.get()
    refund = refunding.request_refund(
        payment=payment, amount=4_000, reason="", actor=None, now=timezone.now()
    )
    run_tasks()
    assert see(invoice).context["state"] == "paid"

    refunding.request_refund(
        payment=payment, amount=None, reason="", actor=None, now=timezone.now()
    )
    run_tasks()

    context = see(invoice).context
    assert context["state"] == "refunded"
    kinds = [(row.kind, row.amount) for row in context["payments"]]
    assert kinds == [("payment", 10_000), ("refund", -4_000), ("refund", -6_000)]
    assert refund.payment == payment


def test_held_money_is_shown_on_its_way_back(stripe, invoice, run_tasks):
    checkout = start(invoice)
    void_invoice(invoice=invoice, actor=None, now=timezone.now())
    deliver(stripe, *stripe.pay(checkout.session_id))
    run_tasks()

    shown = see(invoice).context["payments"]

    assert [row.kind for row in shown] == ["held", "refund"]


def test_the_document_is_the_stored_pdf(invoice):
    response = Client().get(address("document", invoice))

    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == f'inline; filename="{invoice.number}.pdf"'
    assert response["Cache-Control"] == "private"
    assert response.content.startswith(b"%PDF-")
    assert response.content == Client().get(address("document", invoice)).content


def test_what_cannot_be_paid_here_has_no_button_that_fails():
    invoice = finalized(total="5.124", currency="KWD")

    page = see(invoice).content.decode()

    assert "Only steps of KWD" in page
    assert "Please ask" in page
    assert "Pay KWD" not in page
    assert "Pay this part" in page


def test_the_customer_downloads_files_that_are_shown_and_no_others(invoice, now):
    def attach(content, name, **said):
        return attach_file(
            invoice=invoice,
            upload=ContentFile(content, name),
            actor=None,
            now=now,
            **said,
        )

    shown = attach(b"%PDF-1", "Plan.pdf", is_shown=True)
    kept = attach(b"%PDF-2", "Costs.pdf", is_mailed=True)

    text = see(invoice).text
    token = invoice.link_token

    assert ("Plan.pdf" in text, "Costs.pdf" in text) == (True, False)
    file = Client().get(reverse("billing:file", args=[token, shown.public_id]))
    assert file.content == b"%PDF-1"
    assert file["Content-Disposition"] == 'attachment; filename="Plan.pdf"'
    assert file["Content-Security-Policy"].startswith("sandbox")
    for other in (kept.public_id, invoice.public_id):
        refused = Client().get(reverse("billing:file", args=[token, other]))
        assert refused.status_code == 404
