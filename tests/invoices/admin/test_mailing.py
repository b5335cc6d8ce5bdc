import pytest
from django.core import mail
from django.utils import timezone
from django.utils.html import escape

from invoices.services.contacts import create_contact
from tests.invoices.admin.pressing import address, offered, press, said
from tests.rows import draft, frozen

pytestmark = pytest.mark.django_db


def test_send_mails_and_then_offers_to_send_again(
    desk, business, run_tasks, mailoutbox
):
    invoice = frozen(business)
    assert "Send" in offered(desk, invoice)

    press(desk, invoice, "send")
    run_tasks()

    assert len(mailoutbox) == 1
    assert "Send again" in offered(desk, invoice)
    again = desk.get(address(invoice, "send"))
    assert again.context["title"] == "Send again"


def test_the_mail_is_shown_as_the_customer_gets_it(desk, business):
    invoice = frozen(business)

    response = desk.get(address(invoice, "preview"))

    shown = response.context["mail"]
    assert shown.to == [invoice.customer.email]
    assert invoice.number in shown.subject
    in_the_frame = escape(shown.alternatives[0][0])
    assert f'srcdoc="{in_the_frame}"' in response.content.decode()


def test_a_draft_has_no_mail_to_show(desk, business):
    response = desk.get(address(draft(business), "preview"), follow=True)

    assert "only a finalized one" in said(response)[0]


@pytest.mark.parametrize("button", ["send", "finalize_and_send"])
def test_a_page_names_everybody_who_gets_the_mail(desk, business, button):
    invoice = frozen(business) if button == "send" else draft(business)
    for name, gets_invoices in (("books", True), ("dunning", False)):
        create_contact(
            customer=invoice.customer,
            fields={
                "name": name,
                "email": f"{name}@example.com",
                "gets_invoices": gets_invoices,
            },
            actor=None,
            now=timezone.now(),
        )
    to = f"{invoice.customer.email}, books@example.com"

    asked = desk.get(address(invoice, button))

    assert f"{to} gets the link" in asked.context["consequence"]
    assert f"goes to {to}." in said(press(desk, invoice, button))[0]


def test_a_test_goes_to_who_asks(desk, business, owner, run_tasks):
    invoice = frozen(business)

    press(desk, invoice, "send_test")
    run_tasks()

    assert [message.to for message in mail.outbox] == [[owner.email]]


def test_a_reminder_goes_out_at_once(desk, business, run_tasks):
    invoice = frozen(business)

    response = press(desk, invoice, "remind")
    run_tasks()

    assert said(response) == [f"A reminder goes to {invoice.customer.email}."]
    assert [message.to for message in mail.outbox] == [[invoice.customer.email]]
    told = desk.get(address(invoice, "change")).context["timeline"]
    assert "Customer reminded" in [each.what for each in told]
    assert "Reminder handed to the mail server" in [each.what for each in told]
