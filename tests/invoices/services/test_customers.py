from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Event
from invoices.exceptions import Deleted, InUse
from invoices.models import Customer
from invoices.services import customers
from tests.factories import (
    BusinessFactory,
    CustomerFactory,
    InvoiceFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def events():
    return [
        (event.type, event.subject_id, event.business, event.actor)
        for event in Event.objects.order_by("pk")
    ]


def test_create_customer_writes_it_and_who_did():
    business, actor = BusinessFactory(), UserFactory()

    customer = customers.create_customer(
        business=business,
        fields={"name": "Anna", "email": "anna@example.com"},
        actor=actor,
        now=NOW,
    )

    assert Customer.objects.get(business=business, name="Anna") == customer
    assert events() == [("customer.created", str(customer.public_id), business, actor)]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"email": "anna@example.com"}, ["name"]),
        ({"name": "Anna", "email": "anna"}, ["email"]),
        ({"name": "Anna", "email": "a@example.com", "country": "Germany"}, ["country"]),
        ({}, ["email", "name"]),
    ],
)
def test_create_customer_refuses_what_is_wrong(fields, wrong):
    with pytest.raises(ValidationError) as refused:
        customers.create_customer(
            business=BusinessFactory(), fields=fields, actor=None, now=NOW
        )

    assert sorted(refused.value.message_dict) == wrong
    assert (Customer.objects.count(), events()) == (0, [])


def test_create_customer_knows_its_fields():
    with pytest.raises(
        TypeError, match="not for a caller to set on customer: business, id"
    ):
        customers.create_customer(
            business=BusinessFactory(),
            fields={"id": 1, "business": 2},
            actor=None,
            now=NOW,
        )


def test_update_customer_changes_what_is_given():
    customer = CustomerFactory(name="Anna", notes="Pays late.")

    customers.update_customer(
        customer=customer, fields={"name": "Anna Braun"}, actor=None, now=NOW
    )

    customer.refresh_from_db()
    assert (customer.name, customer.notes) == ("Anna Braun", "Pays late.")
    assert events() == [
        ("customer.updated", str(customer.public_id), customer.business, None)
    ]


def test_delete_customer_leaves_the_event():
    customer = CustomerFactory()

    customers.delete_customer(customer=customer, actor=None, now=NOW)

    assert not Customer.objects.exists()
    assert events() == [
        ("customer.deleted", str(customer.public_id), customer.business, None)
    ]


def test_delete_customer_refuses_one_with_invoices():
    customer = InvoiceFactory().customer

    with pytest.raises(InUse, match="cannot be deleted"):
        customers.delete_customer(customer=customer, actor=None, now=NOW)

    assert (list(Customer.objects.all()), events()) == ([customer], [])


def test_customer_deleted_meanwhile_is_refused():
    customer = CustomerFactory()
    Customer.objects.all().delete()

    with pytest.raises(Deleted):
        customers.update_customer(customer=customer, fields={}, actor=None, now=NOW)
    with pytest.raises(Deleted):
        customers.delete_customer(customer=customer, actor=None, now=NOW)


def test_customer_keeps_a_tax_id_compact_and_one_that_nobody_changes_as_it_was():
    customer = CustomerFactory(country="DE", tax_id="older than the rule")
    said = {"actor": None, "now": NOW}

    customer = customers.update_customer(
        customer=customer, fields={"name": "New", "tax_id": customer.tax_id}, **said
    )
    assert customer.tax_id == "older than the rule"
    with pytest.raises(ValidationError) as refused:
        customers.update_customer(
            customer=customer, fields={"tax_id": "DE136695978"}, **said
        )
    assert "check digit" in refused.value.message_dict["tax_id"][0]
    with pytest.raises(ValidationError):
        customers.update_customer(customer=customer, fields={"country": "AT"}, **said)
    customer = customers.update_customer(
        customer=customer, fields={"tax_id": "de 136 695 976"}, **said
    )
    assert customer.tax_id == "DE136695976"
