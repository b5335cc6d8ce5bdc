import hmac
import json
import logging
import time

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError, connection

from accounts.languages import LANGUAGES
from config.apologies import WORDS
from config.outages import is_away

pytestmark = pytest.mark.django_db

GONE = OperationalError(2006, "Server has gone away")


@pytest.fixture
def away(client):
    """The database refuses every statement."""

    def refuse(*args):
        raise GONE

    client.raise_request_exception = False
    with connection.execute_wrapper(refuse):
        yield client


def test_a_page_tries_again_by_itself(away, caplog):
    response = away.get("/")

    assert response.status_code == 503
    assert response["Retry-After"] == "15"
    assert response["Cache-Control"] == "no-store"
    assert '<meta http-equiv="refresh" content="15">' in response.text
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.message for record in errors] == ["Service Unavailable: /"]


def test_a_form_is_not_sent_again_by_itself(away):
    credentials = {"login": "jo@example.com", "password": "pass"}

    response = away.post("/accounts/login/", credentials)

    assert response.status_code == 503
    assert "refresh" not in response.text
    assert "send it again if it is not there" in response.text


def test_somebody_who_is_signed_in_gets_the_same_page(desk, away):
    assert "One moment, please" in desk.get("/accounts/").text


def test_a_script_gets_a_problem_with_a_code(away):
    response = away.get("/api/v1/posts/")

    assert response.status_code == 503
    assert response["Content-Type"] == "application/problem+json"
    assert response["Retry-After"] == "15"
    assert response.json()["code"] == "database_unavailable"


def test_what_is_broken_by_us_is_a_500(client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("blog.views.PostList.get_queryset", None)

    response = client.get("/")

    assert response.status_code == 500
    assert "Something broke on our side" in response.text


def test_a_script_gets_a_problem_where_we_are_broken(client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("blog.api.views.TagViewSet.get_queryset", None)

    response = client.get("/api/v1/tags/")

    assert response.status_code == 500
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "internal_error"
    assert "Retry-After" not in response


LIKED = {"Accept-Language": "ja-JP,de-AT;q=0.9,en;q=0.8"}


def test_a_customer_is_told_of_an_outage_in_the_language_of_the_browser(away):
    looked = away.get("/i/token/", headers=LIKED)
    paid = away.post("/i/token/pay/", headers=LIKED)

    assert (looked.status_code, looked["Retry-After"]) == (503, "15")
    assert '<html lang="de">' in looked.text
    assert '<meta http-equiv="refresh" content="15">' in looked.text
    assert "Sie müssen nichts tun" in looked.text
    assert "sehen Sie nach, bevor" in paid.text
    assert "refresh" not in paid.text
    assert '<html lang="en">' in away.get("/i/token/").text


def test_a_customer_is_told_that_we_are_broken(client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("billing.views.Invoice.objects", None)

    response = client.get("/i/token/", headers=LIKED)

    assert response.status_code == 500
    assert "Bei uns ist etwas schiefgegangen" in response.text


def test_a_link_that_leads_nowhere_says_so_in_the_language_of_the_browser(client):
    for address in ("/i/none/", "/verify/none/", "/i/none/more/"):
        response = client.get(address, headers=LIKED)
        assert response.status_code == 404
        assert "Hier ist keine Seite" in response.text
        assert "Accept-Language" in response["Vary"]


def test_customers_are_told_the_same_in_every_language():
    assert set(WORDS) == {code for code, _ in LANGUAGES}
    for language, said in WORDS.items():
        assert list(said) == list(WORDS["en"]), language
        assert len(set(said.values())) == len(said)


def test_an_error_that_the_outage_led_to_counts_as_one():
    error = InterfaceError(0, "")
    error.__context__ = GONE

    assert is_away(error)


def test_a_name_that_leads_nowhere_counts_as_one():
    assert is_away(OperationalError(2005, "Unknown server host 'db.invalid' (-2)"))


@pytest.mark.parametrize(
    "error",
    [None, IntegrityError(1062, "Duplicate"), OSError(2006), OperationalError()],
)
def test_other_errors_are_no_outage(error):
    assert not is_away(error)


def test_stripe_is_told_to_deliver_again(away, settings):
    event = {"id": "evt_1", "object": "event", "type": "charge.updated"}
    body = json.dumps(event | {"data": {"object": {"id": "ch_1"}}, "livemode": False})
    at = int(time.time())
    secret = settings.STRIPE_WEBHOOK_SECRETS[0].encode()
    digest = hmac.new(secret, f"{at}.{body}".encode(), "sha256").hexdigest()

    response = away.post(
        "/stripe/webhook/",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": f"t={at},v1={digest}"},
    )

    assert response.status_code == 503
    assert response["Retry-After"] == "15"
