import pytest

from accounts.models import Event
from accounts.roles import Role
from invoices.models import Invoice
from invoices.services.finalizing import finalize_invoice
from invoices.services.receiving import record_payment
from tests.api import in_role
from tests.factories import InvoiceFactory, InvoiceLineFactory
from tests.invoices.api.world import NOW, url

pytestmark = pytest.mark.django_db

ACTIONS = {
    "revise": {},
    "duplicate": {},
    "apply-balance": {},
    "extend": {"due_date": "2026-09-01"},
}


@pytest.fixture
def invoice(draft):
    """Over 119.00."""
    return finalize_invoice(invoice=draft, actor=None, now=NOW)


def keep(invoice, amount):
    """Have its customer pay that much too much of an invoice."""
    line = InvoiceLineFactory(
        invoice__business=invoice.business, invoice__customer=invoice.customer
    )
    record_payment(
        invoice=finalize_invoice(invoice=line.invoice, actor=None, now=NOW),
        fields={
            "method": "cash",
            "amount": 11900 + amount,
            "received_on": NOW.date(),
        },
        actor=None,
        now=NOW,
    )


def test_revised_it_is_void_and_a_draft_takes_its_place(api, invoice):
    response = api.post(url(invoice, "revise"))

    draft, before = response.json(), api.get(url(invoice)).json()
    assert response.status_code == 201
    assert (draft["status"], draft["revises"]) == ("draft", str(invoice.public_id))
    assert (before["status"], before["revision"]) == ("void", draft["id"])
    assert draft["total"] == before["total"]
    again = api.post(url(invoice, "revise"))
    assert (again.status_code, again.json()["code"]) == (409, "invalid_transition")


def test_what_was_paid_is_not_revised(api, invoice):
    record_payment(
        invoice=invoice,
        fields={"method": "cash", "amount": 1, "received_on": NOW.date()},
        actor=None,
        now=NOW,
    )

    response = api.post(url(invoice, "revise"))

    assert (response.status_code, response.json()["code"]) == (409, "money_received")
    assert Invoice.objects.count() == 1


def test_a_copy_is_a_draft_that_revises_nothing(api, invoice):
    response = api.post(url(invoice, "duplicate"))

    draft = response.json()
    assert (response.status_code, draft["status"]) == (201, "draft")
    assert (draft["revises"], draft["due_date"], draft["total"]) == (None, None, 11900)
    assert api.get(url(invoice)).json()["status"] == "open"


def test_a_balance_pays_all_that_it_can(api, invoice):
    keep(invoice, 5000)

    part = api.post(url(invoice, "apply-balance"), {"amount": 2000}).json()
    rest = api.post(url(invoice, "apply-balance")).json()

    assert (part["paid"], part["due"]) == (2000, 9900)
    assert (rest["paid"], rest["due"]) == (5000, 6900)
    spent = api.post(url(invoice, "apply-balance"))
    assert (spent.status_code, spent.json()["code"]) == (409, "amount_not_available")


@pytest.mark.parametrize("amount", [0, -1, "all", 1.5])
def test_a_balance_is_applied_in_whole_units_above_nothing(api, invoice, amount):
    keep(invoice, 5000)

    response = api.post(
        url(invoice, "apply-balance"), {"amount": amount}, format="json"
    )

    assert [*response.json()["errors"]] == ["amount"]
    assert api.get(url(invoice)).json()["paid"] == 0


def test_more_time_is_given(api, invoice):
    shown = api.post(url(invoice, "extend"), {"due_date": "2026-09-01"}).json()

    assert shown["due_date"] == "2026-09-01"
    assert shown["link_expires_at"].startswith("2026-10-01")
    for due_date in ("2026-08-31", "soon", None):
        body = {"due_date": due_date}
        refused = api.post(url(invoice, "extend"), body, format="json")
        assert [*refused.json()["errors"]] == ["due_date"]


def test_a_draft_is_not_extended(api, draft):
    response = api.post(url(draft, "extend"), {"due_date": "2026-09-01"})

    assert (response.status_code, response.json()["code"]) == (
        409,
        "invalid_transition",
    )


def test_nobody_else_may(business, api, invoice):
    foreign = InvoiceFactory()
    viewer, author = in_role(business, Role.VIEWER), in_role(business, Role.AUTHOR)
    keep(invoice, 5000)
    invoices, events = Invoice.objects.count(), Event.objects.count()

    for name, body in ACTIONS.items():
        assert api.post(url(foreign, name), body).status_code == 404
        assert author.post(url(invoice, name), body).status_code == 404
        assert viewer.post(url(invoice, name), body).status_code == 403

    assert (Invoice.objects.count(), Event.objects.count()) == (invoices, events)


def test_an_accountant_may(business, invoice):
    accountant = in_role(business, Role.ACCOUNTANT)
    keep(invoice, 5000)

    for name, body in reversed(ACTIONS.items()):
        if name != "apply-balance":
            answer = accountant.post(url(invoice, name), body)
            assert answer.status_code in {200, 201}
