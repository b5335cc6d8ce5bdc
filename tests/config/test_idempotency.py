"""Idempotency-Key on every POST of the API."""

from functools import partial

import pytest

from invoices.models import Customer

pytestmark = pytest.mark.django_db

CUSTOMERS = "/api/v1/customers/"
ACME = {"name": "Acme", "email": "acme@example.com"}


@pytest.fixture
def ask(api):
    """POSTs under a key; no key, no header."""
    return partial(post, api)


def post(api, key, body=ACME, path=CUSTOMERS, **more):
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.post(path, body, headers=headers, **more)


def test_what_is_asked_again_is_done_once_and_answered_alike(ask):
    first, again = ask("a key"), ask("a key")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Content-Type"] == first["Content-Type"] == "application/json"
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Customer.objects.count() == 1
