from datetime import UTC, date, datetime

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.roles import Role
from accounts.services.events import record_event
from invoices.models import Invoice
from tests.factories import BusinessFactory, CommentFactory, MembershipFactory
from tests.rows import draft, frozen, paid_in
from tests.unguarded import unguarded

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("mid_march"),
]
FRONT = reverse("admin:index")


@pytest.fixture
def mid_march():
    with time_machine.travel(datetime(2026, 3, 15, 12, 0, tzinfo=UTC), tick=False):
        yield


def test_each_currency_has_its_own_figures(desk, business):
    euro, late = frozen(business), frozen(business)
    with unguarded():
        Invoice.objects.filter(pk=late.pk).update(
            issue_date=date(2026, 2, 1), due_date=date(2026, 3, 14)
        )
    paid_in(euro, 1900, datetime(2026, 3, 2, tzinfo=UTC))
    frozen(business, invoice__currency="JPY")
    draft(business)
    frozen(BusinessFactory())

    in_euro, in_yen = desk.get(FRONT).context["figures"]

    assert (in_euro.currency, in_euro.due, in_euro.invoices) == ("EUR", "€219.00", 2)
    assert (in_euro.overdue, in_euro.overdue_invoices) == ("€119.00", 1)
    assert in_euro.paid_this_month == "€19.00"
    assert (in_yen.currency, in_yen.due, in_yen.overdue) == ("JPY", "¥119", "¥0")
    assert in_yen.bars == []


def test_the_chart_shows_twelve_months_of_the_business(desk, business):
    business.time_zone = "America/New_York"
    business.save()
    invoice = frozen(business)
    paid_in(invoice, 1000, datetime(2026, 3, 1, 3, 0, tzinfo=UTC))
    paid_in(invoice, 250, datetime(2026, 3, 5, tzinfo=UTC))
    paid_in(invoice, 9000, datetime(2025, 3, 31, tzinfo=UTC))

    response = desk.get(FRONT)

    bars = response.context["figures"][0].bars
    assert [bar.month for bar in bars][:2] == [date(2025, 4, 1), date(2025, 5, 1)]
    assert [(bar.month, bar.amount, bar.height) for bar in bars][-3:] == [
        (date(2026, 1, 1), "€0.00", 0),
        (date(2026, 2, 1), "€10.00", 100),
        (date(2026, 3, 1), "€2.50", 25),
    ]
    assert '<th scope="row">February 2026</th>' in response.content.decode()


def test_a_currency_in_which_nothing_is_owed_is_shown_while_it_is_in_the_chart(
    desk, business
):
    invoice = frozen(business)
    paid_in(invoice, 11900, datetime(2026, 3, 2, tzinfo=UTC))
    Invoice.objects.update(status="paid", paid_at=datetime(2026, 3, 2, tzinfo=UTC))

    (figures,) = desk.get(FRONT).context["figures"]

    assert (figures.due, figures.paid_this_month) == ("€0.00", "€119.00")


def test_who_has_no_invoice_yet_is_shown_where_to_begin(desk):
    response = desk.get(FRONT)

    assert response.context["figures"] == []
    assert reverse("admin:invoices_invoice_add") in response.content.decode()


def test_the_newest_events_of_the_own_business_are_told(desk, business):
    frozen(business)
    frozen(BusinessFactory())

    told = desk.get(FRONT).context["timeline"]

    assert [each.what for each in told] == ["Invoice finalized"]


def test_comments_that_wait_are_shown_to_those_who_may_let_them_pass(client):
    business = BusinessFactory(publishes=True)
    author = MembershipFactory(business=business, role=Role.AUTHOR).user
    held = CommentFactory(post__author=author)
    CommentFactory(post__author=author, approved=True)
    client.force_login(author)

    context = client.get(FRONT).context

    assert list(context["held_comments"]) == [held]
    assert "figures" not in context


def test_accountants_see_no_comments(client, business):
    CommentFactory()
    client.force_login(MembershipFactory(business=business, role=Role.ACCOUNTANT).user)

    assert "held_comments" not in client.get(FRONT).context


def test_the_front_page_costs_the_same_for_one_invoice_and_for_three(desk, business):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            desk.get(FRONT)
        return len(captured)

    paid_in(frozen(business), 100)
    desk.get(FRONT)
    for_one = queries()
    for currency in ("JPY", "USD"):
        paid_in(frozen(business, invoice__currency=currency), 100)

    assert queries() == for_one
    assert for_one <= 17


def test_what_happens_by_itself_does_not_crowd_out_what_people_did(
    desk, business, owner, now
):
    for type_ in ("business.updated", *["invoice.document_stored"] * 20):
        record_event(
            type=type_, subject=business, business=business, actor=owner, now=now
        )

    told = desk.get(FRONT).context["timeline"]

    assert [each.what for each in told] == ["Business updated"]


def test_what_happened_leads_to_the_invoice_that_it_happened_to(desk, business):
    invoice = frozen(business, invoice__customer__name="Acme")

    (told,) = desk.get(FRONT).context["timeline"]

    assert (told.about, told.detail) == ("INV-00001 · Acme", "€119.00")
    assert told.link == reverse("admin:invoices_invoice_change", args=[invoice.pk])


@pytest.mark.parametrize(("role", "steps"), [(Role.ACCOUNTANT, 4), (Role.VIEWER, 0)])
def test_whoever_may_write_the_first_invoice_is_told_what_comes_before(
    client, business, role, steps
):
    client.force_login(MembershipFactory(business=business, role=role).user)

    page = client.get(FRONT).text

    assert "No invoice yet" in page
    links = ("accounts:business", "admin:invoices_taxrate_add")
    more = ("admin:invoices_customer_add", "admin:invoices_invoice_add")
    found = [name for name in links + more if f'href="{reverse(name)}"' in page]
    assert len(found) == steps
