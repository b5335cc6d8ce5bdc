"""What the buttons on an invoice's page do, and whose they are."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.html import escape
from pypdf import PdfReader

from accounts.models import Business, Event
from accounts.roles import Role
from invoices.models import Document, Invoice, LedgerEntry
from invoices.services.finalizing import finalize_invoice
from invoices.states import InvoiceStatus
from tests.factories import BusinessFactory, MembershipFactory
from tests.invoices.admin.pressing import address, offered, pay, press, said
from tests.rows import draft, frozen

pytestmark = pytest.mark.django_db

BUTTONS = [
    "finalize",
    "finalize_and_send",
    "send",
    "void",
    "give_up",
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
FROZEN = {"Download PDF", "Record payment", "Duplicate", "Attach a file"}
MAIL = {"Send", "Preview the mail", "Send a test to me"}


def meant_for(business: Business, button: str) -> Invoice:
    return draft(business) if "finalize" in button else frozen(business)


@pytest.mark.parametrize("button", BUTTONS)
def test_looking_changes_nothing(desk, business, button):
    invoice = meant_for(business, button)
    pay(frozen(business, invoice__customer=invoice.customer), 12900)
    before = list(Invoice.objects.order_by("pk").values())
    happened, entries = Event.objects.count(), LedgerEntry.objects.count()

    response = desk.get(address(invoice, button))

    assert response.status_code == 200
    assert list(Invoice.objects.order_by("pk").values()) == before
    assert Event.objects.count() == happened
    assert LedgerEntry.objects.count() == entries
    assert mail.outbox == []


@pytest.mark.parametrize("button", BUTTONS)
def test_they_are_not_for_viewers(client, business, button):
    client.force_login(MembershipFactory(business=business, role=Role.VIEWER).user)
    invoice = meant_for(business, button)
    happened = Event.objects.count()

    assert client.get(address(invoice, button)).status_code == 403
    assert press(client, invoice, button).status_code == 403
    assert Event.objects.count() == happened


@pytest.mark.parametrize("button", [*BUTTONS, "download"])
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


@pytest.mark.parametrize(
    ("button", "sentence"),
    [
        ("finalize", "This invoice is void already; only a draft can be finalized."),
        (
            "finalize_and_send",
            "This invoice is void already; only a draft can be finalized.",
        ),
        ("send", "This invoice is void"),
        ("void", "This invoice is void already."),
        ("give_up", "This invoice is void and cannot become uncollectible."),
    ],
)
def test_a_refusal_is_said_on_the_page_of_the_invoice(desk, business, button, sentence):
    invoice = frozen(business)
    press(desk, invoice, "void")

    response = press(desk, invoice, button)

    assert response.redirect_chain == [(address(invoice, "change"), 302)]
    assert said(response)[0].startswith(sentence)
    assert response.context["messages"]._loaded_data[0].level_tag == "error"


def test_finalize_gives_a_number(desk, owner, business):
    invoice = draft(business)

    response = press(desk, invoice, "finalize")

    invoice.refresh_from_db()
    assert (invoice.status, invoice.number) == (InvoiceStatus.OPEN, "INV-00001")
    assert said(response) == ["Finalized as INV-00001."]
    assert Event.objects.get(type="invoice.finalized").actor == owner


def test_finalize_and_send_does_both(desk, business, run_tasks, mailoutbox):
    invoice = draft(business)

    response = press(desk, invoice, "finalize_and_send")
    run_tasks()

    invoice.refresh_from_db()
    assert invoice.sent_at == invoice.finalized_at
    assert [mail.to for mail in mailoutbox] == [[invoice.customer.email]]
    assert said(response) == [
        f"Finalized as INV-00001; it goes to {invoice.customer.email}."
    ]


def test_void_and_give_up_do_what_they_say(desk, business):
    void, hopeless = frozen(business), frozen(business)

    press(desk, void, "void")
    press(desk, hopeless, "give_up")

    void.refresh_from_db()
    hopeless.refresh_from_db()
    assert (void.status, hopeless.status) == ("void", "uncollectible")


@pytest.mark.parametrize(
    ("status", "titles"),
    [
        (
            "draft",
            {"Finalize", "Finalize and send", "Preview PDF"}
            | {"Duplicate", "Attach a file"},
        ),
        (
            "open",
            FROZEN
            | MAIL
            | {"Credit", "Extend the due date", "Remind now"}
            | {"Revise", "Void", "Mark uncollectible"},
        ),
        ("uncollectible", FROZEN | MAIL | {"Credit", "Revise", "Void"}),
        ("paid", FROZEN | MAIL | {"Credit"}),
        ("void", FROZEN),
    ],
)
def test_each_status_offers_what_is_possible(desk, business, now, status, titles):
    invoice = draft(business)
    if status != "draft":
        finalize_invoice(invoice=invoice, actor=None, now=now)
        Invoice.objects.update(
            status=status,
            paid_at=now if status == "paid" else None,
            voided_at=now if status == "void" else None,
        )

    assert offered(desk, invoice) == titles


def test_viewers_are_offered_the_document_alone(client, business):
    client.force_login(MembershipFactory(business=business, role=Role.VIEWER).user)

    assert offered(client, frozen(business)) == {"Download PDF"}
    assert offered(client, draft(business)) == {"Preview PDF"}


def test_the_document_is_downloaded_under_its_number(desk, business, tmp_path):
    invoice = frozen(business)

    response = desk.get(address(invoice, "download"))

    (tmp_path / "invoice.pdf").write_bytes(response.content)
    assert response["Content-Disposition"] == 'attachment; filename="INV-00001.pdf"'
    assert "INV-00001" in PdfReader(tmp_path / "invoice.pdf").pages[0].extract_text()


def test_a_draft_is_previewed_in_its_language_and_nothing_is_stored(
    desk, business, tmp_path
):
    invoice = draft(business, invoice__language="de")
    url = address(invoice, "download")

    response = desk.get(url)

    (tmp_path / "draft.pdf").write_bytes(response.content)
    assert response["Content-Disposition"].startswith("inline")
    assert "no-store" in response["Cache-Control"]
    assert "ENTWURF" in PdfReader(tmp_path / "draft.pdf").pages[0].extract_text()
    assert not Document.objects.exists()


def test_the_preview_of_a_mail_is_text_and_nothing_that_a_name_says(desk, business):
    name = '<div x-data x-init="alert(1)">Ann</div>'
    invoice = frozen(business, invoice__customer__name=name)

    page = desk.get(address(invoice, "preview")).content.decode()

    assert f"Hello {escape(name)}" in page
    # The page within the page, once more as the value of its attribute.
    assert name not in page


def test_a_preview_that_cannot_be_worked_out_says_why(desk, business):
    invoice = draft(business, invoice__discount_amount=Decimal(1000))
    url = address(invoice, "download")

    response = desk.get(url, follow=True)

    assert response.redirect_chain == [(address(invoice, "change"), 302)]
    assert said(response)[0].startswith("The discount is larger than")


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


@pytest.mark.parametrize("button", ["remind", "extend"])
def test_a_draft_is_due_on_no_day_yet(desk, business, button):
    assert desk.get(address(draft(business), button)).status_code == 404
