"""The one story that must never break, told of any site."""

import re

from tests.journeys.shop import Script, Shop
from tests.laptop import DEMO_EMAIL, DEMO_PASSWORD


def sign_in(shop: Shop) -> Script:
    """The owner signs in on the page, and gets a token for what follows."""
    owner = shop.browser()
    owner.open("/accounts/login/?next=/accounts/")
    home = owner.submit(login=DEMO_EMAIL, password=DEMO_PASSWORD)
    assert DEMO_EMAIL in home
    return shop.script(owner)


def invoice_a_customer(shop: Shop, owner: Script) -> str:
    """The owner writes, finalizes and mails an invoice over 714.00 EUR; its id."""
    rate = owner.call("POST", "tax-rates/", {"name": "VAT 19", "percent": "19"})
    customer = owner.call(
        "POST", "customers/", {"name": "Journey Ltd", "email": "pay@journey.example"}
    )
    draft = {
        "customer": customer["id"],
        "currency": "EUR",
        "lines": [
            {
                "description": "Words and pictures",
                "quantity": "2.5",
                "unit_price": "240",
                "tax_rate": rate["id"],
            }
        ],
    }
    assert owner.call("POST", "invoices/preview/", draft)["total"] == 71400
    invoice = owner.call("POST", "invoices/", draft)
    assert (invoice["status"], invoice["number"]) == ("draft", None)
    invoice = owner.call("POST", f"invoices/{invoice['id']}/finalize/")
    assert (invoice["status"], invoice["total"]) == ("open", 71400)
    owner.call("POST", f"invoices/{invoice['id']}/send/")
    shop.run_tasks()
    return str(invoice["id"])


def pay(shop: Shop, number: str) -> str:
    """The customer follows the link in the mail and pays; the page after that."""
    link = re.search(r"https?://\S+/i/\S+/", shop.mail(number))
    assert link, shop.mail(number)
    customer = shop.browser()
    assert "714.00" in customer.open(link[0])
    assert customer.download(f"{link[0]}invoice.pdf").startswith(b"%PDF-")
    customer.submit(action=f"{link[0]}pay/")
    assert customer.address.startswith(shop.stripe.url)
    customer.submit(do="pay")
    shop.stripe.courier.wait()
    return customer.text


def check_the_books(shop: Shop, owner: Script, invoice_id: str) -> None:
    """Ours and Stripe's agree, and everything happened once."""
    invoice = owner.call("GET", f"invoices/{invoice_id}/")
    assert (invoice["status"], invoice["paid"], invoice["due"]) == ("paid", 71400, 0)
    payments = owner.call("GET", f"payments/?invoice={invoice_id}")["results"]
    charges = shop.stripe.stripe.charges.values()
    assert [payment["amount"] for payment in payments] == [71400]
    assert [charge["amount"] for charge in charges] == [71400]
    happened = [
        event["type"]
        for event in owner.call("GET", f"events/?subject_id={invoice_id}")["results"]
    ]
    assert happened.count("invoice.finalized") == 1
    assert happened.count("invoice.paid") == 1


def main_job(shop: Shop) -> None:
    """From sign-in to paid, over REST, with the customer on the pages."""
    owner = sign_in(shop)
    invoice_id = invoice_a_customer(shop, owner)
    number = owner.call("GET", f"invoices/{invoice_id}/")["number"]
    page = pay(shop, number)
    assert "714.00" in page
    check_the_books(shop, owner, invoice_id)
    shop.run_tasks()
    assert number in shop.mail("Payment received")
