import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, get_commands
from django.db import connection

from config import events, schedules

# The connections are closed around each event, which a transaction would be.
pytestmark = pytest.mark.django_db(transaction=True)

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:tasks"


def by_rule(function):
    rule = f"arn:aws:events:x:1:rule/paymyinvoice-dev-{function}"
    return {"detail-type": "Scheduled Event", "resources": [rule]}


def messages(*numbers, queue=QUEUE):
    return {
        "Records": [
            {"messageId": str(number), "body": "{}", "eventSourceARN": queue}
            for number in numbers
        ]
    }


def run(code):
    """What a process that is new prints."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture
def called(monkeypatch):
    """Stands in the place of a schedule, whose own tests are elsewhere."""
    calls = []

    def run_tasks(event, context):
        calls.append((event, context))
        if event.get("messageId") == "2":
            raise TypeError("of the function itself")

    run_tasks.__module__ = schedules.__name__
    monkeypatch.setattr(schedules, "run_tasks", run_tasks)
    return calls


def test_code_in_an_event_is_not_executed():
    with pytest.raises(events.UnroutableEvent, match="not executed"):
        events.handle({"raw_command": "raise SystemExit", "manage": "check"}, None)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"manage": ""},
        {"detail-type": "EC2 Instance State-change Notification"},
        {"surprise": True},
    ],
)
def test_an_event_of_no_known_shape_raises(event):
    with pytest.raises(events.UnroutableEvent, match="No function for an event of"):
        events.handle(event, None)


def test_a_command_runs_and_its_output_is_seen_and_returned(capsys):
    answer = events.handle({"manage": "check"}, None)

    assert answer == {"output": capsys.readouterr().out}
    assert "no issues" in answer["output"]


def test_an_argument_may_hold_a_space():
    command = "load_demo --help-that-is-not-there 'a b'"

    with pytest.raises(CommandError, match=r"--help-that-is-not-there a b$"):
        events.handle({"manage": command}, None)


def test_a_command_that_fails_fails_the_invocation():
    with pytest.raises(CommandError, match="Unknown command: 'nonsense'"):
        events.handle({"manage": "nonsense"}, None)


def test_a_command_that_exits_fails_the_invocation_and_not_the_runtime():
    with pytest.raises(events.CommandFailed, match="makemigrations ended with 2"):
        events.handle({"manage": "makemigrations an_app_that_is_not_there"}, None)


def test_a_command_that_exits_with_0_has_not_failed():
    assert "usage: " in events.handle({"manage": "check --help"}, None)["output"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("shell -c 'print(1)'", "shell is not run here: it runs code from outside"),
        ("dbshell -- -e 'DROP TABLE x'", "dbshell is not run here: it runs code"),
        ("runserver", "runserver is not run here: it never ends"),
        ("db_worker", "db_worker is not run here: it never ends"),
        ("flush --no-input", "flush is not run here: it deletes every row"),
        ("loaddata rows.json", "loaddata is not run here: it writes over rows"),
        ("diffsettings", "diffsettings is not run here: .* secrets into its log"),
        ("dumpdata", "dumpdata is not run here: .* everybody's data"),
    ],
)
def test_a_command_that_a_stage_must_not_run_is_refused(command, reason):
    with pytest.raises(events.UnroutableEvent, match=reason):
        events.handle({"manage": command}, None)


def test_every_refused_command_is_one():
    assert events.REFUSED_COMMANDS.keys() <= get_commands().keys()


def test_a_rule_calls_the_function_it_is_named_after(called):
    event = by_rule("config.schedules.run_tasks")

    events.handle(event, "context")

    assert called == [(event, "context")]


def test_a_command_calls_a_schedule(called):
    event = {"command": "config.schedules.run_tasks"}

    events.handle(event, "context")

    assert called == [(event, "context")]


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "config.schedules.call_command",
        "config.schedules.__doc__",
        "config.schedules.nothing",
        "run_tasks",
        "zappa.asynchronous.route_lambda_task",
    ],
)
def test_nothing_but_a_schedule_can_be_named(path):
    for event in ({"command": path}, by_rule(path)):
        with pytest.raises(events.UnroutableEvent, match="is no function of config"):
            events.handle(event, None)


def test_a_function_that_raises_a_type_error_is_called_once(called):
    with pytest.raises(TypeError):
        events.handle({"command": "config.schedules.run_tasks", "messageId": "2"}, None)

    assert len(called) == 1


def test_messages_that_failed_come_again_and_the_others_do_not(
    called, settings, caplog
):
    settings.SQS_FUNCTIONS = {"tasks": "config.schedules.run_tasks"}
    event = messages(1, 2, 3)

    answer = events.handle(event, "context")

    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert called == [(record, "context") for record in event["Records"]]
    assert caplog.messages == ["Message 2 failed and comes again"]


def test_messages_of_a_fifo_queue_do_not_overtake_one_that_failed(called, settings):
    settings.SQS_FUNCTIONS = {"tasks.fifo": "config.schedules.run_tasks"}

    answer = events.handle(messages(1, 2, 3, 4, queue=f"{QUEUE}.fifo"), None)

    assert [record["messageId"] for record, _ in called] == ["1", "2"]
    assert answer == {
        "batchItemFailures": [{"itemIdentifier": number} for number in ("2", "3", "4")]
    }


@pytest.mark.mysql
def test_a_message_that_loses_its_connection_fails_alone(monkeypatch, settings):
    done = []

    def run_tasks(event, context):
        with connection.cursor() as cursor:
            if event["messageId"] == "2":
                cursor.execute("KILL CONNECTION_ID()")
            cursor.execute("SELECT 1")
        done.append(event["messageId"])

    run_tasks.__module__ = schedules.__name__
    monkeypatch.setattr(schedules, "run_tasks", run_tasks)
    settings.SQS_FUNCTIONS = {"tasks": "config.schedules.run_tasks"}

    answer = events.handle(messages(1, 2, 3, 4), None)

    assert done == ["1", "3", "4"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def test_a_queue_without_a_function_keeps_its_messages(called, settings):
    settings.SQS_FUNCTIONS = {"others": "config.schedules.run_tasks"}

    with pytest.raises(events.UnroutableEvent, match=f"{QUEUE}: set SQS_FUNCTIONS"):
        events.handle(messages(1), None)

    assert called == []


def test_records_of_no_queue_are_refused():
    with pytest.raises(events.UnroutableEvent, match="No function for None"):
        events.handle({"Records": [{"eventSource": "aws:s3"}]}, None)


@pytest.mark.parametrize(("asks", "queries"), [(False, 0), (True, 1)])
def test_keeping_warm_asks_the_database_only_where_that_is_wanted(
    asks, queries, settings, django_assert_num_queries
):
    settings.KEEP_WARM_DATABASE = asks
    event = by_rule("zappa-keep-warm-handler.keep_warm_callback")

    with django_assert_num_queries(queries):
        assert events.handle(event, None) is None

    assert events.kind_of(event) == "keep-warm"


def test_keeping_warm_loads_what_the_next_request_would_wait_for():
    code = """
import sys
from config import lambda_handler
site = {"billing.views", "blog.views", "blog.api.reads"}
print(sorted(site & {*sys.modules}))
lambda_handler.handler(WARM, None)
print(sorted(site & {*sys.modules}))
"""
    rule = by_rule("zappa-keep-warm-handler.keep_warm_callback")

    lines = run(f"WARM = {rule!r}\n{code}").splitlines()

    assert lines[0] == "[]"
    assert lines[-1] == "['billing.views', 'blog.api.reads', 'blog.views']"


@pytest.mark.mysql
def test_a_connection_that_is_too_old_is_not_used(monkeypatch):
    used = []

    def run_tasks(event, context):
        used.append(connection.connection)
        connection.ensure_connection()
        connection.close_at = 0

    run_tasks.__module__ = schedules.__name__
    monkeypatch.setattr(schedules, "run_tasks", run_tasks)
    connection.ensure_connection()
    connection.close_at = 0

    events.handle({"command": "config.schedules.run_tasks"}, None)

    assert [*used, connection.connection] == [None, None]
