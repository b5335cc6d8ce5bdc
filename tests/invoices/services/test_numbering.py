from datetime import UTC, date, datetime
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Event
from invoices.audit.numbers import numbers as gaps_in
from invoices.exceptions import NumberNotAvailable, SeriesChanged
from invoices.models import (
    Counter,
    CreditNote,
    Invoice,
    Seal,
    Series,
    SkippedNumbers,
)
from invoices.services import numbering
from invoices.services.crediting import Split, issue_credit_note
from invoices.services.finalizing import finalize_invoice
from tests.at_once import at_once
from tests.factories import CustomerFactory, InvoiceLineFactory, TaxRateFactory

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
KIND = Series.Kind.INVOICE
YEARLY = {"pattern": "{prefix}{year}-{seq:05}", "resets_yearly": True}

pytestmark = pytest.mark.django_db


def issue(business, **invoice):
    draft = InvoiceLineFactory(
        invoice__business=business,
        **{f"invoice__{name}": value for name, value in invoice.items()},
    ).invoice
    return finalize_invoice(invoice=draft, actor=None, now=NOW).number


def raise_to(business, value, day=date(2026, 3, 1), actor=None):
    return numbering.raise_next_number(
        business=business, kind=KIND, next_value=value, day=day, actor=actor, now=NOW
    )


def change(business, actor=None, **fields):
    return numbering.change_series(
        business=business, kind=KIND, fields=fields, actor=actor, now=NOW
    )


def test_raise_next_number_leaves_numbers_out_and_says_which(business, owner):
    issue(business)

    raise_to(business, 40, actor=owner)

    assert issue(business) == "INV-00040"
    skipped = SkippedNumbers.objects.get()
    assert (skipped.first, skipped.last) == (2, 39)
    event = Event.objects.get(type="series.raised")
    assert (event.business, event.actor) == (business, owner)
    assert event.data == {"kind": "invoice", "year": 0, "from": 2, "to": 40}


def test_raise_next_number_of_a_series_without_documents(business):
    raise_to(business, 1001)

    assert issue(business) == "INV-01001"


@pytest.mark.parametrize("value", [-1, 0, 1, 2, numbering.LARGEST + 1])
def test_raise_next_number_refuses_to_lower_it(business, value):
    issue(business)

    with pytest.raises(NumberNotAvailable, match="The next number is 2"):
        raise_to(business, value)

    assert Counter.objects.get().next_value == 2
    assert not SkippedNumbers.objects.exists()
    assert not Event.objects.filter(type="series.raised").exists()


def test_raise_next_number_raises_the_run_of_one_year(business):
    change(business, **YEARLY)

    raise_to(business, 5, day=date(2027, 1, 1))

    assert issue(business, issue_date=date(2026, 3, 1)) == "INV-2026-00001"
    assert issue(business, issue_date=date(2027, 3, 1)) == "INV-2027-00005"


def test_numbers_begin_anew_with_the_year_of_the_document(business):
    change(business, **YEARLY)

    numbers = [
        issue(business, issue_date=day)
        for day in (date(2026, 12, 31), date(2027, 1, 1), date(2026, 1, 1))
    ]

    assert numbers == ["INV-2026-00001", "INV-2027-00001", "INV-2026-00002"]


def test_the_year_is_that_of_the_calendar_of_the_business(business):
    business.time_zone = "Pacific/Kiritimati"
    business.save()
    change(business, **YEARLY)
    draft = InvoiceLineFactory(invoice__business=business).invoice

    invoice = finalize_invoice(
        invoice=draft, actor=None, now=datetime(2026, 12, 31, 11, 0, tzinfo=UTC)
    )

    assert (invoice.number, invoice.issue_date) == ("INV-2027-00001", date(2027, 1, 1))


def test_the_first_document_makes_the_series_of_both_kinds(business):
    """No credit note need lock the business, whose customer it has locked by then."""
    issue(business)

    series = Series.objects.filter(business=business).order_by("pk")
    assert [row.number(2026, 1) for row in series] == ["INV-00001", "CN-00001"]


def test_change_series_keeps_what_was_given_and_counts_on(business, owner):
    issue(business)

    change(business, actor=owner, prefix="R-")

    assert issue(business) == "R-00002"
    numbers = Invoice.objects.order_by("pk").values_list("number", flat=True)
    assert list(numbers) == ["INV-00001", "R-00002"]
    event = Event.objects.get(type="series.changed")
    assert (event.actor, event.data) == (owner, {"kind": "invoice", "prefix": "R-"})


def test_change_series_refuses_rules_by_which_a_number_would_come_again(business):
    change(business, **YEARLY)
    issue(business)

    with pytest.raises(NumberNotAvailable, match="INV-2026-00001 was given before"):
        change(business, resets_yearly=False)

    assert Series.objects.get(kind=KIND).resets_yearly
    assert Event.objects.filter(type="series.changed").count() == 1


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ({"prefix": "CN-"}, "CN-00001"),
        ({"prefix": "", "pattern": "CN-{prefix}{seq:07}"}, "CN-1000000"),
        ({"prefix": "CN-", "pattern": "{prefix}{year}{seq}"}, "CN-20991"),
    ],
)
def test_change_series_refuses_numbers_that_the_other_kind_may_have(
    business, fields, number
):
    with pytest.raises(NumberNotAvailable, match=f"^{number} could be that of an inv"):
        change(business, **fields)

    assert not Series.objects.exists()


def test_change_series_refuses_numbers_that_the_other_kind_had(business):
    issue(business)
    more = {"business": business, "kind": Series.Kind.CREDIT_NOTE, "actor": None}
    numbering.raise_next_number(next_value=7, day=NOW.date(), now=NOW, **more)
    issue_credit_note(
        invoice=Invoice.objects.get(),
        quantities=None,
        reason="Returned",
        split=Split(),
        actor=None,
        now=NOW,
    )
    numbering.change_series(fields={"prefix": "K-"}, now=NOW, **more)

    with pytest.raises(NumberNotAvailable, match="CN-00007 was given before"):
        change(business, prefix="CN-")


def test_change_series_comes_back_to_a_prefix_that_is_counted_past(business):
    issue(business)
    change(business, prefix="R-")
    issue(business)

    change(business, prefix="INV-")

    assert issue(business) == "INV-00003"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"pattern": "{prefix}"}, "pattern"),
        ({"pattern": "{seq}{seq}"}, "pattern"),
        ({"pattern": "{year}{year}{seq}"}, "pattern"),
        ({"pattern": "{seq:x}"}, "pattern"),
        ({"pattern": "{seq!r}"}, "pattern"),
        ({"pattern": "{seq:5}"}, "pattern"),
        ({"pattern": "{year:06}{seq}"}, "pattern"),
        ({"pattern": "{seq.real}"}, "pattern"),
        ({"pattern": "{"}, "pattern"),
        ({"pattern": "{seq}" + "-" * 45}, "pattern"),
        ({"resets_yearly": True}, "pattern"),
        ({"prefix": "P" * 21}, "prefix"),
    ],
)
def test_change_series_refuses_what_gives_no_numbers(business, fields, wrong):
    with pytest.raises(ValidationError) as error:
        change(business, **fields)

    assert list(error.value.message_dict) == [wrong]
    assert not Series.objects.exists()


def test_take_number_refuses_a_run_that_is_counted_otherwise_by_now(business):
    run = numbering.open_run(business, KIND, date(2026, 3, 1))
    change(business, **YEARLY)

    with pytest.raises(SeriesChanged, match="try again"):
        numbering.take_number(run)


@pytest.mark.parametrize(
    ("pattern", "number", "place"),
    [
        ("{prefix}{seq:05}", "A1-00007", (None, 7)),
        ("{prefix}{seq:05}", "A1-7", None),
        ("{prefix}{seq}", "A1-007", None),
        ("{prefix}{year}{seq}", "A1-20267", (2026, 7)),
        ("{seq}/{year}", "12/2026", (2026, 12)),
        ("{seq}/{year}", "A1-12/2026", None),
    ],
)
def test_series_knows_the_place_of_a_number(pattern, number, place):
    series = Series(prefix="A1-", pattern=pattern)

    assert series.place(number) == place


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rules", [{}, YEARLY], ids=["one run", "yearly"])
def test_both_kinds_have_no_gap_under_24_writers_of_whom_a_fifth_roll_back(
    business, rules
):
    """Each writer finalizes an invoice and credits one; nobody sees an error."""
    customer = CustomerFactory(business=business)
    rate = TaxRateFactory(business=business)
    for kind in Series.Kind:
        numbering.change_series(
            business=business, kind=kind, fields=rules, actor=None, now=NOW
        )

    def draft(index):
        year = 2025 + index % 2 if rules else 2026
        return InvoiceLineFactory(
            invoice__business=business,
            invoice__customer=customer,
            invoice__issue_date=date(year, 3, 1),
            invoice__due_date=date(2026, 4, 1),
            tax_rate=rate,
        ).invoice

    drafts = [draft(index) for index in range(48)]
    taken = [finalize_invoice(invoice=draft(0), actor=None, now=NOW) for _ in drafts]

    def work(first):
        for index in range(first, 48, 24):
            with transaction.atomic():
                finalize_invoice(invoice=drafts[index], actor=None, now=NOW)
                transaction.set_rollback(index % 5 == 0)
            with transaction.atomic():
                issue_credit_note(
                    invoice=taken[index],
                    quantities=None,
                    reason="Returned",
                    split=Split(),
                    actor=None,
                    now=NOW,
                )
                transaction.set_rollback(index % 5 == 0)

    at_once([partial(work, first) for first in range(24)])

    assert list(gaps_in(business)) == []
    kept = sum(index % 5 != 0 for index in range(48))
    assert Invoice.objects.exclude(number=None).count() == 48 + kept
    assert CreditNote.objects.count() == Seal.objects.exclude(credit_note=None).count()
    assert CreditNote.objects.count() == kept
    ends = [counter.next_value - 1 for counter in Counter.objects.all()]
    assert sum(ends) == 48 + kept + kept
    assert len(ends) == (3 if rules else 2)
