"""
An accountant's invoice: paid in part by transfer, credited in part, paid by card, and
credited again, with what is too much sent back.
"""

import re

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from invoices.models import Invoice, ManualPayment
from tests.browser.conftest import LINE, Person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough,
    pytest.mark.django_db(transaction=True),
]


def ledger(invoice: Invoice) -> list[tuple[str, int]]:
    return list(invoice.ledger.order_by("pk").values_list("kind", "amount"))


def write(owner: Person) -> None:
    """A draft over 714.00, and the question whether it can come to another total."""
    page = owner.page
    page.goto("/admin/invoices/invoice/add/")
    owner.choose_customer("Northwind Traders")
    owner.write_a_line()
    rows = page.locator("#totals-rows")
    expect(rows).to_contain_text("€714.00")
    page.get_by_label("Total wanted").fill("99.99")
    expect(rows).to_contain_text("No net amount and its tax come to €99.99")
    # The bar at the bottom covers what is there otherwise.
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    owner.photograph("1-live-totals")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("€714.00").first).to_be_visible()


def finalize_and_send(owner: Person) -> Invoice:
    page = owner.page
    owner.choose("Finalize")
    page.get_by_role("button", name="Finalize").click()
    expect(page.get_by_text("Finalized as").first).to_be_visible()
    owner.choose("Send")
    owner.photograph("2-send")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("It goes to").first).to_be_visible()
    return Invoice.objects.get(lines__description=LINE)


def book_a_transfer(owner: Person, invoice: Invoice) -> None:
    page = owner.page
    owner.choose("Record payment")
    expect(page.get_by_label("Amount in EUR")).to_have_value("714.00")
    page.get_by_label("Amount in EUR").fill("200")
    page.get_by_label("Reference").fill("SEPA 4711")
    owner.photograph("3-record-payment")
    page.get_by_role("button", name="Record payment").click()
    expect(page.get_by_text("€200.00 is booked.").first).to_be_visible()
    payment = ManualPayment.objects.get(invoice=invoice)
    assert (payment.method, payment.reference) == ("transfer", "SEPA 4711")


def credit(owner: Person, quantity: str, reason: str, beyond: str, name: str) -> None:
    page = owner.page
    owner.choose("Credit")
    page.get_by_label("Quantity to credit").fill(quantity)
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Show what it comes to").click()
    row = page.get_by_role("row").filter(has_text="Beyond the due")
    expect(row).to_contain_text(beyond)
    owner.photograph(name)
    page.get_by_role("button", name="Issue the credit note").click()
    expect(page.get_by_text("is issued").first).to_be_visible()


def pay_the_rest(customer: Person, link: str) -> None:
    page = customer.page
    page.goto(link)
    expect(page.get_by_text("Bank transfer").first).to_be_visible()
    assert not customer.scrolls_sideways()
    customer.photograph("1-rest")
    page.get_by_role("button", name=re.compile("^Pay €371.20")).click()
    page.get_by_role("button", name=re.compile("^Pay EUR")).click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    customer.photograph("2-thanks")


def look_at_the_end(owner: Person, customer: Person, link: str) -> None:
    customer.page.goto(link)
    expect(customer.page.get_by_text("€285.60").first).to_be_visible()
    assert not customer.scrolls_sideways()
    customer.photograph("3-end")
    owner.page.reload()
    owner.photograph("6-end")
    assert not owner.scrolls_sideways()
    owner.page.emulate_media(color_scheme="dark")
    owner.page.reload()
    owner.photograph("7-end-dark")


def test_part_by_transfer_part_credited_the_rest_by_card_and_the_excess_back(
    shop, chromium
):
    owner = Person(chromium, shop, "credit-owner", "desktop", "light")
    customer = Person(chromium, shop, "credit-customer", "phone", "light")
    owner.sign_in()

    write(owner)
    invoice = finalize_and_send(owner)
    shop.run_tasks()
    assert ledger(invoice) == []
    mail = shop.mail(invoice.number)
    assert "714.00" in mail
    [link] = re.findall(r"http://\S+/i/\S+/", mail)

    book_a_transfer(owner, invoice)
    assert ledger(invoice) == [("payment", 20000)]
    credit(owner, "0.5", "Half a day less", "€0.00", "4-part-credit")
    assert ledger(invoice)[1:] == [("credit", 14280)]
    shop.run_tasks()

    pay_the_rest(customer, link)
    shop.stripe.courier.wait()
    assert ledger(invoice)[2:] == [("payment", 37120)]

    owner.page.reload()
    credit(owner, "1", "A day less", "€285.60", "5-excess-by-card")
    shop.run_tasks()
    shop.stripe.courier.wait()
    assert ledger(invoice)[3:] == [("refund", -28560)]

    look_at_the_end(owner, customer, link)
    shop.run_tasks()
    call_command("audit_books", files=True)
    assert (owner.complaints, customer.complaints) == ([], [])
