"""Changes that allauth makes are events too."""

import re

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Event
from tests.accounts.test_signing_in import PASSWORD, activate_totp, sign_in
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory(email="jo@example.com", password=PASSWORD, proven=True)


@pytest.fixture
def entered(user, client):
    sign_in(client)
    return client


def written(user):
    events = Event.objects.about("user", user.public_id).filter(actor=user)
    return list(events.order_by("pk").values_list("type", "data"))


def test_a_new_password_is_written_down(entered, user):
    entered.post(
        "/accounts/password/change/",
        {
            "oldpassword": PASSWORD,
            "password1": "another horse",
            "password2": "another horse",
        },
    )

    assert written(user) == [("user.password_changed", {})]


def test_factors_are_written_down(entered, user, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        activate_totp(entered)
    entered.post("/accounts/2fa/totp/deactivate/")

    assert written(user) == [
        ("user.factor_added", {"factor": "totp"}),
        ("user.factor_added", {"factor": "recovery_codes"}),
        ("user.factor_removed", {"factor": "totp"}),
        ("user.factor_removed", {"factor": "recovery_codes"}),
    ]


def test_a_new_address_is_written_down(entered, user, run_tasks):
    entered.post("/accounts/reauthenticate/", {"password": PASSWORD})
    entered.post("/accounts/email/", {"action_add": "", "email": "new@example.com"})
    run_tasks()
    (message,) = [one for one in mail.outbox if one.to == ["new@example.com"]]
    Client().post(re.search(r"https?://[^/]+(/\S+)", message.body)[1])
    entered.post("/accounts/email/", {"action_primary": "", "email": "new@example.com"})

    user.refresh_from_db()
    assert user.email == "new@example.com"
    assert ("user.email_confirmed", {"email": "new@example.com"}) in written(user)
    assert ("user.email_changed", {"email": "new@example.com"}) in written(user)


def test_an_address_that_comes_and_goes_is_written_down(entered, user):
    entered.post("/accounts/reauthenticate/", {"password": PASSWORD})
    entered.post("/accounts/email/", {"action_add": "", "email": "new@example.com"})
    entered.post("/accounts/email/", {"action_remove": "", "email": "new@example.com"})

    assert written(user) == [
        ("user.email_added", {"email": "new@example.com"}),
        ("user.email_removed", {"email": "new@example.com"}),
    ]
