"""An API Gateway (REST, payload 1.0) on loopback: HTTP in, events out, HTTP back."""

import base64
import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.rehearsal.environments import Event, FunctionError, Throttled

ACCOUNT = "123456789012"
CLIENT = "198.51.100.7"
LARGEST_REQUEST = 10 * 1024 * 1024
LARGEST_EVENT = 6 * 1024 * 1024
LARGEST_HEADERS = 10240
# Of the connection to the gateway; it writes its own towards the function.
HOP_BY_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding"}

type Answer = dict[str, Any]


@dataclass(frozen=True)
class Route:
    """
    Where a request goes.

    :param host: what the caller is taken to have asked for
    :param path: without the stage, which only AWS's own addresses carry
    :param stage_in_path: whether it did carry it
    """

    invoke: Callable[[Event], Answer]
    host: str
    path: str
    stage: str = "dev"
    stage_in_path: bool = False


# From a request's Host and address to a route; None if there is nothing.
type Router = Callable[[str, str], Route | None]


@contextmanager
def gateway(invoke: Callable[[Event], Answer], host: str) -> Iterator[str]:
    """The address of a gateway with one function behind it, on a domain of its own."""
    with serving(lambda _, address: Route(invoke, host, address)) as address:
        yield address


@contextmanager
def serving(router: Router) -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), _FrontDoor)
    server.router = router
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    router: Router


def rest_event(
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
    stage: str = "dev",
    stage_in_path: bool = False,
) -> Event:
    """
    A proxy event of API Gateway's REST API, payload format 1.0.

    :param path: with its query; percent-encoded, as a browser sends it
    """
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
        "pathParameters": {"proxy": unquote(address.path.removeprefix("/"))},
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "rehearsal1",
            "domainName": headers.get("Host", ""),
            "httpMethod": method,
            "identity": {
                "sourceIp": CLIENT,
                "userAgent": headers.get("User-Agent", ""),
            },
            "path": (f"/{stage}" if stage_in_path else "") + address.path,
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "resourcePath": "/{proxy+}",
            "stage": stage,
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def content_of(answer: Answer) -> bytes:
    """The body of a function's answer to HTTP."""
    body = answer.get("body") or ""
    return base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()


def headers_of(answer: Answer) -> list[tuple[str, str]]:
    """Those of a function's answer; one that is in both forms counts once."""
    several = answer.get("multiValueHeaders") or {}
    known = {name.lower() for name in several}
    single = answer.get("headers") or {}
    return [
        *((name, value) for name, values in several.items() for value in values),
        *((name, v) for name, v in single.items() if name.lower() not in known),
    ]


class _FrontDoor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        route = self.server.router(self.headers.get("Host", ""), self.path)
        if route is None:
            # API Gateway says this of what it does not know, tokens or not.
            self._say(403, "Missing Authentication Token")
            return
        event = _event_of(self, route, body)
        if refusal := _refusal(event, body):
            self._say(*refusal)
            return
        try:
            answer = route.invoke(event)
            status, headers = int(answer["statusCode"]), headers_of(answer)
            self._answer(status, content_of(answer), headers)
        except Throttled:
            self._say(429, "Too Many Requests")
        except (FunctionError, KeyError, TypeError, ValueError):
            # The function failed, or answered what is no answer to HTTP.
            self._say(502, "Internal server error")

    def _say(self, status: int, message: str) -> None:
        text = json.dumps({"message": message}).encode()
        self._answer(status, text, [("Content-Type", "application/json")])

    def _answer(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            with suppress(BrokenPipeError):
                self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    setattr(_FrontDoor, f"do_{method}", _FrontDoor.pass_on)


def _event_of(request: _FrontDoor, route: Route, body: bytes) -> Event:
    sent = request.headers
    headers = {name: sent[name] for name in sent if name.lower() not in HOP_BY_HOP}
    event = rest_event(
        request.command,
        route.path,
        headers=headers
        | {"Host": route.host, "X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"},
        body=body,
        stage=route.stage,
        stage_in_path=route.stage_in_path,
    )
    for name in headers:
        if name.lower() not in {"host", "x-forwarded-for", "x-forwarded-proto"}:
            event["multiValueHeaders"][name] = sent.get_all(name)
    return event


def _refusal(event: Event, body: bytes) -> tuple[int, str] | None:
    """What API Gateway does not even pass on."""
    headers = event["multiValueHeaders"].items()
    if sum(len(name) + sum(map(len, values)) for name, values in headers) > (
        LARGEST_HEADERS
    ):
        return 431, "Request Header Fields Too Large"
    if len(body) > LARGEST_REQUEST or len(json.dumps(event)) > LARGEST_EVENT:
        return 413, "Request Too Long"
    return None
