from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from accounts.models import ApiToken
from accounts.services.tokens import create_token
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ME = "/api/v1/users/me/"


@pytest.fixture
def user():
    return UserFactory(username="jo")


@pytest.fixture
def key(user, now, time_machine):
    time_machine.move_to(now)
    return create_token(user=user, name="script", now=now)[1]


def status(header):
    return APIClient().get(ME, headers={"Authorization": header}).status_code


def test_a_token_speaks_for_its_holder(key):
    response = APIClient().get(ME, headers={"Authorization": f"Token {key}"})

    assert response.json()["username"] == "jo"


def test_what_one_person_sees_is_kept_by_nobody(key):
    token = {"Authorization": f"Token {key}"}

    for path in (ME, "/api/v1/invoices/", "/api/v1/tags/"):
        answer = APIClient().get(path, headers=token)
        assert answer["Cache-Control"] == "private, no-store"
    assert "Cache-Control" not in APIClient().get("/api/v1/tags/")


def test_it_takes_one_statement_to_know_who_asks(key, django_assert_num_queries):
    status(f"Token {key}")

    with django_assert_num_queries(1):
        assert status(f"Token {key}") == 200


@pytest.mark.parametrize(
    "header",
    ["Token", "Token a b", "Token {key}x", "Token {start}", "Token \xff", "Token "],
)
def test_what_is_not_the_whole_key_is_refused(key, header):
    assert status(header.format(key=key, start=key[:15])) == 401


def test_an_expired_token_is_refused_and_stays(key, user):
    ApiToken.objects.update(expiry=ApiToken.objects.get().created - timedelta(1))

    assert status(f"Token {key}") == 401
    assert ApiToken.objects.count() == 1


def test_the_token_of_a_closed_account_is_refused(key, user):
    user.is_active = False
    user.save()

    assert status(f"Token {key}") == 401


def test_a_revoked_token_is_refused(key):
    ApiToken.objects.all().delete()

    assert status(f"Token {key}") == 401
