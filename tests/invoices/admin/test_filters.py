from datetime import UTC, date, datetime

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from invoices.models import Invoice
from invoices.services import receiving
from tests.factories import BusinessFactory, CustomerFactory, InvoiceFactory
from tests.rows import frozen, paid_in

pytestmark = pytest.mark.django_db

LIST = reverse("admin:invoices_invoice_changelist")


def shown(desk: Client, **query: object) -> set[Invoice]:
    return set(desk.get(LIST, query).context["cl"].queryset)


# In Auckland the second of March has begun.
@time_machine.travel(datetime(2026, 3, 1, 12, 0, tzinfo=UTC), tick=False)
def test_overdue_counts_the_days_of_the_business(desk, business):
    business.time_zone = "Pacific/Auckland"
    business.save()
    late, due = (
        frozen(
            business,
            invoice__issue_date=date(2026, 2, 1),
            invoice__due_date=date(2026, 3, day),
        )
        for day in (1, 2)
    )
    InvoiceFactory(business=business)

    assert shown(desk, due="overdue") == {late}
    assert shown(desk, due="open") == {late, due}
    assert {row for row in desk.get(LIST).context["cl"].queryset if row.is_late} == {
        late
    }


@time_machine.travel(datetime(2026, 3, 1, 12, 0, tzinfo=UTC), tick=False)
def test_the_longest_overdue_comes_first(desk, business):
    days = (date(2026, 2, 5), date(2026, 2, 3), date(2026, 2, 4))
    rows = {
        day: frozen(business, invoice__issue_date=day, invoice__due_date=day)
        for day in days
    }

    listed = list(desk.get(LIST, {"due": "overdue"}).context["cl"].result_list)

    assert listed == [rows[day] for day in sorted(days)]


def test_customers_are_narrowed_to_the_countries_of_ones_own(desk, business):
    danish = CustomerFactory(business=business, country="DK")
    CustomerFactory(business=business, country="SE")
    CustomerFactory(country="NO")
    customers = reverse("admin:invoices_customer_changelist")

    shown = desk.get(customers, {"country": "DK"}).context["cl"]

    assert list(shown.queryset) == [danish]
    (countries,) = shown.filter_specs
    assert countries.lookup_choices == [("DK", "DK"), ("SE", "SE")]


@time_machine.travel(datetime(2026, 3, 15, 12, 0, tzinfo=UTC), tick=False)
def test_paid_this_month_begins_with_the_month_of_the_business(desk, business):
    business.time_zone = "America/New_York"
    business.save()
    moments = {
        "before": datetime(2026, 3, 1, 4, 59, tzinfo=UTC),
        "first": datetime(2026, 3, 1, 5, 0, tzinfo=UTC),
        "after": datetime(2026, 4, 1, 4, 0, tzinfo=UTC),
    }
    invoices = {}
    for name, moment in moments.items():
        invoices[name] = frozen(business)
        paid_in(invoices[name], at=moment)

    assert shown(desk, due="paid_this_month") == {invoices["first"]}


# A Sunday in Berlin, where Monday has not begun.
@time_machine.travel(datetime(2026, 3, 15, 22, 30, tzinfo=UTC), tick=False)
def test_a_week_begins_on_monday_where_the_business_is(desk, business):
    business.time_zone = "Europe/Berlin"
    business.save()
    moments = {
        "before": datetime(2026, 3, 8, 22, 59, tzinfo=UTC),
        "first": datetime(2026, 3, 8, 23, 0, tzinfo=UTC),
        "last": datetime(2026, 3, 15, 22, 59, tzinfo=UTC),
        "after": datetime(2026, 3, 15, 23, 0, tzinfo=UTC),
    }
    invoices = {}
    for name, moment in moments.items():
        invoices[name] = frozen(business)
        paid_in(invoices[name], at=moment)

    assert shown(desk, due="paid_this_week") == {invoices["first"], invoices["last"]}


def test_the_tabs_say_how_many_and_how_much(desk, business):
    part, whole = frozen(business), frozen(business)
    now = timezone.now()
    paid_in(part, 1900, now)
    frozen(business, invoice__currency="JPY")
    InvoiceFactory(business=business)
    frozen(BusinessFactory())
    InvoiceFactory()

    tabs = desk.get(LIST, {"due": "open"}).context["tabs"]

    assert [(tab.title, tab.count, tab.sums) for tab in tabs] == [
        ("All", None, ""),
        ("Due", 3, "€219.00 · ¥119"),
        ("Overdue", 0, ""),
        ("Paid this week", 1, "€19.00"),
        ("Drafts", 1, ""),
    ]
    assert [tab.title for tab in tabs if tab.is_shown] == ["Due"]
    assert shown(desk, due="paid_this_week") == {part}
    assert desk.get(LIST).text.count("Partly paid") == 1
    assert whole in shown(desk, due="open")


@time_machine.travel(datetime(2026, 3, 12, 12, 0, tzinfo=UTC), tick=False)
def test_what_was_taken_back_is_no_longer_paid_this_week(desk, business):
    bounced, paid_anew = frozen(business), frozen(business)
    old, now = (
        [
            receiving.record_payment(
                invoice=invoice,
                fields={"amount": amount, "received_on": date(2026, 3, day)},
                actor=None,
                now=timezone.now(),
            )
            for invoice, amount, day in rows
        ]
        for rows in (
            [(paid_anew, 5000, 1)],
            [(bounced, 1900, 11), (paid_anew, 700, 12)],
        )
    )
    for payment in (old[0], now[0]):
        receiving.reverse_payment(
            payment=payment, reason="Bounced", actor=None, now=timezone.now()
        )

    tabs = desk.get(LIST).context["tabs"]

    assert shown(desk, due="paid_this_week") == {paid_anew}
    assert shown(desk, due="paid_this_month") == {paid_anew}
    assert [(tab.count, tab.sums) for tab in tabs if "Paid" in tab.title] == [
        (1, "€7.00")
    ]


def test_an_unknown_question_is_no_question(desk, business):
    invoice = InvoiceFactory(business=business)

    assert shown(desk, due="tomorrow") == {invoice}


def test_currencies_of_other_businesses_are_not_offered(desk, business):
    euro = InvoiceFactory(business=business, currency="EUR")
    yen = InvoiceFactory(business=business, currency="JPY")
    InvoiceFactory(currency="USD")

    specs = desk.get(LIST).context["cl"].filter_specs

    offered = next(spec for spec in specs if spec.title == "currency").lookup_choices
    assert offered == [("EUR", "EUR"), ("JPY", "JPY")]
    assert shown(desk, currency="JPY") == {yen}
    assert shown(desk) == {euro, yen}


def test_the_filter_by_customer_names_nobody_elses_customer(desk, business):
    own = CustomerFactory(business=business, name="Our customer")
    foreign = CustomerFactory(name="Their customer")
    InvoiceFactory(business=business, customer=own)
    InvoiceFactory(business=business)

    def html(customer: object) -> str:
        return desk.get(LIST, {"customer__id__exact": customer}).content.decode()

    assert len(shown(desk, customer__id__exact=own.pk)) == 1
    assert "selected>Our customer" in html(own.pk)
    assert "Their customer" not in html(foreign.pk)


def test_choosing_a_customer_offers_the_own_ones(desk, business):
    CustomerFactory(business=business, name="Our customer")
    CustomerFactory(name="Their customer")

    answer = desk.get(
        reverse("admin:autocomplete"),
        {
            "app_label": "invoices",
            "model_name": "invoice",
            "field_name": "customer",
            "term": "customer",
        },
    ).json()

    assert [each["text"] for each in answer["results"]] == ["Our customer"]
