import pytest

from accounts.models import Event
from invoices.models import Customer
from tests.factories import CustomerFactory, MembershipFactory
from tests.invoices.api.world import API, url

pytestmark = pytest.mark.django_db


def test_customer_is_written_down(api, business, owner):
    body = {"name": "Anna", "email": "anna@example.com", "country": "DE"}

    response = api.post(f"{API}/customers/", body)

    customer = Customer.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "id": str(customer.public_id),
        "business": str(business.public_id),
        "name": "Anna",
        "email": "anna@example.com",
        "address": "",
        "country": "DE",
        "tax_id": "",
        "shipping_address": "",
        "language": "",
        "paper": "",
        "currency": "",
        "payment_terms_days": None,
        "notes": "",
        "created_at": "2026-03-01T09:30:00Z",
        "updated_at": "2026-03-01T09:30:00Z",
    }
    event = Event.objects.get()
    assert (event.type, event.actor, event.business) == (
        "customer.created",
        owner,
        business,
    )


def test_customer_is_changed(api, customer):
    response = api.patch(url(customer), {"name": "Anna Braun"})

    customer.refresh_from_db()
    assert response.json()["name"] == customer.name == "Anna Braun"


def test_customer_is_written_anew(api, customer):
    body = {"name": "Anna Braun", "email": "braun@example.com"}

    response = api.put(url(customer), body)

    customer.refresh_from_db()
    assert response.status_code == 200
    assert (customer.name, customer.email) == ("Anna Braun", "braun@example.com")


def test_customer_without_invoices_is_deleted(api, customer):
    response = api.delete(url(customer))

    assert (response.status_code, Customer.objects.count()) == (204, 0)


def test_customer_with_invoices_stays(api, draft):
    response = api.delete(url(draft.customer))

    assert response.status_code == 409
    assert response.json()["code"] == "in_use"
    assert response.json()["detail"] == (
        "There are invoices for this customer, so it cannot be deleted."
    )
    assert Customer.objects.count() == 1


def test_customers_are_searched_by_name_and_address(api, business, customer):
    CustomerFactory(business=business, name="Bert", email="bert@example.com")

    for part in ("schmidt", customer.email):
        (found,) = api.get(f"{API}/customers/", {"search": part}).json()["results"]
        assert found["id"] == str(customer.public_id)


def test_customer_stays_with_its_business(api, owner, customer):
    other = MembershipFactory(user=owner).business

    response = api.patch(url(customer), {"business": str(other.public_id)})

    assert response.status_code == 400
    assert response.json()["errors"] == {"business": ["This cannot be changed."]}


def test_who_writes_for_several_businesses_says_for_which(api, owner, business):
    MembershipFactory(user=owner)
    body = {"name": "Anna", "email": "anna@example.com"}

    refused = api.post(f"{API}/customers/", body)
    taken = api.post(f"{API}/customers/", body | {"business": str(business.public_id)})

    assert refused.json()["errors"] == {
        "business": ["You write the books of several: say of which."]
    }
    assert taken.json()["business"] == str(business.public_id)
