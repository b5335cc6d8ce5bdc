import json
import os
import shutil
import subprocess
import sys
from importlib import import_module

import pytest
from django.conf import settings as project
from django.core.exceptions import ImproperlyConfigured

from config import schedules
from config.events import UnroutableEvent
from tests.config.shapes import Sent, rest_api
from tests.config.test_settings import stage_environment

# The handler closes connections that died, which a transaction around it would be.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def entry(transactional_db):
    """The module as Lambda imports it: once, at init."""
    return import_module("config.lambda_handler")


def at_init(code="", folder=project.BASE_DIR, **environment):
    """A process that loads the handler as a stage does, and then runs `code`."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys\nfrom config import lambda_handler\n{code}",
        ],
        cwd=folder,
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


def test_the_keys_of_another_stage_are_noticed_at_init():
    process = at_init(STAGE="dev", STRIPE_API_KEY="sk_live_" + "0" * 24)

    assert process.returncode == 1
    assert "STRIPE_API_KEY is a live key" in process.stderr


def test_init_loads_what_the_first_request_would_wait_for():
    code = """
before = {*sys.modules}
lambda_handler.handler({"httpMethod": "GET", "path": "/healthz"}, None)
print({*sys.modules} - before)
"""
    process = at_init(code)

    assert process.stdout.splitlines()[-1] == "set()", process.stderr


def test_a_line_of_the_log_names_its_invocation():
    code = """
from types import SimpleNamespace
lambda_handler.handler(
    {"httpMethod": "GET", "path": "/healthz"}, SimpleNamespace(aws_request_id="e1a9")
)
"""
    process = at_init(code)

    assert json.loads(process.stdout.splitlines()[-1])["request_id"] == "e1a9"


def test_the_driver_is_led_to_the_plugins_that_came_with_it(tmp_path):
    for path in project.BASE_DIR.iterdir():
        if path.name != "config" and not path.name.startswith("."):
            (tmp_path / path.name).symlink_to(path)
    shutil.copytree(project.BASE_DIR / "config", tmp_path / "config")
    plugins = tmp_path / "MySQLdb" / "plugins"
    plugins.mkdir(parents=True)

    process = at_init("import os; print(os.environ['MARIADB_PLUGIN_DIR'])", tmp_path)

    assert process.stdout == f"{plugins}\n", process.stderr


def test_messages_that_come_again_are_counted_for_the_alarm(
    entry, monkeypatch, settings, caplog
):
    def run_tasks(event, context):
        if event["messageId"] != "2":
            raise ValueError

    run_tasks.__module__ = schedules.__name__
    monkeypatch.setattr(schedules, "run_tasks", run_tasks)
    settings.SQS_FUNCTIONS = {"tasks": "config.schedules.run_tasks"}
    caplog.set_level("INFO", "config.invocations")
    queue = "arn:aws:sqs:eu-central-1:123456789012:tasks"
    records = [
        {"messageId": number, "body": "{}", "eventSourceARN": queue}
        for number in ("1", "2", "3")
    ]

    entry.handler({"Records": records}, None)

    (told,) = [line for line in caplog.records if line.name == "config.invocations"]
    assert told.server_errors == 2
    assert told.getMessage().startswith("queue done but for 2: ")
