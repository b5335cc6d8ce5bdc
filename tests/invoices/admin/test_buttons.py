"""Money, credit, copies and mail, by the buttons on an invoice's page."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from accounts.roles import Role
from invoices import selectors
from invoices.models import CreditNote, Invoice, LedgerEntry, ManualPayment
from invoices.services import crediting, receiving
from invoices.services.contacts import create_contact
from tests.factories import BusinessFactory, MembershipFactory
from tests.rows import draft, frozen, paid_in

pytestmark = pytest.mark.django_db

BUTTONS = [
    "record_payment",
    "apply_balance",
    "credit",
    "extend",
    "duplicate",
    "revise",
    "remind",
    "preview",
    "send_test",
]


def address(row: Any, button: str) -> str:
    return reverse(f"admin:invoices_{row._meta.model_name}_{button}", args=[row.pk])


def press(desk: Client, row: Any, button: str, **typed: Any) -> Any:
    return desk.post(address(row, button), typed, follow=True)


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def payment(**typed: Any) -> dict[str, Any]:
    return {
        "key": uuid4(),
        "method": "transfer",
        "amount": "119",
        "received_on": date(2026, 3, 1),
        "reference": "Statement 7",
    } | typed


def pay(invoice: Invoice, amount: int) -> ManualPayment:
    now = timezone.now()
    day = invoice.business.today(now)
    return receiving.record_payment(
        invoice=invoice,
        fields={"amount": amount, "method": "cash", "received_on": day},
        actor=None,
        now=now,
    )


@pytest.mark.parametrize("button", BUTTONS)
def test_looking_changes_nothing(desk, business, button):
    invoice = frozen(business)
    pay(frozen(business, invoice__customer=invoice.customer), 12900)
    before = list(Invoice.objects.order_by("pk").values())
    entries = LedgerEntry.objects.count()

    response = desk.get(address(invoice, button))

    assert response.status_code == 200
    assert list(Invoice.objects.order_by("pk").values()) == before
    assert LedgerEntry.objects.count() == entries
    assert mail.outbox == []


@pytest.mark.parametrize("button", BUTTONS)
def test_they_are_not_for_viewers(client, business, button):
    client.force_login(MembershipFactory(business=business, role=Role.VIEWER).user)
    invoice = frozen(business)

    assert client.get(address(invoice, button)).status_code == 403
    assert press(client, invoice, button, **payment()).status_code == 403
    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize("button", BUTTONS)
def test_those_of_another_business_are_not_found(desk, button):
    invoice = frozen(BusinessFactory())

    assert desk.get(address(invoice, button)).status_code == 404
    assert desk.post(address(invoice, button)).status_code == 404


def test_what_was_agreed_to_is_done_and_nothing_else(desk, business):
    invoice = draft(business)
    asked = desk.get(address(invoice, "finalize")).context
    assert "€119.00" in asked["consequence"]
    shown = {"once": asked["key"], "said": asked["says"]}
    invoice.lines.update(unit_price=200)

    refused = press(desk, invoice, "finalize", **shown)

    invoice.refresh_from_db()
    assert invoice.is_draft
    assert "something changed since you opened the page" in said(refused)[0]
    again = desk.get(address(invoice, "finalize")).context
    assert "€238.00" in again["consequence"]
    shown = {"once": again["key"], "said": again["says"]}
    assert said(press(desk, invoice, "finalize", **shown)) == [
        "Finalized as INV-00001."
    ]
    # What it says now is another thing, and yet the second click is told the first's.
    assert said(press(desk, invoice, "finalize", **shown)) == [
        "Finalized as INV-00001."
    ]


def test_a_form_says_what_changed_and_keeps_what_was_typed(desk, business):
    invoice = frozen(business)
    asked = desk.get(address(invoice, "record_payment"))
    form = payment(once=asked.context["key"], said=asked.context["says"])
    pay(invoice, 11900)

    response = press(desk, invoice, "record_payment", **form)

    assert "something changed since" in response.content.decode()
    assert 'value="Statement 7"' in response.content.decode()
    assert "€0.00 is due" in response.content.decode()
    assert ManualPayment.objects.count() == 1
    form["said"] = response.context["says"]
    assert f'name="said" value="{form["said"]}"' in response.content.decode()
    assert said(press(desk, invoice, "record_payment", **form)) == [
        "€119.00 is booked."
    ]


# Payments by hand


def test_a_payment_is_offered_over_what_is_due(desk, business):
    invoice = frozen(business)
    paid_in(invoice, 1900)

    form = desk.get(address(invoice, "record_payment")).context["form"]

    assert 'value="100.00"' in str(form["amount"])
    assert form["received_on"].value() == business.today(timezone.now())


def test_a_payment_is_booked_once_however_often_one_clicks(desk, business, owner):
    invoice = frozen(business)
    typed = payment(amount="100")

    first = press(desk, invoice, "record_payment", **typed)
    press(desk, invoice, "record_payment", **typed)

    booked = ManualPayment.objects.get()
    assert said(first) == ["€100.00 is booked."]
    assert (booked.amount, booked.reference) == (10000, "Statement 7")
    assert booked.recorded_by == owner
    assert LedgerEntry.objects.get().amount == 10000
    assert selectors.amounts(invoice).due == 1900


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": "1.005"}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"method": "card"}, "method"),
        ({"received_on": date(2100, 1, 1)}, "received_on"),
    ],
)
def test_what_cannot_be_booked_is_said_at_the_field(desk, business, wrong, field):
    invoice = frozen(business)

    response = press(desk, invoice, "record_payment", **payment(**wrong))

    assert list(response.context["form"].errors) == [field]
    assert not ManualPayment.objects.exists()


def test_a_payment_is_taken_back_with_a_reason(desk, business):
    invoice = frozen(business)
    booked = pay(invoice, 11900)

    response = press(desk, booked, "take_back", reason="Bounced")

    booked.refresh_from_db()
    invoice.refresh_from_db()
    assert said(response) == ["€119.00 is taken back."]
    assert booked.reversal_reason == "Bounced"
    assert (invoice.status, selectors.amounts(invoice).due) == ("open", 11900)
    assert response.context["actions_detail"] == []


def test_a_payment_is_not_taken_back_twice_nor_by_viewers(client, desk, business):
    booked = pay(frozen(business), 11900)
    press(desk, booked, "take_back", reason="Bounced")

    again = press(desk, booked, "take_back", reason="Bounced")

    assert "before" in again.context["form"].non_field_errors()[0]
    client.force_login(MembershipFactory(business=business, role=Role.VIEWER).user)
    assert press(client, booked, "take_back", reason="x").status_code == 403
    assert LedgerEntry.objects.count() == 2


def test_a_balance_pays_as_much_as_is_due(desk, business):
    invoice = frozen(business)
    pay(frozen(business, invoice__customer=invoice.customer), 12900)
    form = desk.get(address(invoice, "apply_balance")).context["form"]
    assert 'value="10.00"' in str(form["amount"])

    too_much = press(desk, invoice, "apply_balance", amount="10.01")
    response = press(desk, invoice, "apply_balance", amount="10")

    assert "€10.00" in too_much.context["form"].non_field_errors()[0]
    assert said(response) == ["€10.00 of the balance is applied."]
    assert selectors.amounts(invoice).due == 10900


# Credit


def credit(desk: Client, invoice: Invoice, **typed: Any) -> Any:
    key = f"line_{invoice.lines.get().pk}"
    form = {"notes": invoice.credit_notes.count(), "reason": "Less work", key: "1"}
    return press(desk, invoice, "credit", **form | typed)


def test_a_credit_is_shown_before_it_is_issued(desk, business):
    invoice = frozen(business)
    pay(invoice, 5950)

    response = credit(desk, invoice, preview="1")

    shown = [(row.label, row.amount) for row in response.context["totals"]]
    assert shown[2:] == [
        ("Credit note", "€119.00"),
        ("Reduces what is due by", "€59.50"),
        ("Beyond the due", "€59.50"),
    ]
    assert 'value="59.50"' in str(response.context["split"]["out_of_band"])
    assert not CreditNote.objects.exists()


def test_what_came_by_card_is_offered_to_go_back_by_card(desk, business):
    invoice = frozen(business)
    pay(invoice, 1900)
    paid_in(invoice, 5000)
    # Half of it is too much, and kept as balance.
    pay(invoice, 10000)

    split = credit(desk, invoice, preview="1").context["split"]

    assert 'value="50.00"' in str(split["refunds"])
    assert 'value="69.00"' in str(split["out_of_band"])


def test_a_credit_is_issued_as_it_was_shown_and_split(desk, business):
    invoice = frozen(business)
    pay(invoice, 5950)

    response = credit(
        desk,
        invoice,
        issue="1",
        shown=11900,
        refunds="0",
        to_balance="50",
        out_of_band="9.50",
    )

    note = CreditNote.objects.get()
    assert said(response) == [f"Credit note {note.number} over €119.00 is issued."]
    assert (note.reduces, note.to_balance, note.out_of_band) == (5950, 5000, 950)
    assert f"/admin/invoices/creditnote/{note.pk}/" in response.content.decode()


def test_a_second_click_issues_no_second_credit(desk, business):
    invoice = frozen(business, quantity=2)
    typed = {"issue": "1", "shown": 11900, "notes": 0}
    credit(desk, invoice, **typed)

    again = credit(desk, invoice, **typed)

    assert CreditNote.objects.count() == 1
    assert "since this page was opened" in again.context["split"].non_field_errors()[0]


def test_changed_lines_are_shown_again_before_they_are_issued(desk, business):
    invoice = frozen(business, quantity=2)

    response = credit(desk, invoice, issue="1", shown=23800)

    assert not CreditNote.objects.exists()
    assert response.context["draft"].total == 11900


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"reason": ""}, "This field is required."),
        ({"refunds": "1"}, "€59.50"),
    ],
)
def test_a_credit_that_does_not_come_out_is_refused(desk, business, typed, sentence):
    invoice = frozen(business)
    pay(invoice, 5950)

    response = credit(desk, invoice, issue="1", shown=11900, **typed)

    assert not CreditNote.objects.exists()
    assert sentence in response.content.decode()


def test_more_than_is_left_is_refused_at_its_line(desk, business):
    invoice = frozen(business)
    name = f"line_{invoice.lines.get().pk}"

    response = credit(desk, invoice, preview="1", **{name: "2"})

    assert response.context["form"].errors == {name: ["1 of this is left to credit."]}


def test_what_is_credited_in_full_is_not_credited_again(desk, business):
    invoice = frozen(business)
    crediting.issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="All",
        split=crediting.Split(),
        actor=None,
        now=timezone.now(),
    )

    response = desk.get(address(invoice, "credit"), follow=True)

    assert said(response) == ["Nothing is left to credit of what was chosen."]


def test_a_credit_note_has_a_page_to_look_at(desk, business):
    invoice = frozen(business)
    credit(desk, invoice, issue="1", shown=11900)
    note = CreditNote.objects.get()

    response = desk.get(address(note, "change"))

    assert [(row.label, row.amount) for row in response.context["totals"]] == [
        ("Net", "€100.00"),
        ("VAT 19 %", "€19.00"),
        ("Total", "€119.00"),
        ("Taken off what was due", "€119.00"),
    ]
    assert response.context["timeline"][0].what == "Credit note issued"
    assert desk.post(address(note, "change"), {"reason": "x"}).status_code == 403


# Other documents, and time


def test_a_copy_opens_as_a_draft(desk, business):
    invoice = frozen(business)

    response = press(desk, invoice, "duplicate")

    copy = Invoice.objects.drafts().get()
    assert response.redirect_chain == [(address(copy, "change"), 302)]
    assert copy.lines.get().unit_price == Decimal(100)


@pytest.mark.parametrize("path", ["revise", "duplicate"])
def test_a_copy_says_that_it_is_without_the_files(desk, business, path):
    invoice = frozen(business)
    desk.post(
        address(invoice, "attach"), {"file": SimpleUploadedFile("x.pdf", b"%PDF-1")}
    )
    assert invoice.attachments.exists()

    assert "ttached files" in desk.get(address(invoice, path)).text

    press(desk, invoice, path)

    assert not Invoice.objects.drafts().get().attachments.exists()


def test_a_revision_voids_and_links_both_ways(desk, business):
    invoice = frozen(business)

    response = press(desk, invoice, "revise")

    invoice.refresh_from_db()
    revision = Invoice.objects.get(revises=invoice)
    assert invoice.status == "void"
    assert response.redirect_chain == [(address(revision, "change"), 302)]
    assert [each.label for each in response.context["linked"]] == ["Revises"]
    older = desk.get(address(invoice, "change")).context["linked"]
    assert [(each.label, each.text) for each in older] == [
        ("Revised by", str(revision))
    ]


def test_what_is_paid_is_not_revised(desk, business):
    invoice = frozen(business)
    pay(invoice, 1900)

    response = press(desk, invoice, "revise")

    assert "cannot be voided" in said(response)[0]
    assert Invoice.objects.count() == 1


def test_the_due_date_moves_later_only(desk, business):
    invoice = frozen(business)
    later = invoice.due_date + timedelta(7)

    refused = press(desk, invoice, "extend", due_date=invoice.due_date)
    press(desk, invoice, "extend", due_date=later)

    invoice.refresh_from_db()
    assert list(refused.context["form"].errors) == ["due_date"]
    assert invoice.due_date == later


# Mail


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


@pytest.mark.parametrize("button", ["remind", "extend"])
def test_a_draft_is_due_on_no_day_yet(desk, business, button):
    assert desk.get(address(draft(business), button)).status_code == 404


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
