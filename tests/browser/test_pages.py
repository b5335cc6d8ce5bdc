"""Pages for everyone: no complaint in the console, nothing sideways, WCAG 2.2 AA."""

from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from invoices.models import InvoiceLine, TaxRate
from invoices.services.drafting import create_draft
from invoices.services.finalizing import finalize_invoice
from tests.browser.conftest import Person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PUBLIC = {
    "blog": "/",
    "post": "/blog/pricing-a-day-of-work/",
    "tag": "/blog/tags/money/",
    "author": "/blog/authors/demo-owner/",
    "nothing": "/nothing/here/",
    "sign-in": "/accounts/login/",
    "sign-up": "/accounts/signup/",
    "forgotten": "/accounts/password/reset/",
}
SIGNED_IN = {
    "account": "/accounts/",
    "business": "/accounts/business/",
    "members": "/accounts/members/",
    "tokens": "/accounts/tokens/",
    "second-factor": "/accounts/2fa/",
    "e-mail": "/accounts/email/",
    "back-office": "/admin/",
    "invoices": "/admin/invoices/invoice/",
    "new-invoice": "/admin/invoices/invoice/add/",
}


def look_at(person, pages):
    found = []
    for name, path in pages.items():
        person.page.goto(path)
        person.photograph(name)
        if person.scrolls_sideways():
            found.append((name, "scrolls sideways"))
        result = Axe().run(
            person.page, options={"runOnly": {"type": "tag", "values": WCAG}}
        )
        found += [
            (name, violation["id"], violation["nodes"][0]["html"])
            for violation in result.response["violations"]
        ]
    return found


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("desktop", "dark")])
def test_pages_are_for_everyone(shop, chromium, size, scheme):
    person = Person(chromium, shop, "pages", size, scheme)

    found = look_at(person, PUBLIC)
    person.sign_in()
    found += look_at(person, SIGNED_IN)

    assert found == []
    missing = [c for c in person.complaints if "404" not in c]
    assert missing == []


def test_the_api_is_documented_under_the_policy(shop, chromium):
    person = Person(chromium, shop, "pages", "desktop", "light")

    person.page.goto("/api/docs/")

    person.page.get_by_text("/api/v1/businesses/", exact=True).first.wait_for()
    # Of a long description, what is in sight is drawn.
    invoices = person.page.get_by_text("/api/v1/invoices/", exact=True).first
    for _ in range(100):
        person.page.mouse.wheel(0, 400)
        if invoices.is_visible():
            break
    expect(invoices).to_be_visible()
    person.photograph("api")
    assert person.complaints == []


def test_a_page_weighs_little(shop, chromium):
    person = Person(chromium, shop, "pages", "phone", "light")
    weights = []
    person.page.on("response", lambda response: weights.append(len(response.body())))

    person.page.goto("/blog/pricing-a-day-of-work/", wait_until="networkidle")

    assert 0 < sum(weights) < 60_000


@pytest.mark.parametrize(
    ("currency", "price"), [("EUR", "12345.67"), ("KWD", "86.421")]
)
def test_a_large_amount_fits_the_pay_page(shop, chromium, currency, price):
    customer = Person(chromium, shop, "pages", "phone", "light")
    now = timezone.now()
    rate = TaxRate.objects.get(name="VAT 19 %")
    draft = create_draft(
        business=rate.business,
        customer=rate.business.customers.first(),
        fields={"currency": currency},
        lines=[
            InvoiceLine(
                description="Fit-out",
                quantity=Decimal("1234.5"),
                unit_price=Decimal(price),
                tax_rate=rate,
            )
        ],
        actor=None,
        now=now,
    )
    invoice = finalize_invoice(invoice=draft, actor=None, now=now)

    # The narrowest window of WCAG, and one with the slip at the side.
    for width in (320, 1100):
        customer.page.set_viewport_size({"width": width, "height": 900})
        found = look_at(
            customer, {f"pay-{currency}-{width}": f"/i/{invoice.link_token}/"}
        )
        assert found == []
        assert customer.page.evaluate(
            "[...document.querySelectorAll('.slip *')].every(each =>"
            " each.getBoundingClientRect().right"
            " <= document.querySelector('.slip').getBoundingClientRect().right)"
        )
