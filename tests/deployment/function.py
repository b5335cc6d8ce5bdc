"""
A Lambda function on this machine: AWS's own runtime client around the unpacked zip, and
an API Gateway (REST, payload 1.0) in front of it.
"""

import base64
import json
import os
import queue
import subprocess
import sys
import sysconfig
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

HANDLER = "config.lambda_handler.handler"
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:paymyinvoice-dev"

SITE_PACKAGES = Path(sysconfig.get_path("platlib"))
# What Lambda's Python brings besides the standard library.
RUNTIME = (
    "awslambdaric",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "runtime_client.cpython-313-x86_64-linux-gnu.so",
    "s3transfer",
    "simplejson",
    "six.py",
    "snapshot_restore_py.py",
    "urllib3",
)

type Event = dict[str, Any]
type Answer = dict[str, Any]


class FunctionError(Exception):
    """The function raised; the message is Lambda's report of it."""


@dataclass
class Invocation:
    """One event on its way through the runtime."""

    event: Event
    id: str
    # Milliseconds of Unix time, at which Lambda would end it.
    deadline: float
    done: threading.Event
    kind: str = ""
    body: bytes = b""


class Function:
    """
    One execution environment: it handles one event at a time, as Lambda's do.

    :param task: the unpacked zip, which stands for `/var/task`
    :param environment: variables of the function
    :param log: where the function's output goes
    """

    def __init__(self, task: Path, environment: Mapping[str, str], log: Path) -> None:
        self._waiting: queue.Queue[Invocation] = queue.Queue()
        self._running: dict[str, Invocation] = {}
        self._init_error = ""
        self.log = log
        self._api = ThreadingHTTPServer(("127.0.0.1", 0), self._runtime_api())
        threading.Thread(target=self._api.serve_forever, daemon=True).start()
        self._runtime = TemporaryDirectory()
        for name in RUNTIME:
            (Path(self._runtime.name) / name).symlink_to(SITE_PACKAGES / name)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                # Without the site-packages of this machine: see RUNTIME.
                [sys.executable, "-S", "-m", "awslambdaric", HANDLER],
                cwd=task,
                env=self._environment(task) | dict(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _environment(self, task: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_REGION": "eu-central-1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_FUNCTION_NAME": "paymyinvoice-dev",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/paymyinvoice-dev",
            "AWS_LAMBDA_LOG_STREAM_NAME": "test",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_port}",
            "LAMBDA_TASK_ROOT": str(task),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": f"{task}:{self._runtime.name}",
            "STAGE": "dev",
            "TZ": ":UTC",
        }

    def invoke(self, event: Event, *, seconds: float = 60) -> Any:
        """
        The function's answer.

        :raises FunctionError: if it raised, died, or did not answer in time
        """
        deadline = time.time() + seconds
        invocation = Invocation(
            event, str(uuid.uuid4()), deadline * 1000, threading.Event()
        )
        self._running[invocation.id] = invocation
        self._waiting.put(invocation)
        while not invocation.done.wait(0.1):
            if self._process.poll() is not None or time.time() > deadline:
                raise FunctionError(f"no answer\n{self._init_error}\n{self.output()}")
        if invocation.kind == "error":
            raise FunctionError(invocation.body.decode())
        return json.loads(invocation.body)

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._api.shutdown()
        self._api.server_close()
        self._runtime.cleanup()

    def _runtime_api(self) -> type[BaseHTTPRequestHandler]:
        function = self

        class RuntimeApi(_QuietHandler):
            """The four addresses of Lambda's Runtime API."""

            def do_GET(self) -> None:
                invocation = function._waiting.get()
                self.answer(
                    200,
                    json.dumps(invocation.event).encode(),
                    {
                        "Content-Type": "application/json",
                        "Lambda-Runtime-Aws-Request-Id": invocation.id,
                        "Lambda-Runtime-Deadline-Ms": str(round(invocation.deadline)),
                        "Lambda-Runtime-Invoked-Function-Arn": ARN,
                        "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7;Sampled=0",
                    },
                )

            def do_POST(self) -> None:
                body = self.body()
                *_, name, kind = self.path.split("/")
                self.answer(202, b"{}")
                if name == "init":
                    function._init_error = body.decode()
                else:
                    function._finish(name, kind, body)

        return RuntimeApi

    def _finish(self, invocation_id: str, kind: str, body: bytes) -> None:
        invocation = self._running.pop(invocation_id)
        invocation.kind, invocation.body = kind, body
        invocation.done.set()


class _QuietHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def answer(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):
            self.wfile.write(body)


@contextmanager
def gateway(stage: "Stage", host: str) -> Iterator[str]:
    """
    An HTTP address in front of a stage, as API Gateway's REST API is.

    :param host: what callers are taken to have asked for
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _front_door(stage, host))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Stage(Protocol):
    """What stands behind a gateway; the function may come later than the address."""

    function: Function


def _front_door(stage: Stage, host: str) -> type[BaseHTTPRequestHandler]:
    class FrontDoor(_QuietHandler):
        def do_POST(self) -> None:
            headers = dict(self.headers.items()) | {"Host": host}
            event = rest_event("POST", self.path, headers=headers, body=self.body())
            answer = stage.function.invoke(event)
            self.answer(answer["statusCode"], content_of(answer))

    return FrontDoor


def content_of(answer: Answer) -> bytes:
    """The body of a function's answer to HTTP."""
    body = answer.get("body") or ""
    return base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()


def rest_event(
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
) -> Event:
    """A proxy event of API Gateway's REST API, payload format 1.0."""
    address = urlsplit(path)
    values = parse_qs(address.query, keep_blank_values=True)
    return {
        "resource": "/{proxy+}",
        "path": address.path,
        "httpMethod": method,
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: v[-1] for name, v in values.items()} or None,
        "multiValueQueryStringParameters": values or None,
        "requestContext": {
            "stage": "dev",
            "httpMethod": method,
            "identity": {"sourceIp": "198.51.100.7"},
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }
