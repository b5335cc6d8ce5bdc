"""
Answer events with a Python handler: `python loader.py module.function`.

Lines of JSON: `{"event": …, "brief": true}` in; out, first `{"start", "load_ms"}`, then
`{"ms", "cpu_ms", "status", "response"}` for each event, or `{"error"}`. What the handler
prints goes to standard error. A process that ends by itself has failed.
"""

import time

STARTED = time.time() * 1000  # Before other imports, which count as loading.

import importlib
import json
import os
import sys

# Nothing more: whatever is imported here is not loaded by the target.


class Context:
    """What adapters read of Lambda's context."""

    function_name = "benchmark"
    function_version = "$LATEST"
    memory_limit_in_mb = "1769"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:benchmark"
    log_group_name = "/aws/lambda/benchmark"
    log_stream_name = "benchmark"
    identity = None
    client_context = None

    def __init__(self, number: int) -> None:
        self.aws_request_id = f"00000000-0000-4000-8000-{number:012x}"
        self._deadline = time.monotonic() + 29

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def main(handler_name: str) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path[0] = os.getcwd()  # noqa: PTH109 - as above

    def answer(message: dict[str, object]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    began = time.perf_counter()
    module, _, function = handler_name.rpartition(".")
    handler = getattr(importlib.import_module(module), function)
    answer({"start": STARTED, "load_ms": (time.perf_counter() - began) * 1000})
    for number, line in enumerate(sys.stdin):
        request = json.loads(line)
        answer(_answered(handler, request, Context(number)))


def _answered(handler, request, context: Context) -> dict[str, object]:  # type: ignore[no-untyped-def] # any target's
    event = request["event"]
    began = time.perf_counter()
    response = handler(event, context)
    took = (time.perf_counter() - began) * 1000
    return {
        "ms": took,
        "cpu_ms": time.process_time() * 1000,
        "status": response["statusCode"],
        "response": None if request.get("brief") else response,
    }


main(sys.argv[1])
