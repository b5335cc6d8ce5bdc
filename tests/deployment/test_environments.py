"""What Lambda does to a function that goes wrong, as our emulation of it does."""

import json
import threading

import pytest
import requests

from tests.rehearsal.environments import (
    Configuration,
    Function,
    FunctionError,
    Throttled,
)
from tests.rehearsal.gateway import gateway

pytestmark = [pytest.mark.package, pytest.mark.xdist_group("package")]

HANDLER = """
import os, pathlib, time
calls = 0

def handler(event, context):
    global calls
    calls += 1
    print("call", calls)
    time.sleep(event.get("seconds", 0))
    if "error" in event:
        raise ValueError(event["error"])
    if "path" in event:
        size = int((event["queryStringParameters"] or {}).get("size", 2))
        return {"statusCode": 200, "body": "x" * size}
    if "write" in event:
        pathlib.Path(__file__).with_name("new").write_text("")
    ballast = b"x" * event.get("memory", 0)
    return {"calls": calls, "size": len(ballast), "stage": os.environ["STAGE"]}
"""


@pytest.fixture
def start(tmp_path):
    started = []
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "app.py").write_text(HANDLER)

    def start(**limits):
        configuration = Configuration(
            variables={"STAGE": "dev"}, handler="app.handler", **limits
        )
        started.append(Function(tmp_path / "task", configuration, tmp_path))
        return started[-1]

    yield start
    for function in started:
        function.stop()


def test_an_environment_is_used_again(start):
    function = start()

    assert [function.invoke({})["calls"] for _ in range(2)] == [1, 2]
    assert len(function.environments) == 1


def test_events_at_once_have_environments_of_their_own(start):
    function = start()
    calls = []

    def call():
        calls.append(function.invoke({"seconds": 1})["calls"])

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert calls == [1, 1, 1]
    assert len(function.environments) == 3


def test_more_events_at_once_than_the_stage_may_have_are_refused(start):
    function = start(concurrency=1)
    slow = threading.Thread(target=function.invoke, args=[{"seconds": 2}])
    slow.start()
    while not function.output():
        pass

    with pytest.raises(Throttled):
        function.invoke({})

    slow.join()
    assert function.invoke({})["calls"] == 2


def test_code_that_is_replaced_finishes_its_answer(start):
    function = start()
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(function.invoke({"seconds": 1}))
    )
    thread.start()
    while not function.output():
        pass

    function.retire()
    thread.join()

    assert answers[0]["calls"] == 1
    assert not function.environments[0].is_running


def test_a_function_writes_nothing_beside_its_code(start):
    with pytest.raises(FunctionError, match="Read-only file system"):
        start().invoke({"write": True})


def test_a_function_that_raises_goes_on(start):
    function = start()

    with pytest.raises(FunctionError, match="no such invoice"):
        function.invoke({"error": "no such invoice"})

    assert function.invoke({})["calls"] == 2


def test_a_time_out_ends_the_environment_and_the_next_event_finds_a_new_one(start):
    function = start(timeout=1)
    function.invoke({})

    with pytest.raises(FunctionError, match=r"timed out after 1\.00 seconds"):
        function.invoke({"seconds": 3})

    assert function.invoke({})["calls"] == 1


def test_a_function_that_takes_more_memory_than_it_has_is_killed(start):
    function = start(memory=60)
    function.invoke({})

    with pytest.raises(FunctionError, match="signal: killed"):
        function.invoke({"memory": 80_000_000})

    assert function.invoke({})["calls"] == 1


def test_the_report_says_what_was_measured(start):
    function = start()

    function.invoke({"memory": 50_000_000})

    (report,) = [line for line in function.output().splitlines() if "REPORT" in line]
    assert "Memory Size: 1024 MB" in report
    assert 50 < function.peak_memory < 200


def test_a_frozen_environment_answers_once_it_is_thawed(start):
    function = start()
    function.invoke({})
    function.freeze()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function.invoke({})))
    thread.start()
    thread.join(0.3)
    assert answers == []

    function.thaw()
    thread.join()

    assert answers[0]["calls"] == 2


@pytest.fixture
def address(start):
    function = start()
    with gateway(function.invoke, "pay.example.com") as address:
        yield address


def test_an_answer_over_six_megabytes_is_a_502(address):
    assert requests.get(f"{address}/?size=6000000", timeout=9).status_code == 200

    answer = requests.get(f"{address}/?size=6400000", timeout=9)

    assert (answer.status_code, answer.json()) == (
        502,
        {"message": "Internal server error"},
    )


def test_a_request_that_makes_an_event_over_six_megabytes_is_a_413(address):
    assert requests.post(address, data=b"x" * 4_000_000, timeout=9).status_code == 200

    answer = requests.post(address, data=b"x" * 5_000_000, timeout=9)

    assert answer.status_code == 413


def test_headers_over_ten_kilobytes_are_refused(address):
    answer = requests.get(address, headers={"X-Long": "x" * 10_240}, timeout=9)

    assert answer.status_code == 431


def test_a_missing_secret_fails_every_event_and_says_which(task, tmp_path):
    function = Function(task, Configuration(variables={"STAGE": "dev"}), tmp_path)

    for _ in range(2):
        with pytest.raises(FunctionError, match="Set SECRET_KEY: the stage 'dev'"):
            function.invoke({"httpMethod": "GET", "path": "/healthz"})

    function.stop()


def test_a_secret_that_is_not_there_fails_every_event_and_says_which(task, tmp_path):
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:dev-abc"
    variables = {
        "STAGE": "dev",
        "SECRETS_ARN": secret,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    function = Function(task, Configuration(variables=variables), tmp_path)

    for _ in range(2):
        with pytest.raises(FunctionError) as caught:
            function.invoke({"httpMethod": "GET", "path": "/healthz"})

    assert "Secrets Manager does not answer" in str(caught.value)
    assert json.dumps(secret) not in str(caught.value)
    function.stop()
