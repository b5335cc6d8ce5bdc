from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from accounts.models import Event
from invoices.exceptions import (
    AmountOutOfRange,
    DueBeforeIssue,
    InvalidTransition,
    MissingDetails,
    NothingToInvoice,
)
from invoices.models import (
    Counter,
    Document,
    Invoice,
    InvoiceAdjustment,
    Series,
    TaxCategory,
)
from invoices.services.finalizing import finalize_invoice
from invoices.states import InvoiceStatus
from tests.at_once import at_once
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
    TaxRateFactory,
    UserFactory,
)

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def finalize(invoice, actor=None, now=NOW):
    return finalize_invoice(invoice=invoice, actor=actor, now=now)


@pytest.fixture
def draft():
    business = BusinessFactory(
        name="Studio",
        tax_id="DE1",
        footer="HRB 1",
        iban="DE89370400440532013000",
        bic="COBADEFFXXX",
        logo="logos/studio.png",
    )
    invoice = InvoiceFactory(business=business)
    InvoiceLineFactory(invoice=invoice)
    return invoice


def test_finalize_invoice_freezes_totals_and_dates(draft):
    finalize(draft)

    draft.refresh_from_db()
    assert draft.status == InvoiceStatus.OPEN
    assert (draft.subtotal, draft.discount) == (10000, 0)
    assert (draft.net, draft.tax, draft.total) == (10000, 1900, 11900)
    assert (draft.issue_date, draft.due_date) == (date(2026, 3, 1), date(2026, 3, 15))
    assert (draft.finalized_at, draft.paid_at) == (NOW, None)


def test_finalize_invoice_keeps_copies_of_seller_and_buyer(draft):
    finalize(draft)

    draft.business.name = draft.customer.name = "Renamed"
    draft.business.save()
    draft.customer.save()
    draft.refresh_from_db()
    assert draft.seller == {
        "name": "Studio",
        "email": draft.business.email,
        "address": "High Street 1, 10115 Berlin",
        "country": "DE",
        "tax_id": "DE1",
        "footer": "HRB 1",
        "iban": "DE89370400440532013000",
        "bic": "COBADEFFXXX",
        "logo": "logos/studio.png",
    }
    assert draft.buyer["email"] == draft.customer.email
    assert (draft.buyer["paper"], draft.buyer["shipping_address"]) == ("", "")
    assert draft.buyer["name"] != "Renamed"


def test_finalize_invoice_keeps_the_tax_of_each_line_and_rate(draft):
    rate = draft.lines.get().tax_rate
    same = TaxRateFactory(business=draft.business, name="MwSt. 19 %")
    zero = TaxRateFactory(
        business=draft.business,
        name="Zero",
        category=TaxCategory.ZERO,
        percent=0,
        note="Books.",
    )
    InvoiceLineFactory(invoice=draft, position=1, tax_rate=same)
    InvoiceLineFactory(invoice=draft, position=2, tax_rate=zero)

    finalize(draft)
    rate.name, rate.percent = "VAT 20 %", 20
    rate.save()

    lines = draft.lines.order_by("position")
    assert [
        (line.net, line.tax_name, line.tax_category, line.tax_percent) for line in lines
    ] == [
        (10000, "VAT 19 %", "S", 19),
        (10000, "MwSt. 19 %", "S", 19),
        (10000, "Zero", "Z", 0),
    ]
    taxes = draft.taxes.order_by("category")
    assert [(tax.name, tax.note, tax.net, tax.amount) for tax in taxes] == [
        ("VAT 19 % · MwSt. 19 %", "", 20000, 3800),
        ("Zero", "Books.", 10000, 0),
    ]


def test_finalize_invoice_opens_a_secret_link_past_the_due_date(draft):
    finalize(draft)

    draft.refresh_from_db()
    assert len(draft.link_token) == 32
    assert draft.link_expires_at == NOW + timedelta(days=14 + 30)


def test_finalize_invoice_counts_on_in_the_series_of_the_business(draft):
    second = InvoiceFactory(business=draft.business)
    InvoiceLineFactory(invoice=second)
    other = InvoiceFactory()
    InvoiceLineFactory(invoice=other)

    numbers = [finalize(invoice).number for invoice in (draft, second, other)]

    assert numbers == ["INV-00001", "INV-00002", "INV-00001"]


def test_finalize_invoice_takes_the_prefix_of_the_series(draft):
    series = Series.objects.create(
        business=draft.business, kind="invoice", prefix="2026/"
    )
    series.counters.create(next_value=7)

    invoice = finalize(draft)

    assert (invoice.number, invoice.sequence) == ("2026/00007", 7)
    assert Counter.objects.get().next_value == 8


def test_finalize_invoice_has_the_document_stored(draft, run_tasks):
    finalize(draft)

    assert run_tasks() == 1
    assert Document.objects.get().invoice == draft


def test_finalize_invoice_records_who_did(draft):
    actor = UserFactory()

    finalize(draft, actor=actor)

    event = Event.objects.get()
    assert (event.type, event.actor) == ("invoice.finalized", actor)
    assert event.data == {"number": "INV-00001", "total": 11900, "currency": "EUR"}


def test_finalize_invoice_keeps_dates_that_were_set(draft):
    draft.issue_date, draft.due_date = date(2026, 2, 1), date(2026, 2, 1)
    draft.save()

    finalize(draft)

    draft.refresh_from_db()
    assert draft.issue_date == draft.due_date == date(2026, 2, 1)
    assert draft.link_expires_at == NOW + timedelta(days=30)


def test_finalize_invoice_reads_the_calendar_of_the_business(draft):
    draft.business.time_zone = "Pacific/Kiritimati"
    draft.business.payment_terms_days = 0
    draft.business.save()

    invoice = finalize(draft, now=datetime(2026, 3, 1, 10, 0, tzinfo=UTC))

    assert invoice.issue_date == invoice.due_date == date(2026, 3, 2)


def test_finalize_invoice_that_comes_to_nothing_is_paid(draft):
    draft.discount_percent = Decimal(100)
    draft.save()

    invoice = finalize(draft)

    assert (invoice.status, invoice.paid_at, invoice.total) == ("paid", NOW, 0)


def refuses(error, match, draft):
    with pytest.raises(error, match=match):
        finalize(draft)

    draft.refresh_from_db()
    assert draft.is_draft
    assert not Event.objects.exists()
    assert not DBTaskResult.objects.exists()
    assert not Series.objects.exists()


def test_finalize_invoice_refuses_one_without_lines():
    refuses(NothingToInvoice, "without lines", InvoiceFactory())


def test_finalize_invoice_refuses_less_than_nothing(draft):
    draft.lines.update(unit_price=-1)

    refuses(NothingToInvoice, "less than nothing", draft)


def test_finalize_invoice_refuses_more_prepaid_than_it_comes_to(draft):
    draft.prepaid_amount = Decimal("119.01")
    draft.save()

    refuses(NothingToInvoice, "More was prepaid than this comes to", draft)


@pytest.mark.parametrize(
    ("fields", "prepaid", "rounding", "payable", "status"),
    [
        ({}, 0, 0, 11900, "open"),
        ({"prepaid_amount": Decimal("118.99")}, 11899, 0, 1, "open"),
        ({"prepaid_amount": Decimal(119)}, 11900, 0, 0, "paid"),
        ({"prepaid_amount": "118.98", "cash_rounding": 5}, 11898, -2, 0, "paid"),
        ({"prepaid_amount": "118.97", "cash_rounding": 5}, 11897, 2, 5, "open"),
        ({"prepaid_amount": "0.50", "cash_rounding": 100}, 50, 50, 11900, "open"),
    ],
)
def test_finalize_invoice_freezes_what_is_payable(
    draft, fields, prepaid, rounding, payable, status
):
    Invoice.objects.filter(pk=draft.pk).update(**fields)

    finalize(draft)

    row = Invoice.objects.with_amounts().get(pk=draft.pk)
    assert (row.total, row.prepaid, row.rounding) == (11900, prepaid, rounding)
    assert (row.payable, row.due, row.status) == (payable, payable, status)


@pytest.mark.parametrize(
    ("is_gross", "nets", "grosses"),
    [
        (False, [10000, 250, -1000], [None, None, None]),
        (True, [8403, 210, -840], [10000, 250, -1000]),
    ],
)
def test_finalize_invoice_freezes_adjustments(draft, is_gross, nets, grosses):
    draft.prices_include_tax = is_gross
    draft.save()
    (line,) = draft.lines.all()
    for position, fields in enumerate(
        [
            {"reason": "Freight", "amount": Decimal("2.50")},
            {"reason": "Regular", "percent": Decimal(10), "is_charge": False},
        ]
    ):
        InvoiceAdjustment.objects.create(
            invoice=draft, position=position, tax_rate=line.tax_rate, **fields
        )

    finalize(draft)

    rows = [draft.lines.get(), *draft.adjustments.order_by("position")]
    assert [row.net for row in rows] == nets
    assert [row.gross for row in rows] == grosses
    assert {(row.tax_name, row.tax_category, row.tax_percent) for row in rows} == {
        ("VAT 19 %", "S", 19)
    }
    draft.refresh_from_db()
    priced = draft.total if is_gross else draft.net
    assert priced == sum(row.priced for row in rows) == 9250
    (tax,) = draft.taxes.all()
    assert (tax.net, tax.amount) == (draft.net, draft.tax)


def test_finalize_invoice_asks_for_tax_ids_of_a_charge_under_reverse_charge(draft):
    rate = TaxRateFactory(
        business=draft.business, category="AE", percent=0, note="Reverse charge."
    )
    InvoiceAdjustment.objects.create(invoice=draft, reason="Freight", tax_rate=rate)

    refuses(MissingDetails, "that of the customer first", draft)


def test_finalize_invoice_refuses_a_seller_without_address(draft):
    draft.business.address = ""
    draft.business.save()

    refuses(MissingDetails, "address of the business", draft)


@pytest.mark.parametrize(
    ("seller", "buyer", "missing"), [("", "FR1", "business"), ("DE1", "", "customer")]
)
def test_finalize_invoice_refuses_reverse_charge_without_tax_ids(
    seller, buyer, missing
):
    business = BusinessFactory(tax_id=seller)
    draft = InvoiceFactory(
        business=business, customer=CustomerFactory(business=business, tax_id=buyer)
    )
    rate = TaxRateFactory(
        business=business, category="AE", percent=0, note="Reverse charge."
    )
    InvoiceLineFactory(invoice=draft, tax_rate=rate)

    refuses(MissingDetails, f"that of the {missing} first", draft)


def test_finalize_invoice_takes_reverse_charge_with_tax_ids():
    business = BusinessFactory(tax_id="DE1")
    draft = InvoiceFactory(
        business=business, customer=CustomerFactory(business=business, tax_id="FR1")
    )
    rate = TaxRateFactory(
        business=business, category="AE", percent=0, note="Reverse charge."
    )
    InvoiceLineFactory(invoice=draft, tax_rate=rate)

    assert finalize(draft).tax == 0


def test_finalize_invoice_refuses_a_due_date_that_is_past(draft):
    draft.due_date = date(2026, 2, 28)
    draft.save()

    refuses(DueBeforeIssue, "Due on 2026-02-28, but issued on 2026-03-01", draft)


def test_finalize_invoice_refuses_what_fits_no_books(draft):
    draft.discount_amount = Decimal(101)
    draft.save()

    refuses(AmountOutOfRange, "discount is larger", draft)


def test_finalize_invoice_refuses_a_second_time(draft):
    finalize(draft)

    with pytest.raises(InvalidTransition, match="is open already"):
        finalize(draft)

    assert Counter.objects.get().next_value == 2


def test_number_goes_back_where_the_transaction_does(draft):
    with transaction.atomic():
        finalize(draft)
        transaction.set_rollback(True)

    assert finalize(draft).number == "INV-00001"


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gap_and_no_twin_under_24_threads():
    threads, each = 24, 5
    business = BusinessFactory()
    rate = TaxRateFactory(business=business)
    customer = CustomerFactory(business=business)
    drafts = [
        InvoiceFactory(business=business, customer=customer)
        for _ in range(threads * each)
    ]
    for invoice in drafts:
        InvoiceLineFactory(invoice=invoice, tax_rate=rate)
    doomed = {invoice.pk for invoice in drafts[::5]}
    numbers = []

    def work(share):
        for invoice in share:
            with transaction.atomic():
                number = finalize(invoice).number
                transaction.set_rollback(invoice.pk in doomed)
            if invoice.pk not in doomed:
                numbers.append(number)

    at_once([partial(work, drafts[start::threads]) for start in range(threads)])

    kept = threads * each - len(doomed)
    assert sorted(numbers) == [f"INV-{n:05d}" for n in range(1, kept + 1)]
    assert Invoice.objects.exclude(number=None).count() == kept
    assert Counter.objects.get().next_value == kept + 1


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_one_draft_finalized_by_eight_threads_takes_one_number(draft):
    def work():
        try:
            return finalize(draft).number
        except InvalidTransition:
            return None

    numbers = at_once([work] * 8)

    assert [number for number in numbers if number] == ["INV-00001"]
    assert Counter.objects.get().next_value == 2
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("shipping", "kept"),
    [("Dock 4\nHamburg", "Dock 4\nHamburg"), ("Main  Street 1\nBerlin", ""), ("", "")],
)
def test_finalize_invoice_keeps_where_goods_go_if_elsewhere(draft, shipping, kept):
    draft.customer.address = "Main Street 1\nBerlin"
    draft.customer.shipping_address = shipping
    draft.customer.save()

    invoice = finalize(draft)

    assert invoice.buyer["shipping_address"] == kept
