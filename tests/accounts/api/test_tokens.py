import pytest
from rest_framework.test import APIClient

from accounts.models import ApiToken
from accounts.services import tokens
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_token_is_shown_once_and_opens_the_api(api, owner):
    answer = api.post("/api/v1/tokens/", {"name": "laptop"})

    made = answer.json()
    assert answer.status_code == 201
    assert made["token"].startswith(made["prefix"])
    (listed,) = api.get("/api/v1/tokens/").json()["results"]
    assert listed == {key: made[key] for key in made if key != "token"}
    client = APIClient(HTTP_AUTHORIZATION=f"Token {made['token']}")
    assert client.get("/api/v1/users/me/").json()["email"] == owner.email


@pytest.mark.parametrize("name", ["", "x" * 101, None])
def test_a_token_needs_a_name(api, name):
    answer = api.post("/api/v1/tokens/", {"name": name})

    assert answer.status_code == 400
    assert ApiToken.objects.count() == 0


def test_a_token_is_revoked(api, owner, now):
    token, _ = tokens.create_token(user=owner, name="laptop", now=now)

    answer = api.delete(f"/api/v1/tokens/{token.public_id}/")

    assert (answer.status_code, ApiToken.objects.count()) == (204, 0)


@pytest.mark.parametrize("method", ["get", "delete"])
def test_a_token_of_somebody_else_is_not_found(api, now, method):
    token, _ = tokens.create_token(user=UserFactory(), name="theirs", now=now)

    answer = getattr(api, method)(f"/api/v1/tokens/{token.public_id}/")

    assert (answer.status_code, ApiToken.objects.count()) == (404, 1)


def test_too_many_tokens_are_refused(api, monkeypatch):
    monkeypatch.setattr(tokens, "TOKENS_EACH", 0)

    answer = api.post("/api/v1/tokens/", {"name": "one more"})

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_tokens")
