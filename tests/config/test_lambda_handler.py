from importlib import import_module

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.events import UnroutableEvent
from tests.deployment.function import rest_event

# The handler closes connections that died, which a transaction around it would be.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def entry(transactional_db):
    """The module as Lambda imports it: once, at init."""
    return import_module("config.lambda_handler")


def get(path, **headers):
    return rest_event("GET", path, headers={"Host": "localhost", **headers})


def test_http_is_answered_by_the_site(entry):
    response = entry.handler(get("/healthz"), None)

    assert (response["statusCode"], response["body"]) == (200, "ok")


def test_each_cookie_is_set_once(entry):
    response = entry.handler(get("/accounts/login/"), None)

    cookies = response["multiValueHeaders"]["Set-Cookie"]
    assert len(cookies) == len(set(cookies))


def test_each_cookie_is_set_once_over_http_api(entry):
    event = {
        "version": "2.0",
        "rawPath": "/accounts/login/",
        "rawQueryString": "",
        "headers": {"host": "localhost"},
        "requestContext": {
            "stage": "$default",
            "http": {"method": "GET", "sourceIp": "198.51.100.7"},
        },
        "isBase64Encoded": False,
    }

    response = entry.handler(event, None)

    assert response["statusCode"] == 200
    assert len(response["cookies"]) == len(set(response["cookies"])) > 0


def test_code_in_an_event_is_not_executed(entry):
    with pytest.raises(UnroutableEvent, match="not executed"):
        entry.handler({"raw_command": "raise SystemExit"}, None)


def test_a_queue_without_a_function_keeps_its_messages(entry):
    event = {"Records": [{"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:y"}]}

    with pytest.raises(UnroutableEvent, match="arn:aws:sqs:y"):
        entry.handler(event, None)


def test_an_event_of_no_known_shape_raises(entry):
    with pytest.raises(UnroutableEvent, match="surprise"):
        entry.handler({"surprise": True}, None)


def test_a_command_runs(entry, capsys):
    entry.handler({"manage": "check"}, None)

    assert "no issues" in capsys.readouterr().out


def test_a_schedule_runs_its_function(entry):
    event = {
        "detail-type": "Scheduled Event",
        "resources": ["arn:aws:events:x:1:rule/fn-config.schedules.run_tasks"],
    }

    assert entry.handler(event, None) is None


def test_keeping_warm_asks_the_database_nothing(entry, django_assert_num_queries):
    event = {
        "detail-type": "Scheduled Event",
        "resources": ["arn:aws:events:x:1:rule/fn-handler.keep_warm_callback"],
    }

    with django_assert_num_queries(0):
        entry.handler(event, None)


def test_a_stage_with_the_keys_of_another_does_not_start(entry, settings):
    settings.STRIPE_API_KEY = "sk_live_" + "0" * 24

    with pytest.raises(ImproperlyConfigured, match="STRIPE_API_KEY is a live key"):
        entry.check_stage()
