from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from accounts.exceptions import TooManyTokens
from accounts.models import ApiToken, Event
from accounts.services import tokens
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_token_is_kept_as_a_hash(now):
    user = UserFactory()

    token, key = tokens.create_token(user=user, name="laptop", now=now)

    assert key.startswith("pmi_")
    assert key.startswith(token.token_key)
    assert len(token.token_key) < len(key)
    assert key not in str(ApiToken.objects.values().get())
    assert token.expiry == now + timedelta(days=365)


def test_a_token_is_an_event_without_the_key(now):
    user = UserFactory()

    token, _ = tokens.create_token(user=user, name="laptop", now=now)

    event = Event.objects.about("apitoken", token.public_id).get()
    assert (event.type, event.actor) == ("token.created", user)
    assert event.data == {"name": "laptop", "prefix": token.token_key}


def test_so_many_tokens_each(now, monkeypatch):
    monkeypatch.setattr(tokens, "TOKENS_EACH", 1)
    user = UserFactory()
    tokens.create_token(user=user, name="first", now=now)
    tokens.create_token(user=UserFactory(), name="of somebody else", now=now)

    with pytest.raises(TooManyTokens):
        tokens.create_token(user=user, name="second", now=now)
    tokens.create_token(user=user, name="later", now=now + timedelta(days=365))

    assert user.auth_token_set.count() == 2


def test_a_revoked_token_opens_nothing(now, time_machine):
    time_machine.move_to(now)
    user = UserFactory()
    token, key = tokens.create_token(user=user, name="laptop", now=now)
    client = APIClient(HTTP_AUTHORIZATION=f"Token {key}")
    assert client.get("/api/v1/users/me/").status_code == 200

    tokens.revoke_token(token=token, actor=user, now=now)

    assert client.get("/api/v1/users/me/").status_code == 401
    assert Event.objects.filter(type="token.revoked").count() == 1


def test_revoking_twice_is_revoking_once(now):
    user = UserFactory()
    token, _ = tokens.create_token(user=user, name="laptop", now=now)

    for _ in range(2):
        tokens.revoke_token(token=token, actor=user, now=now)

    assert Event.objects.filter(type="token.revoked").count() == 1


def test_an_expired_token_opens_nothing(now, time_machine):
    time_machine.move_to(now)
    _, key = tokens.create_token(user=UserFactory(), name="laptop", now=now)

    time_machine.move_to(now + timedelta(days=366))
    answer = APIClient(HTTP_AUTHORIZATION=f"Token {key}").get("/api/v1/users/me/")

    assert answer.status_code == 401
