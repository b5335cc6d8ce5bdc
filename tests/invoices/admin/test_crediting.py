from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from invoices.models import CreditNote, Invoice
from invoices.services import crediting
from tests.invoices.admin.pressing import address, pay, press, said
from tests.rows import frozen, paid_in

pytestmark = pytest.mark.django_db


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
