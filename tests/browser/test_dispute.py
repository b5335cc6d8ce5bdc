"""A payment's whole life: declined, paid, refunded in part, disputed, and won."""

import re

import pytest
from playwright.sync_api import expect

from billing.models import Dispute, Payment
from invoices.models import Invoice
from invoices.selectors import customer_link
from tests.browser.conftest import Person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough,
    pytest.mark.django_db(transaction=True),
]


def pay(customer: Person, link: str) -> None:
    page = customer.page
    page.goto(link)
    page.get_by_role("button", name=re.compile("^Pay €")).first.click()
    page.get_by_role("button", name=re.compile("^Decline")).click()
    expect(page.get_by_text("Declined.")).to_be_visible()
    customer.photograph("1-declined")
    page.get_by_role("button", name=re.compile("^Pay EUR")).click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    page.goto(link)
    page.get_by_role("link", name="Receipt").click()
    expect(page.get_by_text("Received from")).to_be_visible()
    assert not customer.scrolls_sideways()
    customer.photograph("2-receipt")


def refund(owner: Person, payment: Payment) -> None:
    page = owner.page
    page.goto(f"/admin/billing/payment/{payment.pk}/refund/")
    page.get_by_label("Amount").fill("20")
    owner.photograph("1-refund")
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_text("€20.00 goes back to the payer.").first).to_be_visible()


def read_what_to_do(owner: Person) -> None:
    page = owner.page
    page.goto("/admin/")
    alert = page.get_by_role("link", name=re.compile("it needs your answer by"))
    expect(alert).to_be_visible()
    owner.photograph("2-front-page")
    alert.click()
    expect(page.get_by_text("which takes it once")).to_be_visible()
    expect(page.get_by_text("Withdrawn")).to_be_visible()
    assert not owner.scrolls_sideways()
    owner.photograph("3-dispute")
    page.goto("/admin/billing/dispute/")
    expect(page.get_by_text("Nothing was delivered").first).to_be_visible()
    owner.photograph("4-disputes")


def try_to_refund(owner: Person, payment: Payment) -> None:
    page = owner.page
    page.goto(f"/admin/billing/payment/{payment.pk}/refund/")
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_text("Answer the dispute at Stripe").first).to_be_visible()
    owner.photograph("5-no-refund")


@pytest.mark.parametrize(
    ("owner_at", "customer_at", "scheme"),
    [("desktop", "phone", "light"), ("phone", "desktop", "dark")],
)
def test_a_payment_is_declined_made_refunded_in_part_disputed_and_won(
    shop, chromium, owner_at, customer_at, scheme
):
    invoice = Invoice.objects.with_amounts().filter(status="open", currency="EUR")
    invoice = invoice.filter(paid=0).order_by("pk").last()
    owner = Person(chromium, shop, "dispute-owner", owner_at, scheme)
    customer = Person(chromium, shop, "dispute-customer", customer_at, scheme)
    fake, courier = shop.stripe.stripe, shop.stripe.courier

    pay(customer, customer_link(invoice))
    courier.wait()
    payment = Payment.objects.get(invoice=invoice)
    owner.sign_in()
    refund(owner, payment)
    shop.run_tasks()
    courier.send(fake.dispute(payment.payment_intent))
    courier.wait()
    read_what_to_do(owner)
    try_to_refund(owner, payment)
    customer.page.goto(customer_link(invoice))
    expect(customer.page.get_by_text("Disputed", exact=True)).to_be_visible()
    customer.photograph("3-disputed")
    dispute = Dispute.objects.get(payment=payment)
    courier.send(fake.turn_dispute(dispute.stripe_id, "won"))
    courier.wait()
    shop.run_tasks()

    assert "The bank decided for you" in shop.mail("A dispute is won")
    owner.page.goto(f"/admin/billing/dispute/{dispute.pk}/change/")
    expect(owner.page.get_by_text("Given back")).to_be_visible()
    owner.photograph("6-won")
    customer.page.goto(customer_link(invoice))
    expect(customer.page.get_by_text("Given back by your bank")).to_be_visible()
    customer.photograph("4-won")
    assert (owner.complaints, customer.complaints) == ([], [])
