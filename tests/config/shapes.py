"""One request in each of the shapes in which AWS hands it to a function."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

# Whom AWS saw; the rest of X-Forwarded-For is what the client wrote.
CLIENT = "198.51.100.7"

type Event = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """What a client sends, as it is on the wire."""

    method: str = "GET"
    path: str = "/echo"
    query: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    body: bytes = b""
    in_base64: bool = False
    host: str = "pay.example.com"

    def several(self) -> dict[str, list[str]]:
        """Headers with all their values, X-Forwarded-For as AWS leaves it."""
        values: dict[str, list[str]] = {"host": [self.host]}
        for name, value in self.headers:
            values.setdefault(name, []).append(value)
        if self.cookies:
            values["cookie"] = ["; ".join(self.cookies)]
        written = values.pop("x-forwarded-for", [])
        values["x-forwarded-for"] = [", ".join([*written, CLIENT])]
        return values

    def content(self) -> dict[str, Any]:
        text = base64.b64encode(self.body) if self.in_base64 else self.body
        return {"body": text.decode() or None, "isBase64Encoded": self.in_base64}


def rest_api(sent: Sent) -> Event:
    several = sent.several()
    values = parse_qs(sent.query, keep_blank_values=True)
    return {
        "resource": "/{proxy+}",
        "path": unquote(sent.path),
        "httpMethod": sent.method,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "queryStringParameters": {name: v[-1] for name, v in values.items()} or None,
        "multiValueQueryStringParameters": values or None,
        "requestContext": {
            "stage": "dev",
            "domainName": sent.host,
            "identity": {"sourceIp": CLIENT},
        },
        **sent.content(),
    }


def http_api(sent: Sent, stage: str = "$default") -> Event:
    headers = {name: ",".join(v) for name, v in sent.several().items()}
    headers.pop("cookie", None)
    prefix = "" if stage == "$default" else f"/{stage}"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": prefix + sent.path,
        "rawQueryString": sent.query,
        "headers": headers,
        **({"cookies": sent.cookies} if sent.cookies else {}),
        "requestContext": {
            "stage": stage,
            "domainName": sent.host,
            "http": {"method": sent.method, "path": sent.path, "sourceIp": CLIENT},
        },
        **sent.content(),
    }


def function_url(sent: Sent) -> Event:
    event = http_api(sent)
    event["requestContext"]["domainName"] = "abc.lambda-url.eu-central-1.on.aws"
    return event


def load_balancer(sent: Sent) -> Event:
    event = load_balancer_with_several_values(sent)
    # Of several values, it passes on the last.
    headers = {name: v[-1] for name, v in event.pop("multiValueHeaders").items()}
    query = event.pop("multiValueQueryStringParameters")
    return event | {
        "headers": headers,
        "queryStringParameters": {name: v[-1] for name, v in query.items()},
    }


def load_balancer_with_several_values(sent: Sent) -> Event:
    query: dict[str, list[str]] = {}
    for pair in filter(None, sent.query.split("&")):
        name, _, value = pair.partition("=")
        query.setdefault(name, []).append(value)
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:x"}},
        "httpMethod": sent.method,
        "path": sent.path,
        "multiValueQueryStringParameters": query,
        "multiValueHeaders": sent.several() | {"x-forwarded-proto": ["https"]},
        **sent.content(),
    }


SHAPES: dict[str, Callable[[Sent], Event]] = {
    "rest-api": rest_api,
    "http-api": http_api,
    "function-url": function_url,
    "load-balancer": load_balancer,
    "load-balancer-several": load_balancer_with_several_values,
}


@dataclass(frozen=True)
class Received:
    """What the client gets, in whichever shape it was answered."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes


def received(answer: dict[str, Any]) -> Received:
    lines = list(answer.get("headers", {}).items())
    for name, values in answer.get("multiValueHeaders", {}).items():
        lines += [(name, value) for value in values]
    cookies = [value for name, value in lines if name.lower() == "set-cookie"]
    body = answer["body"]
    return Received(
        answer["statusCode"],
        {name: value for name, value in lines if name.lower() != "set-cookie"},
        cookies + answer.get("cookies", []),
        base64.b64decode(body) if answer["isBase64Encoded"] else body.encode(),
    )
