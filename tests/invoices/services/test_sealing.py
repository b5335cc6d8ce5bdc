import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from invoices import seals
from invoices.models import InvoiceAdjustment, Seal
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.extending import extend_invoice
from invoices.services.finalizing import finalize_invoice
from tests.factories import InvoiceLineFactory
from tests.unguarded import unguarded

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def finalized(business, **line):
    draft = InvoiceLineFactory(invoice__business=business, **line).invoice
    return finalize_invoice(invoice=draft, actor=None, now=NOW)


def credited(invoice):
    return issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Zurück",
        split=Split(),
        actor=None,
        now=NOW,
    )


def test_a_seal_says_all_that_an_invoice_says(business):
    draft = InvoiceLineFactory(
        invoice__business=business,
        invoice__reference="PO 7",
        quantity=Decimal("1.5"),
    ).invoice
    InvoiceAdjustment.objects.create(
        invoice=draft,
        reason="Packing",
        amount=Decimal(5),
        tax_rate=draft.lines.get().tax_rate,
    )

    invoice = finalize_invoice(invoice=draft, actor=None, now=NOW)

    content = json.loads(invoice.seal.content)
    assert (content["kind"], content["number"]) == ("invoice", "INV-00001")
    assert (content["issue_date"], content["due_date"]) == ("2026-03-01", "2026-03-15")
    assert content["seller"]["name"] == business.name
    assert content["reference"] == "PO 7"
    assert (content["net"], content["tax"], content["total"]) == (15500, 2945, 18445)
    (line,), (adjustment,) = content["lines"], content["adjustments"]
    assert (line["quantity"], line["unit_price"], line["net"]) == ("1.5", "100", 15000)
    assert (adjustment["amount"], adjustment["net"]) == ("5", 500)
    assert content["taxes"][0]["percent"] == "19"


def test_a_seal_says_all_that_a_credit_note_says(business):
    note = credited(finalized(business))

    content = json.loads(note.seal.content)
    assert (content["number"], content["invoice"]) == ("CN-00001", "INV-00001")
    assert (content["reason"], content["reduces"]) == ("Zurück", 11900)
    assert content["lines"][0]["net"] == 10000


def test_the_text_is_canonical(business):
    seal = credited(finalized(business)).seal

    assert seal.content.startswith('{"buyer":{"address":')
    assert '"reason":"Zurück"' in seal.content
    assert seal.sha256 == hashlib.sha256(seal.content.encode()).hexdigest()
    assert seals.canonical(json.loads(seal.content)) == seal.content


def test_each_seal_is_chained_to_the_one_before_in_its_run(business):
    invoices = [finalized(business) for _ in range(3)]
    note = credited(invoices[0])

    chain = [seal.chain for seal in Seal.objects.order_by("pk")[:3]]
    previous = [seal.previous for seal in Seal.objects.order_by("pk")[:3]]
    assert previous == ["", *chain[:2]]
    assert note.seal.previous == ""
    last = invoices[2].seal
    joined = (last.previous + last.sha256).encode()
    assert last.chain == hashlib.sha256(joined).hexdigest()


def test_codes_differ_and_are_not_to_be_guessed(business):
    codes = {finalized(business).seal.code for _ in range(3)}

    assert {len(code) for code in codes} == {22}


def test_what_was_printed_stays_sealed_where_the_due_date_moves(business):
    invoice = finalized(business)
    content = invoice.seal.content

    extend_invoice(invoice=invoice, due_date=date(2026, 5, 1), actor=None, now=NOW)

    assert Seal.objects.get().content == content


def test_the_migration_seals_what_was_issued_before_as_it_would_be_now(business):
    for quantity in ("1.5", "100", "0.0001"):
        finalized(business, quantity=Decimal(quantity))
    names = ("sequence", "content", "sha256", "previous", "chain")
    sealed = list(Seal.objects.order_by("sequence").values_list(*names))
    with unguarded():
        Seal.objects.all().delete()
    migration = import_module("invoices.migrations.0007_seal_what_was_issued")
    migration.CHUNK = 2

    migration.seal(apps, connection.schema_editor)
    migration.seal(apps, connection.schema_editor)

    assert list(Seal.objects.order_by("sequence").values_list(*names)) == sealed
