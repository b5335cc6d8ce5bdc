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
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

type Event = dict[str, Any]


class FunctionError(Exception):
    """The function raised; the message is Lambda's report of it."""


@dataclass
class Invocation:
    """One event on its way through the runtime."""

    event: Event
    id: str
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
        self.log = log
        self._api = ThreadingHTTPServer(("127.0.0.1", 0), self._runtime_api())
        threading.Thread(target=self._api.serve_forever, daemon=True).start()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", "config.lambda_handler.handler"],
                cwd=task,
                env=self._environment(task) | dict(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _environment(self, task: Path) -> dict[str, str]:
        # What Lambda's runtime brings stands in PYTHONPATH: the client and boto3.
        runtime = Path(sys.executable).parent.parent / "lib"
        site_packages = next(runtime.glob("python3*/site-packages"))
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
            "PYTHONPATH": f"{task}:{site_packages}",
            "TZ": ":UTC",
        }

    def invoke(self, event: Event, *, seconds: float = 60) -> Any:
        """
        The function's answer.

        :raises FunctionError: if it raised, died, or did not answer in time
        """
        invocation = Invocation(event, str(uuid.uuid4()), threading.Event())
        self._running[invocation.id] = invocation
        self._waiting.put(invocation)
        if not invocation.done.wait(seconds):
            raise FunctionError(f"no answer in {seconds} s\n{self.output()}")
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
                        "Lambda-Runtime-Aws-Request-Id": invocation.id,
                        "Lambda-Runtime-Deadline-Ms": "99999999999999",
                        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:x",
                    },
                )

            def do_POST(self) -> None:
                body = self.body()
                *_, name, kind = self.path.split("/")
                self.answer(202, b"{}")
                if name == "init":
                    function._fail_all(body)
                else:
                    function._finish(name, kind, body)

        return RuntimeApi

    def _finish(self, invocation_id: str, kind: str, body: bytes) -> None:
        invocation = self._running.pop(invocation_id)
        invocation.kind, invocation.body = kind, body
        invocation.done.set()

    def _fail_all(self, body: bytes) -> None:
        for invocation_id in list(self._running):
            self._finish(invocation_id, "error", body)


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
def gateway(function: Function) -> Iterator[str]:
    """An HTTP address in front of the function, as API Gateway's REST API is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _front_door(function))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _front_door(function: Function) -> type[BaseHTTPRequestHandler]:
    class FrontDoor(_QuietHandler):
        def do_GET(self) -> None:
            response = function.invoke(self._event())
            body = response.get("body") or ""
            encoded = response.get("isBase64Encoded")
            self.send_response(response["statusCode"])
            for name, values in response["multiValueHeaders"].items():
                for value in values:
                    if name.lower() not in {"content-length", "connection"}:
                        self.send_header(name, value)
            content = base64.b64decode(body) if encoded else body.encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        # Names that http.server looks up.
        do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

        def _event(self) -> Event:
            address = urlsplit(self.path)
            query = parse_qsl(address.query, keep_blank_values=True)
            body = self.body()
            headers = dict(self.headers.items())
            # TLS ends at the gateway; a client behind it is always on https.
            headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
            return rest_event(
                self.command, address.path, headers=headers, query=query, body=body
            )

    return FrontDoor


def rest_event(
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    query: list[tuple[str, str]] | None = None,
    body: bytes = b"",
) -> Event:
    """A proxy event of API Gateway's REST API, payload format 1.0."""
    values: dict[str, list[str]] = {}
    for name, value in query or []:
        values.setdefault(name, []).append(value)
    return {
        "resource": "/{proxy+}",
        "path": path,
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
