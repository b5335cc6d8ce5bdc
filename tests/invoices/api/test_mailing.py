from uuid import uuid4

import pytest
from django.core import mail

from accounts.models import Event
from accounts.roles import Role
from invoices.models import Delivery, ReminderStep
from invoices.services import crediting, finalizing
from tests.api import in_role, speaking_as
from tests.factories import BusinessFactory, InvoiceLineFactory, MembershipFactory
from tests.invoices.api.world import API, NOW, url

pytestmark = pytest.mark.django_db

STEPS = f"{API}/reminder-steps/"


@pytest.fixture
def invoice(draft, run_tasks):
    invoice = finalizing.finalize_invoice(invoice=draft, actor=None, now=NOW)
    run_tasks()
    return invoice


@pytest.fixture
def foreign():
    draft = InvoiceLineFactory().invoice
    return finalizing.finalize_invoice(invoice=draft, actor=None, now=NOW)


def credited(invoice):
    note = crediting.issue_credit_note(
        invoice=invoice,
        quantities=None,
        reason="Returned",
        split=crediting.Split(),
        actor=None,
        now=NOW,
    )
    return f"{API}/credit-notes/{note.public_id}/send/"


def test_mail_can_be_seen_before_it_is_sent(api, invoice):
    shown = api.get(url(invoice, "mail-preview")).json()

    assert shown["to"] == [invoice.customer.email]
    assert shown["subject"] == f"Invoice INV-00001 from {invoice.seller['name']}"
    assert "To pay by 15 March 2026: €119.00" in shown["text"]
    assert shown["html"].startswith("\n<!DOCTYPE html>") or "<html" in shown["html"]
    assert (mail.outbox, Delivery.objects.count()) == ([], 0)


def test_mail_can_be_tried_on_oneself(api, owner, invoice, run_tasks):
    response = api.post(url(invoice, "test-send"))
    run_tasks()

    assert response.status_code == 204
    (message,) = mail.outbox
    assert message.to == [owner.email]


def test_mail_of_a_draft_is_refused(api, draft):
    answers = [
        api.get(url(draft, "mail-preview")),
        api.post(url(draft, "test-send")),
        api.post(url(draft, "remind")),
    ]

    assert [answer.status_code for answer in answers] == [409] * 3
    assert [answer.json()["code"] for answer in answers] == [
        "invalid_transition",
        "invalid_transition",
        "nothing_due",
    ]


def test_deliveries_say_what_became_of_mail(api, invoice, run_tasks):
    api.post(url(invoice, "send"))
    run_tasks()
    reminded = api.post(url(invoice, "remind"))

    assert reminded.status_code == 201
    rows = api.get(url(invoice, "deliveries")).json()["results"]
    assert rows[0] == reminded.json()
    assert [(row["kind"], row["status"], row["tries"]) for row in rows] == [
        ("reminder", "queued", 0),
        ("invoice", "sent", 1),
    ]
    assert rows[1]["to"] == [invoice.customer.email]


def test_business_that_mailed_too_much_is_told(api, invoice, settings):
    settings.MAIL_PER_BUSINESS_A_DAY = 0

    for action in ("send", "remind"):
        response = api.post(url(invoice, action))
        assert (response.status_code, response.json()["code"]) == (409, "too_much_mail")


def test_credit_note_is_mailed(api, invoice, run_tasks):
    response = api.post(credited(invoice))
    run_tasks()

    assert (response.status_code, response.json()["kind"]) == (201, "credit_note")
    (message,) = mail.outbox
    assert message.subject.startswith("Credit note CN-00001 from")


def test_plan_is_written_step_by_step(api, business):
    created = api.post(STEPS, {"days": 3, "message": "Dear customer"})
    address = f"{STEPS}{created.json()['id']}/"
    changed = api.patch(address, {"days": 4, "is_active": False})

    assert created.status_code == 201
    assert changed.json() == created.json() | {"days": 4, "is_active": False}
    assert [row["days"] for row in api.get(STEPS).json()["results"]] == [4]
    assert api.delete(address).status_code == 204
    assert not ReminderStep.objects.exists()


def test_plan_refuses_what_makes_no_sense(api):
    api.post(STEPS, {"days": 3})

    for body, field in (({"days": 400}, "days"), ({}, "days"), ({"days": "x"}, "days")):
        response = api.post(STEPS, body)
        assert response.status_code == 400
        assert [*response.json()["errors"]] == [field]
    again = api.post(STEPS, {"days": 3})
    assert again.status_code == 400
    assert [*again.json()["errors"].values()] == [["There is a step for that day."]]


def test_usual_plan_is_written_once(api, business):
    for _ in range(2):
        response = api.post(f"{STEPS}usual/")
        assert response.status_code == 201
        assert [(row["days"], row["is_active"]) for row in response.json()] == [
            (-3, False),
            (3, True),
            (10, True),
            (24, True),
        ]
    assert business.reminder_steps.count() == 4


def addresses(invoice, step):
    """What writes, and what only reads."""
    actions = [url(invoice, action) for action in ("test-send", "remind", "send")]
    return (
        [("post", address) for address in actions]
        + [("post", credited(invoice)), ("post", STEPS), ("post", f"{STEPS}usual/")]
        + [(method, step) for method in ("put", "patch", "delete")],
        [url(invoice, "mail-preview"), url(invoice, "deliveries"), step],
    )


def test_viewer_sees_mail_and_sends_none(business, invoice):
    step = ReminderStep.objects.create(business=business, days=3)
    writing, reading = addresses(invoice, f"{STEPS}{step.public_id}/")
    viewer = in_role(business, Role.VIEWER)
    events = Event.objects.count()

    for method, address in writing:
        assert getattr(viewer, method)(address, {"days": 5}).status_code == 403, address
    assert [viewer.get(address).status_code for address in reading] == [200] * 3
    assert (Event.objects.count(), Delivery.objects.count()) == (events, 0)


@pytest.mark.parametrize("role", [Role.OWNER, Role.ACCOUNTANT, Role.AUTHOR, None])
def test_mail_of_another_business_is_not_there(foreign, role):
    step = ReminderStep.objects.create(business=foreign.business, days=3)
    writing, reading = addresses(foreign, f"{STEPS}{step.public_id}/")
    client = in_role(BusinessFactory(), role) if role else speaking_as(None)

    own = {("post", STEPS), ("post", f"{STEPS}usual/")}
    answers = {
        getattr(client, method)(address, {"days": 5}).status_code
        for method, address in [*writing, *[("get", address) for address in reading]]
        if (method, address) not in own
    }
    assert answers == ({404} if role else {401})
    assert not Delivery.objects.exists()


def test_step_of_another_business_cannot_be_made(api, foreign):
    for id_ in (foreign.business.public_id, uuid4(), "x"):
        response = api.post(STEPS, {"days": 3, "business": str(id_)})
        assert [*response.json()["errors"]] == ["business"]


def test_lists_ask_as_often_for_many_rows(api, invoice, django_assert_max_num_queries):
    for days in range(3):
        ReminderStep.objects.create(business=invoice.business, days=days)
        api.post(url(invoice, "remind"))

    with django_assert_max_num_queries(3):
        assert len(api.get(STEPS).json()["results"]) == 3
    with django_assert_max_num_queries(3):
        assert len(api.get(url(invoice, "deliveries")).json()["results"]) == 3


def test_steps_are_listed_by_business(api, owner, business):
    other = MembershipFactory(user=owner).business
    for row, days in ((business, 3), (other, 5)):
        ReminderStep.objects.create(business=row, days=days)

    listed = api.get(STEPS, {"business": str(other.public_id)}).json()["results"]
    assert [row["days"] for row in listed] == [5]
