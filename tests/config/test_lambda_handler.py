import os
import subprocess
import sys
from importlib import import_module

import pytest
from django.conf import settings as project
from django.core.exceptions import ImproperlyConfigured

from config.events import UnroutableEvent
from tests.config.shapes import Sent, rest_api
from tests.config.test_settings import stage_environment

# The handler closes connections that died, which a transaction around it would be.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def entry(transactional_db):
    """The module as Lambda imports it: once, at init."""
    return import_module("config.lambda_handler")


def at_init(code="", **environment):
    """A process that loads the handler as a stage does, and then runs `code`."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys\nfrom config import lambda_handler\n{code}",
        ],
        cwd=project.BASE_DIR,
        env={"PATH": os.environ["PATH"]} | stage_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_http_is_answered_by_the_site(entry):
    answer = entry.handler(rest_api(Sent(path="/healthz", host="localhost")), None)

    assert (answer["statusCode"], answer["body"]) == (200, "ok")


def test_a_command_is_run(entry):
    answer = entry.handler({"manage": "check"}, None)

    assert "no issues" in answer["output"]


def test_an_event_of_no_known_shape_raises(entry):
    with pytest.raises(UnroutableEvent, match="surprise"):
        entry.handler({"surprise": True}, None)


def test_a_stage_with_the_keys_of_another_does_not_start(entry, settings):
    settings.STRIPE_API_KEY = "sk_live_" + "0" * 24

    with pytest.raises(ImproperlyConfigured, match="STRIPE_API_KEY is a live key"):
        entry.check_stage()


def test_it_starts_while_the_database_is_gone():
    nowhere = "mysql://nobody:nothing@127.0.0.1:1/nowhere"

    process = at_init("print(lambda_handler.SITE)", DATABASE_URL=nowhere)

    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("<config.gateway.Gateway object")


def test_it_starts_without_what_only_deploying_needs():
    process = at_init(
        "print({'boto3', 'botocore', 'werkzeug', 'zappa'} & {*sys.modules})"
    )

    assert process.stdout == "set()\n"


def test_it_does_not_start_without_a_secret():
    process = at_init(SECRET_KEY="")

    assert process.returncode == 1
    assert "Set SECRET_KEY: the stage 'prod' cannot start" in process.stderr


def test_secrets_are_there_before_the_settings_look_for_them():
    process = at_init(SECRET_KEY="", SECRETS_ARN="not-an-arn")

    assert "ImproperlyConfigured: SECRETS_ARN is 'not-an-arn'" in process.stderr
