"""Both loaders speak one protocol, and what fails says so."""

import os
import shutil
import sys

import pytest

from benchmarks.process import LOADERS, HandlerError, Process

PYTHON = """
import os
print("handlers may print")
def handler(event, context):
    if event.get("end"):
        raise RuntimeError("on purpose")
    return {"statusCode": event["status"], "body": os.environ["GREETING"]}
"""
NODE = """
console.log("handlers may print");
exports.handler = async (event) => {
  if (event.end) throw new Error("on purpose");
  return { statusCode: event.status, body: process.env.GREETING };
};
"""
LOADED_BY = {
    "python": ([sys.executable, str(LOADERS / "loader.py")], "app.py", PYTHON),
}
# A machine without Node has no peer in Node either.
if node := shutil.which("node"):
    LOADED_BY["node"] = ([node, str(LOADERS / "loader.cjs")], "app.js", NODE)


@pytest.fixture(params=LOADED_BY)
def start(request, tmp_path):
    command, file, source = LOADED_BY[request.param]
    (tmp_path / file).write_text(source)

    def started(first):
        return Process(
            request.param,
            [*command, "app.handler"],
            tmp_path,
            {"GREETING": "hello", "PATH": os.environ["PATH"]},
            tmp_path / "log",
            first,
        )

    return started


def test_process_answers_the_first_event_and_those_after(start):
    with start({"status": 200}) as process:
        answer = process.call({"status": 404}, brief=False)

        assert process.first["status"] == 200
        assert (answer["status"], answer["response"]["body"]) == (404, "hello")
        assert 0 < process.ready["load_ms"] < process.first_answer_ms
        assert 0 < process.first["cpu_ms"] <= process.cpu_ms
        assert process.peak_mb() >= process.resident_mb() > 1


def test_a_refusal_is_an_error_where_an_answer_is_needed(start):
    with (
        start({"status": 200}) as process,
        pytest.raises(HandlerError, match="answered 503"),
    ):
        process.call_well({"status": 503})


def test_a_refusal_of_the_first_event_is_an_error(start):
    with pytest.raises(HandlerError, match="answered 503"):
        start({"status": 503})


def test_a_handler_that_fails_is_quoted(start):
    with (
        start({"status": 200}) as process,
        pytest.raises(HandlerError, match=r"(?s)ended; its last words.*on purpose"),
    ):
        process.call({"end": True})
