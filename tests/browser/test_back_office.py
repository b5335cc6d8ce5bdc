"""Where the work gets done: totals while one writes, credit, payment, what happened."""

import pytest
from playwright.sync_api import expect

from accounts.models import Business
from invoices.models import CreditNote, Invoice, ManualPayment
from tests.browser.conftest import Person
from tests.rows import frozen

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


def write(person: Person) -> None:
    page = person.page
    page.goto("/admin/invoices/invoice/add/")
    person.write_a_line()
    expect(page.locator("#totals-rows")).to_contain_text("€714.00")
    page.get_by_text("Prices, discount and payment").click()
    page.locator("[name=discount_percent]").fill("10")
    expect(page.locator("#totals-rows")).to_contain_text("€642.60")
    assert Invoice.objects.filter(lines__description__startswith="Way").count() == 0
    person.photograph("1-live-totals")
    assert not person.scrolls_sideways()


def pay_in_part(person: Person, invoice: Invoice) -> None:
    page = person.page
    page.goto(f"/admin/invoices/invoice/{invoice.pk}/record_payment")
    expect(page.get_by_label("Amount in EUR")).to_have_value("119.00")
    page.get_by_label("Amount in EUR").fill("59.50")
    page.get_by_label("Reference").fill("Statement 7")
    person.photograph("2-record-payment")
    page.get_by_role("button", name="Record payment").dblclick()
    # What was said may have been said on the page between the two clicks.
    expect(page.get_by_text("Partly paid", exact=True).first).to_be_visible()
    assert ManualPayment.objects.filter(invoice=invoice).count() == 1


def credit(person: Person, invoice: Invoice) -> None:
    page = person.page
    page.goto(f"/admin/invoices/invoice/{invoice.pk}/credit")
    page.get_by_label("Reason").fill("Less work than we thought")
    person.photograph("3-credit")
    page.get_by_role("button", name="Show what it comes to").click()
    expect(page.locator("#totals-rows")).to_contain_text("Beyond the due")
    person.photograph("4-credit-worked-out")
    page.get_by_role("button", name="Issue the credit note").click()
    expect(page.get_by_text("is issued").first).to_be_visible()
    note = CreditNote.objects.get(invoice=invoice)
    assert (note.reduces, note.out_of_band) == (5950, 5950)
    person.photograph("5-timeline")
    page.goto(f"/admin/invoices/creditnote/{note.pk}/change/")
    person.photograph("6-credit-note")


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_the_work_gets_done(shop, chromium, size, scheme):
    person = Person(chromium, shop, "back-office", size, scheme)
    business = Business.objects.get(name="Studio Nordlicht")
    invoice = frozen(business)
    person.sign_in()
    person.photograph("0-overview")

    write(person)
    pay_in_part(person, invoice)
    credit(person, invoice)

    for name, path in {
        "7-invoices": "/admin/invoices/invoice/",
        "8-due": "/admin/invoices/invoice/?due=open",
        "9-payments": "/admin/invoices/manualpayment/",
        "10-series": "/admin/invoices/series/",
        "11-deliveries": "/admin/invoices/delivery/",
        "12-customers": "/admin/invoices/customer/",
        "13-customer": f"/admin/invoices/customer/{invoice.customer_id}/change/",
        "14-mail": f"/admin/invoices/invoice/{invoice.pk}/preview",
    }.items():
        person.page.goto(path)
        if name == "14-mail":
            mail = person.page.frame_locator("iframe")
            expect(mail.get_by_text(invoice.number or "").first).to_be_visible()
        person.photograph(name)
        assert not person.scrolls_sideways(), name
    assert person.complaints == []
