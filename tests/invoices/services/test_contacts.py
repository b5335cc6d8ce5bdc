import pytest
from django.core.exceptions import ValidationError

from accounts.models import Event
from invoices.exceptions import Deleted
from invoices.models import Contact, Delivery
from invoices.services import contacts
from invoices.services.delivering import recipients
from tests.factories import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db

ANN = {"name": "Ann", "email": "ann@example.com", "phone": "+44 20 7946 0000"}


@pytest.fixture
def customer():
    return CustomerFactory(email="office@example.com")


def create(customer, now, actor=None, **fields):
    return contacts.create_contact(
        customer=customer, fields=ANN | fields, actor=actor, now=now
    )


def test_a_contact_is_added_changed_and_deleted_on_record(customer, now):
    actor = UserFactory()

    ann = create(customer, now, actor)
    ann = contacts.update_contact(
        contact=ann, fields={"name": "Ann B."}, actor=actor, now=now
    )
    assert Contact.objects.get(customer=customer, name="Ann B.") == ann
    contacts.delete_contact(contact=ann, actor=actor, now=now)

    assert not Contact.objects.exists()
    assert [
        (event.type, event.subject_id, event.actor, event.data["email"])
        for event in Event.objects.order_by("pk")
    ] == [
        (f"customer.contact_{what}", str(customer.public_id), actor, ANN["email"])
        for what in ("added", "updated", "deleted")
    ]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"email": "ann"}, "email"),
        ({"email": "BEN@example.com"}, "email"),
    ],
)
def test_a_contact_is_refused_with_what_is_wrong(customer, now, fields, wrong):
    create(customer, now, email="ben@example.com")

    with pytest.raises(ValidationError) as refused:
        create(customer, now, **fields)

    assert list(refused.value.message_dict) == [wrong]
    assert Contact.objects.count() == 1


def test_a_customer_has_only_so_many_contacts(customer, now):
    Contact.objects.bulk_create(
        Contact(customer=customer, name="x", email=f"{number}@example.com")
        for number in range(contacts.MAX_CONTACTS)
    )

    with pytest.raises(ValidationError, match="at most 20 contacts"):
        create(customer, now)


def test_what_is_gone_meanwhile_is_said(customer, now):
    ann = create(customer, now)
    Contact.objects.all().delete()

    with pytest.raises(Deleted, match="this contact"):
        contacts.delete_contact(contact=ann, actor=None, now=now)
    pk = customer.pk
    customer.delete()
    customer.pk = pk
    with pytest.raises(Deleted, match="this customer"):
        create(customer, now)


def test_each_contact_gets_the_mail_that_is_for_it(customer, now):
    wanted = {
        "invoices@example.com": {"gets_invoices"},
        "reminders@example.com": {"gets_reminders"},
        "statements@example.com": {"gets_statements"},
        # Written twice, mailed once.
        "OFFICE@example.com": {"gets_invoices", "gets_reminders"},
        "nothing@example.com": set(),
    }
    for email, gets in wanted.items():
        said = {name: name in gets for name in contacts.FIELDS if "gets" in name}
        create(customer, now, email=email, **said)

    assert {kind: recipients(customer, kind)[1:] for kind in Delivery.Kind} == {
        Delivery.Kind.INVOICE: ["invoices@example.com"],
        Delivery.Kind.CREDIT_NOTE: ["invoices@example.com"],
        Delivery.Kind.REMINDER: ["reminders@example.com"],
        Delivery.Kind.STATEMENT: ["statements@example.com"],
    }
    assert recipients(customer, Delivery.Kind.INVOICE)[0] == "office@example.com"
