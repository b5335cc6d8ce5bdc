import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Upper

from accounts.models import ApiToken, User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_an_address_is_stored_in_lower_case():
    user = UserFactory(email="Jo@Example.COM", username="Jo")

    assert (user.email, user.username) == ("jo@example.com", "jo")
    assert User.objects.values_list("email", "username").get() == (
        "jo@example.com",
        "jo",
    )


@pytest.mark.parametrize(
    "taken", [{"email": "JO@example.com"}, {"username": "JO"}], ids=["email", "name"]
)
def test_case_makes_no_other_person(taken):
    UserFactory(email="jo@example.com", username="jo")

    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory(**taken)

    assert User.objects.count() == 1


def test_bulk_writes_store_lower_case_as_well():
    User.objects.bulk_create(UserFactory.build_batch(1, email="A@Example.com"))
    assert User.objects.get().email == "a@example.com"

    User.objects.update(email="B@Example.com")

    assert User.objects.get().email == "b@example.com"


@pytest.mark.parametrize(
    "lookup",
    [
        {"email": "Jo@EXAMPLE.com"},
        {"email__exact": "JO@example.com"},
        {"email__iexact": "JO@example.com"},
        {"email__in": ["x@example.com", "JO@example.com"]},
        {"email__startswith": "JO@"},
        {"email__contains": "EXAMPLE.COM"},
        {"email__endswith": "EXAMPLE.COM"},
        {"email__istartswith": "JO@"},
        {"username__icontains": "O"},
    ],
)
def test_lookups_take_any_case(lookup):
    user = UserFactory(email="jo@example.com", username="jo")
    UserFactory(email="kim@example.org", username="kim")

    assert list(User.objects.filter(**lookup)) == [user]


def test_signing_in_finds_any_case():
    user = UserFactory(email="jo@example.com")

    assert User.objects.get_by_natural_key("JO@Example.com") == user


@pytest.mark.parametrize("other", ["josé@example.com", "jose@exämple.com"])
def test_another_address_is_another_person(other):
    UserFactory(email="jose@example.com")

    UserFactory(email=other)

    assert User.objects.filter(email="jose@example.com").count() == 1


def test_an_expression_is_left_to_the_database():
    user = UserFactory(email="jo@example.com", username="jo")

    user.username = Concat(F("username"), Value("-2"))
    user.save()

    assert User.objects.get().username == "jo-2"
    assert User.objects.filter(username=Upper(Value("x"))).count() == 0


def test_case_tells_ids_of_other_systems_apart(now):
    user = UserFactory()
    for digest in ("aBc", "abc", "ábc"):
        ApiToken.objects.create(user=user, digest=digest, expiry=now)

    assert ApiToken.objects.get(digest="aBc").digest == "aBc"
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.create(user=user, digest="abc", expiry=now)
