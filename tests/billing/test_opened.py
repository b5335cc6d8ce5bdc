import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import Event
from invoices.services import opening
from tests.billing.page import address
from tests.factories import BusinessFactory, MembershipFactory

pytestmark = pytest.mark.django_db

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1"


def look(invoice, *, client=None, method="get", agent=PHONE, **headers):
    client = client or Client()
    response = getattr(client, method)(
        address("invoice", invoice), headers={"User-Agent": agent, **headers}
    )
    assert response.status_code == 200
    invoice.refresh_from_db()
    return invoice.first_opened_at is not None


def test_that_the_customer_looked_is_written_down_once(invoice):
    assert [look(invoice) for _ in range(3)] == [True] * 3

    assert Event.objects.filter(type="invoice.opened").count() == 1


@pytest.mark.parametrize(
    ("method", "agent", "headers"),
    [
        ("head", PHONE, {}),
        ("get", "", {}),
        ("get", PHONE, {"Sec-Purpose": "prefetch;prerender"}),
        ("get", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", {}),
        ("get", "WhatsApp/2.23.20.0", {}),
        ("get", "Mozilla/5.0 (compatible; Googlebot/2.1)", {}),
        (
            "get",
            "Mozilla/5.0 AppleWebKit/537.36 Chrome/130 Safari/537.36 BingPreview/1.0b",
            {},
        ),
        ("get", "python-requests/2.32", {}),
    ],
)
def test_that_a_program_looked_is_not(invoice, method, agent, headers):
    assert not look(invoice, method=method, agent=agent, **headers)


@pytest.mark.parametrize(("is_own", "counts"), [(True, False), (False, True)])
def test_that_a_member_looked_is_not_but_of_the_business_alone(
    client, invoice, is_own, counts
):
    business = invoice.business if is_own else BusinessFactory()
    client.force_login(MembershipFactory(business=business).user)

    assert look(invoice, client=client) is counts


def test_the_page_is_shown_where_nothing_can_be_written(invoice, monkeypatch, caplog):
    def read_only(**words):
        raise OperationalError(1290, "running with --read-only")

    monkeypatch.setattr(opening, "note_opened", read_only)

    assert not look(invoice)
    assert "is not known" in caplog.text
