"""The main job as people do it: the owner in the back office, the customer on a phone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


def sign_in(owner):
    owner.page.goto("/admin/")
    expect(owner.page).to_have_url(re.compile("/accounts/login/"))
    owner.photograph("1-sign-in")
    owner.sign_in()
    expect(owner.page.get_by_role("heading", name="EUR")).to_be_visible()
    owner.photograph("2-overview")


def write_and_send(owner):
    page = owner.page
    page.goto("/admin/invoices/invoice/add/")
    owner.choose_customer("Northwind Traders")
    owner.write_a_line()
    owner.photograph("3-new-invoice")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("€714.00").first).to_be_visible()
    owner.photograph("4-draft")
    owner.choose("Finalize and send")
    owner.photograph("5-confirm")
    page.get_by_role("button", name="Finalize and send").click()
    expect(page.get_by_text("INV-00012").first).to_be_visible()
    owner.photograph("6-open")
    return page.url


def pay(customer, link):
    page = customer.page
    page.goto(link)
    expect(page.get_by_text("€714.00").first).to_be_visible()
    assert not customer.scrolls_sideways()
    customer.photograph("1-pay")
    page.get_by_role("button", name=re.compile("^Pay €714.00")).click()
    expect(page.get_by_text("Stand-in for Stripe")).to_be_visible()
    customer.photograph("2-stripe")
    page.get_by_role("button", name=re.compile("^Decline")).click()
    expect(page.get_by_text("Declined.")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Pay EUR")).click()
    expect(page).to_have_url(re.compile("/return/"))
    expect(page.get_by_text("€714.00").first).to_be_visible()
    customer.photograph("3-thanks")
    page.goto(link)
    expect(page.get_by_text("Paid").first).to_be_visible()
    assert page.get_by_role("button", name=re.compile("^Pay")).count() == 0
    customer.photograph("4-receipt")


@pytest.mark.parametrize(
    ("owner_at", "customer_at", "scheme"),
    [("desktop", "phone", "light"), ("phone", "desktop", "dark")],
)
def test_an_owner_invoices_and_a_customer_pays(
    shop, chromium, owner_at, customer_at, scheme
):
    owner = Person(chromium, shop, "owner", owner_at, scheme)
    customer = Person(chromium, shop, "customer", customer_at, scheme)

    sign_in(owner)
    invoice = write_and_send(owner)
    shop.run_tasks()
    link = re.search(r"http://\S+/i/\S+/", shop.mail("INV-00012"))
    pay(customer, link[0])
    shop.stripe.courier.wait()
    shop.run_tasks()

    assert "714.00" in shop.mail("Payment received for invoice INV-00012")
    owner.page.goto(invoice)
    expect(owner.page.get_by_text("Paid").first).to_be_visible()
    owner.photograph("7-paid")
    assert (owner.complaints, customer.complaints) == ([], [])
