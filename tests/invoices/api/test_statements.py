from datetime import date

import pytest
from django.core import mail

from accounts.roles import Role
from invoices.models import Delivery
from invoices.services import finalizing, receiving
from tests.api import in_role
from tests.factories import CustomerFactory
from tests.invoices.api.world import NOW, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(draft):
    """Of a customer who was charged 119.00 and paid 19.00."""
    invoice = finalizing.finalize_invoice(invoice=draft, actor=None, now=NOW)
    receiving.record_payment(
        invoice=invoice,
        fields={"amount": 1900, "method": "cash", "received_on": date(2026, 3, 1)},
        actor=None,
        now=NOW,
    )
    return invoice.customer


def test_statement_shows_what_was_charged_and_paid(api, account):
    said = {"currency": "EUR", "from": "2026-03-01", "to": "2026-03-31"}

    shown = api.get(url(account, "statement"), said).json()

    assert shown == {
        "customer": str(account.public_id),
        "currency": "EUR",
        "start": "2026-03-01",
        "end": "2026-03-31",
        "opening": 0,
        "rows": [
            {
                "day": "2026-03-01",
                "document": "Invoice INV-00001",
                "charge": 11900,
                "payment": 0,
                "balance": 11900,
            },
            {
                "day": "2026-03-01",
                "document": "Payment INV-00001",
                "charge": 0,
                "payment": 1900,
                "balance": 10000,
            },
        ],
        "closing": 10000,
    }


def test_statement_is_of_this_year_unless_said_otherwise(api, account):
    shown = api.get(url(account, "statement")).json()

    assert (shown["start"], shown["end"]) == ("2026-01-01", "2026-03-01")
    assert (shown["currency"], shown["closing"]) == ("EUR", 10000)


def test_statement_comes_as_a_pdf(api, account):
    response = api.get(
        url(account, "statement", "document"), headers={"Accept": "application/pdf"}
    )

    assert response.content.startswith(b"%PDF-")
    assert response["Content-Disposition"] == (
        'attachment; filename="statement-of-account-EUR-2026-01-01-2026-03-01.pdf"'
    )


def test_statement_is_mailed(api, account, run_tasks):
    run_tasks()
    response = api.post(url(account, "statement", "send"), {"to": "2026-03-31"})
    run_tasks()

    assert (response.status_code, response.json()["kind"]) == (201, "statement")
    (message,) = mail.outbox
    assert "from 1 January 2026 to 31 March 2026" in message.body
    assert "Balance on 31 March 2026: €100.00" in message.body


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"currency": "XXX"}, "currency"),
        ({"from": "x"}, "from"),
        ({"to": "1999-01-01"}, "to"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "to"),
    ],
)
def test_statement_refuses_what_makes_no_sense(api, account, said, field):
    for response in (
        api.get(url(account, "statement"), said),
        api.get(url(account, "statement", "document"), said),
        api.post(url(account, "statement", "send"), said),
    ):
        assert response.status_code == 400
        assert [*response.json()["errors"]] == [field]
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("role", "seen", "sent"),
    [
        (Role.OWNER, 200, 201),
        (Role.ACCOUNTANT, 200, 201),
        (Role.VIEWER, 200, 403),
        (Role.AUTHOR, 404, 404),
    ],
)
def test_statement_is_for_those_who_see_the_books(account, business, role, seen, sent):
    client = in_role(business, role)

    for customer, codes in (
        (account, (seen, seen, sent)),
        (CustomerFactory(), (404, 404, 404)),
    ):
        answers = (
            client.get(url(customer, "statement")),
            client.get(url(customer, "statement", "document")),
            client.post(url(customer, "statement", "send")),
        )
        assert tuple(answer.status_code for answer in answers) == codes
