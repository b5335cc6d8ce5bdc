import pytest

from accounts.models import Business, Event
from accounts.roles import Role
from tests.api import in_role
from tests.factories import BusinessFactory

pytestmark = pytest.mark.django_db


def ids(answer):
    return [row["id"] for row in answer.json()["results"]]


def test_own_businesses_are_listed(api, business):
    BusinessFactory()

    answer = api.get("/api/v1/businesses/")

    assert ids(answer) == [str(business.public_id)]
    assert answer.json()["results"][0]["name"] == business.name


def test_a_business_is_made(api, owner):
    answer = api.post("/api/v1/businesses/", {"name": "Second", "currency": "USD"})

    made = Business.objects.get(name="Second")
    assert answer.status_code == 201
    assert answer.json()["id"] == str(made.public_id)
    assert (answer.json()["currency"], made.email) == ("USD", owner.email)
    assert made.memberships.get(user=owner).role == Role.OWNER


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("email", "nobody"),
        ("currency", "XXQ"),
        ("time_zone", "Mars"),
        ("country", "Germany"),
        ("payment_terms_days", -1),
        ("payment_terms_days", 366),
        ("tax_rounding", "never"),
        ("language", "tlh"),
        ("iban", "DE89370400440532013001"),
        ("bic", "COBA"),
    ],
)
def test_a_business_that_is_wrong_is_refused(api, business, field, value):
    path = f"/api/v1/businesses/{business.public_id}/"

    made = api.post("/api/v1/businesses/", {"name": "Second"} | {field: value})
    changed = api.patch(path, {field: value})

    assert made.status_code == changed.status_code == 400
    assert list(made.json()["errors"]) == list(changed.json()["errors"]) == [field]
    assert (Business.objects.count(), Event.objects.count()) == (1, 0)


def test_an_owner_changes_the_business(api, business):
    answer = api.patch(
        f"/api/v1/businesses/{business.public_id}/",
        {
            "name": "New",
            "language": "de",
            "iban": "de89 3704 0044 0532 0130 00",
            "bic": "COBADEFFXXX",
            "publishes": False,
        },
    )

    business.refresh_from_db()
    assert (answer.status_code, answer.json()["name"]) == (200, "New")
    assert (business.name, business.publishes) == ("New", True)
    assert answer.json()["iban"] == business.iban == "DE89370400440532013000"
    assert (business.bic, business.language) == ("COBADEFFXXX", "de")


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.AUTHOR, Role.VIEWER])
def test_nobody_else_changes_the_business(business, role):
    member = in_role(business, role)
    path = f"/api/v1/businesses/{business.public_id}/"

    assert member.get(path).status_code == 200
    assert member.patch(path, {"name": "New"}).status_code == 403
    assert Event.objects.count() == 0


@pytest.mark.parametrize("method", ["get", "patch"])
def test_another_business_is_not_found(api, method):
    other = BusinessFactory()

    answer = getattr(api, method)(f"/api/v1/businesses/{other.public_id}/", {})

    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["put", "delete"])
def test_a_business_is_neither_replaced_nor_deleted(api, business, method):
    path = f"/api/v1/businesses/{business.public_id}/"

    assert getattr(api, method)(path, {}).status_code == 405
