from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Event
from billing.models import Checkout
from billing.services import refunding
from invoices.models import Invoice, InvoiceAdjustment
from invoices.services import opening
from invoices.services.attaching import attach_file
from invoices.services.correcting import void_invoice
from invoices.services.finalizing import finalize_invoice
from invoices.services.receiving import record_payment
from tests.billing.world import deliver, finalized, standing, start
from tests.factories import (
    BusinessFactory,
    InvoiceFactory,
    InvoiceLineFactory,
    MembershipFactory,
    TaxRateFactory,
)
from tests.unguarded import unguarded

pytestmark = pytest.mark.django_db

SESSIONS = "/v1/checkout/sessions"
LEAVE_ENOUGH = (
    "Pay at least €0.50, and leave at least as much for later, or pay all that is due."
)
DOWN = "Payments are not available this minute; nothing was charged. Try again."


def address(name: str, invoice: Invoice) -> str:
    return reverse(f"billing:{name}", args=[invoice.link_token])


def see(invoice: Invoice):
    return Client().get(address("invoice", invoice))


def pay(invoice: Invoice, amount: str | None = None):
    data = {} if amount is None else {"amount": amount}
    return Client().post(address("pay", invoice), data)


def come_back(invoice: Invoice, session_id: str | None):
    query = {} if session_id is None else {"session": session_id}
    return Client().get(address("return", invoice), query)


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
        (
            "99.99",
            LEAVE_ENOUGH,
        ),
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


@pytest.mark.scenario(50)
@pytest.mark.parametrize("session_id", [None, "", "cs_test_random", "x" * 5000])
def test_a_return_with_a_session_of_nobody_asks_stripe_nothing(
    stripe, invoice, session_id
):
    start(invoice)
    asked = len(stripe.requests)

    assert come_back(invoice, session_id).status_code == 404

    assert len(stripe.requests) == asked


@pytest.mark.scenario(50)
def test_a_return_with_a_session_of_another_invoice_shows_nothing(stripe, invoice):
    other = start(finalized())
    asked = len(stripe.requests)

    assert come_back(invoice, other.session_id).status_code == 404

    assert len(stripe.requests) == asked


def test_a_return_after_paying_says_thank_you(stripe, invoice):
    checkout = start(invoice)
    stripe.pay(checkout.session_id)

    response = come_back(invoice, checkout.session_id)

    assert response.status_code == 200
    assert (response.context["state"], response.context["refresh_url"]) == ("paid", "")
    assert response.context["invoice"].status == "paid"
    assert response.context["amounts"].paid == 10_000
    asked = len(stripe.requests)
    assert come_back(invoice, checkout.session_id).context["state"] == "paid"
    assert len(stripe.requests) == asked


@pytest.mark.scenario(51)
def test_a_stranger_who_returns_learns_how_it_stands_and_nothing_personal(stripe):
    invoice = finalized()
    checkout = start(invoice)
    stripe.pay(checkout.session_id)

    page = come_back(invoice, checkout.session_id).content.decode()

    assert "Thank you" in page
    buyer = {invoice.buyer["name"], invoice.customer.email}
    assert "" not in buyer
    assert not any(secret in page for secret in buyer)
    assert invoice.buyer["name"] in see(invoice).content.decode()


def test_a_return_without_paying_says_so(stripe, invoice):
    checkout = start(invoice)

    response = come_back(invoice, checkout.session_id)

    assert (response.context["state"], response.context["refresh_url"]) == ("open", "")


def test_a_return_from_a_bank_debit_does_not_wait_for_days(stripe, invoice):
    checkout = start(invoice)
    stripe.pay(checkout.session_id, "bank")

    context = come_back(invoice, checkout.session_id).context

    assert (context["state"], context["refresh_url"]) == ("processing", "")


@pytest.mark.parametrize("status", ["500", "404"])
def test_a_return_while_stripe_does_not_answer_looks_again(stripe, invoice, status):
    checkout = start(invoice)
    stripe.pay(checkout.session_id)
    if status == "500":
        stripe.fault("GET", SESSIONS, "500_before", 1)
    else:
        stripe._account.sessions.pop(checkout.session_id)

    context = come_back(invoice, checkout.session_id).context

    here = f"{address('return', invoice)}?session={checkout.session_id}"
    assert (context["state"], context["refresh_url"]) == ("processing", here)


@pytest.mark.scenario(59)
@pytest.mark.parametrize(("deadlocks", "state"), [(1, "paid"), (2, "processing")])
def test_a_return_that_meets_a_deadlock_tries_once_more(
    stripe, invoice, deadlocks, state
):
    checkout = start(invoice)
    stripe.pay(checkout.session_id)
    left = [OperationalError(1213, "Deadlock found")] * deadlocks

    def deadlock(execute, sql, *more):
        if sql.startswith("INSERT INTO") and "ledgerentry" in sql and left:
            raise left.pop()
        return execute(sql, *more)

    with connection.execute_wrapper(deadlock):
        response = come_back(invoice, checkout.session_id)

    assert response.context["state"] == state
    assert standing(invoice)[0] == ("paid" if state == "paid" else "open")


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


PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1"


def look(invoice, *, client=None, method="get", agent=PHONE, **headers):
    client = client or Client()
    response = getattr(client, method)(
        address("invoice", invoice), headers={"User-Agent": agent, **headers}
    )
    assert response.status_code == 200
    invoice.refresh_from_db()
    return invoice.first_opened_at is not None


def test_that_the_customer_looked_is_written_down_once(invoice):
    assert [look(invoice) for _ in range(3)] == [True] * 3

    assert Event.objects.filter(type="invoice.opened").count() == 1


@pytest.mark.parametrize(
    ("method", "agent", "headers"),
    [
        ("head", PHONE, {}),
        ("get", "", {}),
        ("get", PHONE, {"Sec-Purpose": "prefetch;prerender"}),
        ("get", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", {}),
        ("get", "WhatsApp/2.23.20.0", {}),
        ("get", "Mozilla/5.0 (compatible; Googlebot/2.1)", {}),
        (
            "get",
            "Mozilla/5.0 AppleWebKit/537.36 Chrome/130 Safari/537.36 BingPreview/1.0b",
            {},
        ),
        ("get", "python-requests/2.32", {}),
    ],
)
def test_that_a_program_looked_is_not(invoice, method, agent, headers):
    assert not look(invoice, method=method, agent=agent, **headers)


@pytest.mark.parametrize(("is_own", "counts"), [(True, False), (False, True)])
def test_that_a_member_looked_is_not_but_of_the_business_alone(
    client, invoice, is_own, counts
):
    business = invoice.business if is_own else BusinessFactory()
    client.force_login(MembershipFactory(business=business).user)

    assert look(invoice, client=client) is counts


def test_the_page_is_shown_where_nothing_can_be_written(invoice, monkeypatch, caplog):
    def read_only(**words):
        raise OperationalError(1290, "running with --read-only")

    monkeypatch.setattr(opening, "note_opened", read_only)

    assert not look(invoice)
    assert "is not known" in caplog.text


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
