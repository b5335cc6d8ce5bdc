"""What allauth does for us, as it is set up here."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.test import Client

from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse"


@pytest.fixture
def user():
    return UserFactory(email="jo@example.com", password=PASSWORD, proven=True)


@pytest.fixture
def entered(user, client):
    assert sign_in(client).status_code == 302
    return client


def sign_in(client, password=PASSWORD, path="/accounts/login/"):
    return client.post(path, {"login": "Jo@Example.com", "password": password})


def totp(secret):
    *_, counter = yield_hotp_counters_from_time()
    return format_hotp_value(hotp_value(secret, counter))


def say_who(client):
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})


def activate_totp(client):
    say_who(client)
    page = client.get("/accounts/2fa/totp/activate/")
    secret = page.context["form"].secret
    answer = client.post("/accounts/2fa/totp/activate/", {"code": totp(secret)})
    assert answer.status_code == 302
    return secret


def path_in(message):
    return re.search(r"https?://[^/]+(/\S+)", message.body)[1]


@pytest.mark.parametrize(
    "path", ["/accounts/", "/accounts/tokens/?a=1", "/accounts/business/"]
)
def test_whoever_is_sent_to_sign_in_comes_back(client, user, path):
    sent = client.get(path)
    assert sent.url.startswith("/accounts/login/?next=")

    back = sign_in(client, path=sent.url)

    assert back.url == path


def test_nobody_is_sent_to_another_site(client, user):
    answer = sign_in(client, path="/accounts/login/?next=https://evil.example/")

    assert answer.status_code == 302
    assert "evil" not in answer.url


def test_a_wrong_password_is_refused(client, user):
    page = sign_in(client, "wrong")

    assert page.context["form"].non_field_errors() == [
        "The email address and/or password you specified are not correct."
    ]
    assert client.get("/accounts/").status_code == 302


def test_guessing_is_stopped_for_the_right_password_too(client, user):
    for _ in range(5):
        sign_in(client, "wrong")

    page = sign_in(client)

    assert page.status_code == 200
    assert page.context["form"].non_field_errors() == [
        "Too many failed login attempts. Try again later."
    ]


def test_a_closed_account_opens_to_nobody(client, user):
    user.is_active = False
    user.save()

    answer = sign_in(client)

    assert answer.url == "/accounts/inactive/"
    assert client.get("/accounts/").status_code == 302


def test_a_forgotten_password_is_reset_by_mail(client, user, run_tasks):
    client.post("/accounts/password/reset/", {"email": "JO@example.com"})
    run_tasks()
    (message,) = mail.outbox
    assert message.to == ["jo@example.com"]

    form = client.get(path_in(message), follow=True)
    new = {"password1": "another horse", "password2": "another horse"}
    client.post(form.request["PATH_INFO"], new)

    assert sign_in(Client()).status_code == 200
    assert sign_in(Client(), "another horse").status_code == 302


def test_a_reset_is_mailed_to_no_lookalike(client, user, run_tasks):
    UserFactory(email="jö@example.com")

    client.post("/accounts/password/reset/", {"email": "jó@example.com"})

    run_tasks()
    assert not any("/password/reset/key/" in message.body for message in mail.outbox)


def test_a_password_is_changed(entered, user):
    new = {
        "oldpassword": PASSWORD,
        "password1": "another horse",
        "password2": "another horse",
    }

    answer = entered.post("/accounts/password/change/", new)

    user.refresh_from_db()
    assert answer.status_code == 302
    assert user.check_password("another horse")


def test_a_second_factor_is_asked_for_once_it_is_active(entered, user, time_machine):
    time_machine.move_to("2026-03-01 09:30", tick=False)
    secret = activate_totp(entered)
    # Each code counts once; the next comes with the next half minute.
    time_machine.shift(90)
    client = Client()

    asked = sign_in(client, path="/accounts/login/?next=/accounts/")
    assert asked.url == "/accounts/2fa/authenticate/"
    assert client.get("/accounts/").status_code == 302
    wrong = client.post(asked.url, {"code": "000000"})
    assert "code" in wrong.context["form"].errors
    right = client.post(asked.url, {"code": totp(secret)})

    assert right.url == "/accounts/"
    assert client.get("/accounts/").context["user"] == user


def test_a_recovery_code_opens_once(entered, user):
    activate_totp(entered)
    codes = RecoveryCodes(
        Authenticator.objects.get(user=user, type="recovery_codes")
    ).get_unused_codes()
    assert entered.get("/accounts/2fa/recovery-codes/").status_code == 200

    for client, opens in [(Client(), True), (Client(), False)]:
        asked = sign_in(client)
        client.post(asked.url, {"code": codes[0]})
        assert (client.get("/accounts/").status_code == 200) is opens


def test_a_second_factor_is_left_out_again(entered, user):
    activate_totp(entered)

    entered.post("/accounts/2fa/totp/deactivate/")

    assert not Authenticator.objects.filter(user=user, type="totp").exists()
    assert sign_in(Client(), path="/accounts/login/?next=/accounts/").url == (
        "/accounts/"
    )


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/email/",
        "/accounts/password/change/",
        "/accounts/reauthenticate/",
        "/accounts/2fa/",
        "/accounts/2fa/totp/activate/",
        "/accounts/2fa/webauthn/",
        "/accounts/2fa/webauthn/add/",
        "/accounts/logout/",
    ],
)
def test_the_pages_of_signing_in_are_there(entered, path):
    say_who(entered)
    page = entered.get(path)

    assert page.status_code == 200
    assert b"<h1" in page.content


def test_a_passkey_is_offered_and_asked_of_the_browser(client):
    page = client.get("/accounts/login/")
    asked = client.get(
        "/accounts/2fa/webauthn/login/",
        headers={"x-requested-with": "XMLHttpRequest"},
    )

    assert b"passkey" in page.content
    assert asked.json()["request_options"]["publicKey"]["rpId"] == "testserver"


def test_what_is_delicate_asks_who_you_are_again(entered):
    path = "/accounts/2fa/totp/activate/"
    asked = entered.get(path)
    assert asked.url.startswith("/accounts/reauthenticate/?next=")

    back = entered.post(asked.url, {"password": PASSWORD})

    assert back.url == path
    assert entered.get(path).status_code == 200
