"""
Between AWS's HTTP events and Django: REST API, HTTP API, function URL, load balancer.

It stands before every answer, so it builds by hand what a request needs and nothing else.
What a client could have written is not believed: its address comes from AWS alone.
"""

import base64
import json
import logging
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from itertools import product
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes, urlencode, urlsplit

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest, get_script_name
from django.core.signals import request_started
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from config.problems import problem_response

type Event = Mapping[str, Any]
type Answer = dict[str, Any]

# Bytes that AWS carries: Lambda's whole answer as JSON, and all of its headers.
LARGEST_ANSWER: Final = 6_291_556
LARGEST_HEADERS: Final = 10_240

# A load balancer takes each name once; names differ by case, so there are 512 of these.
_SET_COOKIE: Final = tuple(
    f"{''.join(first)}-{''.join(second)}"
    for first in product("sS", "eE", "tT")
    for second in product("cC", "oO", "oO", "kK", "iI", "eE")
)

logger = logging.getLogger(__name__)


def is_http(event: Event) -> bool:
    return "httpMethod" in event or "http" in (event.get("requestContext") or {})


def kind_of(event: Event) -> str:
    """Which of AWS's doors an HTTP event came through."""
    context = event.get("requestContext") or {}
    if "elb" in context:
        return "load-balancer"
    if "http" not in context:
        return "rest-api"
    on_lambda = str(context.get("domainName")).endswith(".on.aws")
    return "function-url" if on_lambda else "http-api"


class Gateway(WSGIHandler):
    """Django, with its middleware loaded, behind whichever of AWS's doors."""

    def answer(self, event: Event) -> tuple[Answer, WSGIRequest]:
        """What Lambda returns for an HTTP event, and the request as Django saw it."""
        environ = environ_of(event)
        set_script_prefix(get_script_name(environ))
        request_started.send(sender=type(self), environ=environ)
        request = self.request_class(environ)
        response = _refusal(environ) or self.get_response(request)
        try:
            return _carried(event, request, response), request
        finally:
            # Sends `request_finished`, and closes what the response held.
            response.close()


class _Call(NamedTuple):
    """What an event of any shape says of a request, beside headers and body."""

    method: str
    # Undecoded, without the stage.
    path: str
    query: str
    address: str


def environ_of(event: Event) -> dict[str, Any]:
    """The event as WSGI (PEP 3333) describes a request."""
    context = event.get("requestContext") or {}
    if "http" in context:
        call = _http_api(event, context)
    elif "elb" in context:
        call = _load_balancer(event)
    else:
        call = _rest_api(event, context)
    body = event.get("body") or ""
    content = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": call.method,
        # Whether a stage stands before the path is said by the settings.
        "SCRIPT_NAME": "",
        "PATH_INFO": _decoded(call.path),
        "QUERY_STRING": call.query,
        # Whoever invokes by hand names no host; then it is ours.
        "SERVER_NAME": _own_host(),
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": call.address,
        "HTTP_X_FORWARDED_FOR": call.address,
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in _headers(event):
        if variable := _variable(name):
            environ[variable] = value if value.isascii() else _as_wsgi(value.encode())
    if "elb" in context:
        # It alone may listen without TLS, and writes this header itself.
        environ["wsgi.url_scheme"] = environ.get("HTTP_X_FORWARDED_PROTO", "https")
    return environ


def _rest_api(event: Event, context: Event) -> _Call:
    values = event.get("multiValueQueryStringParameters") or {}
    values = values or event.get("queryStringParameters") or {}
    return _Call(
        method=event["httpMethod"],
        path=event.get("path") or "/",
        query=urlencode(values, doseq=True) if values else "",
        address=(context.get("identity") or {}).get("sourceIp") or "",
    )


def _http_api(event: Event, context: Event) -> _Call:
    """Also a function URL, whose stage is always `$default`."""
    path, stage = event.get("rawPath") or "/", f"/{context.get('stage', '$default')}"
    if path == stage or path.startswith(f"{stage}/"):
        path = path.removeprefix(stage) or "/"
    return _Call(
        method=context["http"]["method"],
        path=path,
        query=event.get("rawQueryString") or "",
        address=context["http"].get("sourceIp") or "",
    )


def _load_balancer(event: Event) -> _Call:
    several = event.get("multiValueQueryStringParameters")
    single = event.get("queryStringParameters") or {}
    values = several or {name: [value] for name, value in single.items()}
    hops = next(
        (hops for name, hops in _headers(event) if name.lower() == "x-forwarded-for"),
        "",
    )
    return _Call(
        method=event["httpMethod"],
        path=event.get("path") or "/",
        # It decodes nothing, so nothing is encoded again.
        query="&".join(f"{name}={value}" for name in values for value in values[name]),
        # It adds whom it saw; what stands before that, the client wrote.
        address=hops.rpartition(",")[2].strip(),
    )


def _headers(event: Event) -> Iterable[tuple[str, str]]:
    several = event.get("multiValueHeaders")
    if not several:
        headers = event.get("headers") or {}
        cookies = event.get("cookies")
        return (
            headers | {"cookie": "; ".join(cookies)} if cookies else headers
        ).items()
    return [
        (name, ("; " if name.lower() == "cookie" else ",").join(values))
        for name, values in several.items()
    ]


@lru_cache(maxsize=256)
def _variable(header: str) -> str:
    """A header's name in an environ; "" for those that are not passed on."""
    name = header.upper()
    if name in {"X-FORWARDED-FOR", "CONTENT-LENGTH"}:
        # We say ourselves who called and how long the body is, once it is decoded.
        return ""
    if "_" in name:
        # It could pass for the header that has a hyphen there.
        return ""
    name = name.replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


@lru_cache(maxsize=1)
def _own_host() -> str:
    return urlsplit(settings.SITE_URL).hostname or ""


def _decoded(path: str) -> str:
    if path.isascii() and "%" not in path:
        return path
    return _as_wsgi(unquote_to_bytes(path))


def _as_wsgi(value: bytes) -> str:
    # PEP 3333 wants bytes dressed as characters; Django undresses them.
    return value.decode("latin-1")


def _refusal(environ: Mapping[str, Any]) -> HttpResponse | None:
    """413, where Django would say 400; of a form's files, Django judges by itself."""
    size, largest = environ["CONTENT_LENGTH"], settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if largest is None or int(size) <= largest:
        return None
    if environ.get("CONTENT_TYPE", "").startswith("multipart/form-data"):
        return None
    return problem_response(
        HTTPStatus.CONTENT_TOO_LARGE,
        "content_too_large",
        f"This request carries {size} bytes; {largest} are taken.",
    )


def _carried(event: Event, request: WSGIRequest, response: HttpResponseBase) -> Answer:
    """The answer; or, where AWS would show an error of its own, ours, which says why."""
    answer = _answer(event, request, response)
    size = _size_of_headers(answer)
    if size > LARGEST_HEADERS:
        return _not_carried(event, request, "headers", size, LARGEST_HEADERS)
    # JSON spends six bytes on a character at most: most answers need no closer look.
    if len(answer["body"]) * 6 + LARGEST_HEADERS * 6 > LARGEST_ANSWER:
        size = len(json.dumps(answer, ensure_ascii=False).encode())
        if size > LARGEST_ANSWER:
            return _not_carried(event, request, "answer", size, LARGEST_ANSWER)
    return answer


def _not_carried(
    event: Event, request: WSGIRequest, what: str, size: int, largest: int
) -> Answer:
    match = request.resolver_match
    logger.error(
        "The %s of %s %s took %d bytes, and AWS carries %d.",
        what,
        request.method,
        match.route if match else "no route",
        size,
        largest,
    )
    return _answer(
        event,
        request,
        problem_response(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            f"{what}_too_large",
            f"The {what} took {size} bytes, and {largest} can be carried. Ask for less.",
        ),
    )


def _answer(event: Event, request: WSGIRequest, response: HttpResponseBase) -> Answer:
    headers = dict(response.items())
    cookies = [cookie.OutputString() for cookie in response.cookies.values()]
    if "Set-Cookie" in headers:
        cookies.append(headers.pop("Set-Cookie"))
    body, is_base64 = _body(request, response)
    answer: Answer = {
        "statusCode": response.status_code,
        "body": body,
        "isBase64Encoded": is_base64,
    }
    context = event.get("requestContext") or {}
    if "elb" in context:
        answer["statusDescription"] = f"{response.status_code} {response.reason_phrase}"
    if "http" in context:
        answer["headers"] = headers
        if cookies:
            answer["cookies"] = cookies
    elif "elb" in context and "multiValueHeaders" not in event:
        answer["headers"] = headers | dict(zip(_SET_COOKIE, cookies, strict=False))
    else:
        several = {name: [value] for name, value in headers.items()}
        answer["multiValueHeaders"] = (
            several | {"Set-Cookie": cookies} if cookies else several
        )
    return answer


def _body(request: WSGIRequest, response: HttpResponseBase) -> tuple[str, bool]:
    """The content, and whether it had to be written in base64."""
    if request.method == "HEAD" or response.status_code in {204, 304}:
        return "", False
    # Iterating joins a stream and leaves other content as it is.
    content = b"".join(response)
    if "Content-Encoding" not in response.headers and _is_text(
        response.headers.get("Content-Type", "")
    ):
        try:
            return content.decode(), False
        except UnicodeDecodeError:
            # Text in another encoding; its bytes are what the client wants.
            pass
    return base64.b64encode(content).decode("ascii"), True


@lru_cache(maxsize=64)
def _is_text(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind.endswith(("json", "xml", "javascript"))


def _size_of_headers(answer: Answer) -> int:
    """Bytes, with the four that each line takes for itself."""
    lines = [("Set-Cookie", cookie) for cookie in answer.get("cookies", ())]
    lines += answer.get("headers", {}).items()
    for name, values in answer.get("multiValueHeaders", {}).items():
        lines += [(name, value) for value in values]
    return sum(len(name) + len(value) + 4 for name, value in lines)
