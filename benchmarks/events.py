"""What API Gateway's REST API (payload format 1.0) sends for one request."""

import json
import random
from collections.abc import Mapping
from typing import Any

from benchmarks import rows

HOST = "pay.example.com"
# RFC 2544 sets 198.18.0.0/15 aside for benchmarks. Readers come from many addresses.
READERS = 1_000
# Coprime to the number of posts: so many calls pass before a row is asked for again.
STRIDE = 37

type Event = dict[str, Any]


def list_posts(number: int) -> Event:
    return rest_event("GET", "/api/v1/posts/", number, query={"page_size": "10"})


def read_post(number: int) -> Event:
    """Walks over all posts before it comes back to the first."""
    return read_slug(number, rows.slug(number * STRIDE % rows.POSTS + 1))


def read_slug(number: int, slug: str) -> Event:
    return rest_event("GET", f"/api/v1/posts/{slug}/", number)


def write_post(number: int, keys: list[str]) -> Event:
    """A draft; no two numbers have the same title."""
    chance = random.Random(number)  # noqa: S311 - no secret
    body = {
        "title": f"Written by call {number}",
        "excerpt": rows.text(chance, sentences=2),
        "body": rows.text(chance, sentences=10),
    }
    headers = {"Authorization": f"Token {keys[number % len(keys)]}"}
    return rest_event("POST", "/api/v1/posts/", number, body=body, headers=headers)


def rename_newest(number: int, keys: list[str]) -> Event:
    """Changes a title that the first page of the list shows."""
    headers = {"Authorization": f"Token {keys[0]}"}
    path = f"/api/v1/posts/{rows.slug(rows.POSTS)}/"
    body = {"title": new_title(number)}
    return rest_event("PATCH", path, number, body=body, headers=headers)


def new_title(number: int) -> str:
    return f"Renamed before call {number}"


def rest_event(
    method: str,
    path: str,
    number: int,
    *,
    query: Mapping[str, str] | None = None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> Event:
    address = f"198.18.{number % READERS // 250}.{number % 250 + 1}"
    sent = _headers(address, number) | dict(headers or {})
    if body is not None:
        sent["Content-Type"] = "application/json"
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": query and dict(query),
        "multiValueQueryStringParameters": query
        and {name: [value] for name, value in query.items()},
        "pathParameters": {"proxy": path.strip("/")},
        "stageVariables": None,
        "requestContext": _context(method, path, number, address),
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def _headers(address: str, number: int) -> dict[str, str]:
    return {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate, br",
        "Accept-Language": "en-GB,en;q=0.8",
        "CloudFront-Forwarded-Proto": "https",
        "CloudFront-Is-Desktop-Viewer": "true",
        "CloudFront-Is-Mobile-Viewer": "false",
        "CloudFront-Viewer-Country": "DE",
        "Host": HOST,
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, "
        "like Gecko) Chrome/140.0 Safari/537.36",
        "Via": "2.0 cloudfront.example.com (CloudFront)",
        "X-Amzn-Trace-Id": f"Root=1-5e1b4151-{number:024x}",
        "X-Forwarded-For": f"{address}, 198.18.255.1",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }


def _context(method: str, path: str, number: int, address: str) -> Event:
    return {
        "accountId": "123456789012",
        "apiId": "abcdefghij",
        "domainName": HOST,
        "domainPrefix": "pay",
        "extendedRequestId": f"{number:016x}=",
        "httpMethod": method,
        "identity": {"sourceIp": address, "userAgent": "Mozilla/5.0", "user": None},
        "path": f"/dev{path}",
        "protocol": "HTTP/1.1",
        "requestId": f"00000000-0000-4000-8000-{number:012x}",
        "requestTime": "16/Apr/2024:12:00:00 +0000",
        "requestTimeEpoch": 1713268800000,
        "resourceId": "abc123",
        "resourcePath": "/{proxy+}",
        "stage": "dev",
    }
