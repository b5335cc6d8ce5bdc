"""Of an invoice that was paid by transfer and by card, and credited twice."""

import re
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management import call_command
from django.utils import timezone

from accounts.models import Business
from invoices.models import Invoice
from tests.journeys.main_job import invoice_a_customer, sign_in
from tests.journeys.shop import Browser, Script, Shop


@dataclass
class Case:
    """The invoice over 714.00 EUR, two and a half days of 240.00 and tax."""

    shop: Shop
    owner: Script
    customer: Browser
    invoice_id: str
    link: str

    @property
    def invoice(self) -> Any:
        return self.owner.call("GET", f"invoices/{self.invoice_id}/")

    @property
    def amounts(self) -> tuple[Any, ...]:
        shown = self.invoice
        names = ("status", "paid", "credited", "refunded", "due")
        return tuple(shown[name] for name in names)

    @property
    def ledger(self) -> list[tuple[str, int]]:
        invoice = Invoice.objects.get(public_id=self.invoice_id)
        return list(invoice.ledger.order_by("pk").values_list("kind", "amount"))

    def credit(self, quantity: str, *, excess: int, **more: Any) -> Any:
        [line] = self.invoice["lines"]
        wanted = {
            "invoice": self.invoice_id,
            "lines": [{"position": line["position"], "quantity": quantity}],
        }
        shown = self.owner.call("POST", "credit-notes/preview/", wanted)
        assert shown["excess"] == excess
        note = self.owner.call("POST", "credit-notes/", wanted | more)
        assert note["total"] == shown["total"]
        return note


def begin(shop: Shop) -> Case:
    owner = sign_in(shop)
    invoice_id = invoice_a_customer(shop, owner)
    number = owner.call("GET", f"invoices/{invoice_id}/")["number"]
    link = re.search(r"https?://\S+/i/\S+/", shop.mail(number))
    assert link
    return Case(shop, owner, shop.browser(), invoice_id, link[0])


def a_part_comes_by_transfer(case: Case) -> None:
    business = Business.objects.get(invoices__public_id=case.invoice_id)
    today = timezone.now().astimezone(ZoneInfo(business.time_zone)).date()
    body = {
        "invoice": case.invoice_id,
        "method": "transfer",
        "amount": 20000,
        "received_on": today.isoformat(),
        "reference": "SEPA 4711",
    }
    case.owner.call("POST", "manual-payments/", body)


def a_part_is_credited_while_the_customer_is_at_stripe(case: Case) -> Any:
    assert "Payment: bank transfer" in case.customer.open(case.link)
    case.customer.submit(action=f"{case.link}pay/")
    page_for_too_much = case.customer.address
    note = case.credit("0.5", excess=0, reason="Half a day less")
    case.shop.run_tasks()
    [session] = case.shop.stripe.stripe.sessions.values()
    assert session["id"] in page_for_too_much
    assert session["status"] == "expired"
    return note


def the_rest_is_paid_by_card(case: Case) -> None:
    assert "371.20" in case.customer.open(case.link)
    case.customer.submit(action=f"{case.link}pay/")
    case.customer.submit(do="pay")
    case.shop.stripe.courier.wait()
    assert "Thank you" in case.customer.text


def more_is_credited_and_goes_back_by_card(case: Case) -> Any:
    note = case.credit("1", excess=28560, reason="A day less", refunds=28560)
    case.shop.run_tasks()
    case.shop.stripe.courier.wait()
    refunds = case.shop.stripe.stripe.refunds.values()
    assert [(row["amount"], row["status"]) for row in refunds] == [(28560, "succeeded")]
    return note


def test_part_by_transfer_part_credited_the_rest_by_card_and_the_excess_back(shop):
    case = begin(shop)
    assert (case.ledger, case.amounts) == ([], ("open", 0, 0, 0, 71400))

    a_part_comes_by_transfer(case)
    assert case.ledger == [("payment", 20000)]
    assert case.amounts == ("open", 20000, 0, 0, 51400)

    first = a_part_is_credited_while_the_customer_is_at_stripe(case)
    assert (first["total"], first["reduces"]) == (14280, 14280)
    assert case.ledger == [("payment", 20000), ("credit", 14280)]
    assert case.amounts == ("open", 20000, 14280, 0, 37120)

    the_rest_is_paid_by_card(case)
    assert case.ledger[2:] == [("payment", 37120)]
    assert case.amounts == ("paid", 57120, 14280, 0, 0)

    second = more_is_credited_and_goes_back_by_card(case)
    assert (second["reduces"], second["refunds"]) == (0, 28560)
    assert case.ledger[3:] == [("refund", -28560)]
    assert case.amounts == ("paid", 57120, 14280, 28560, 0)

    page = case.customer.open(case.link)
    for note in (first, second):
        assert note["number"] in page
        path = f"{case.link}credit-notes/{note['id']}.pdf"
        assert case.customer.download(path).startswith(b"%PDF-")
    case.shop.run_tasks()
    call_command("audit_books", files=True)
