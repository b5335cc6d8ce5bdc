"""
The stage's secrets, fetched once at init, before the settings ask for them.

One signed request to Secrets Manager, written out: for it alone boto3 would take longer to
import than Django does. tests/config/test_secrets.py holds it against AWS's own signer.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

SECONDS: Final = 3.0
ATTEMPTS: Final = 2
# "Not now", which is said with 400.
THROTTLED: Final = frozenset({"ThrottlingException", "TooManyRequestsException"})


class Place(NamedTuple):
    """Where a secret is, which its ARN tells."""

    region: str
    url: str


def load() -> None:
    """
    Put the fields of the secret `SECRETS_ARN` into the environment, where the settings
    look. A variable that is set already wins. Without `SECRETS_ARN`, nothing is done.

    :raises ImproperlyConfigured: if it cannot be read, or is no object of plain values
    """
    arn = os.environ.get("SECRETS_ARN")
    if not arn:
        return
    for name, value in _fields(arn, _secret(arn)).items():
        os.environ.setdefault(name, value)


def _fields(arn: str, secret: str) -> dict[str, str]:
    try:
        fields = json.loads(secret)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or any(
        value is None or isinstance(value, dict | list) for value in fields.values()
    ):
        raise ImproperlyConfigured(
            f"The secret {arn} must be one JSON object of names and plain values, "
            'like {"SECRET_KEY": "..."}: write it anew.'
        )
    return {name: str(value) for name, value in fields.items()}


def _secret(arn: str) -> str:
    place = _place(arn)
    for left in reversed(range(ATTEMPTS)):
        try:
            status, answer = _ask(place, json.dumps({"SecretId": arn}).encode())
        except (OSError, HTTPException) as error:
            if left:
                continue
            raise ImproperlyConfigured(
                f"Secrets Manager does not answer at {place.url} ({error}): let the "
                "function's network reach it, by a NAT or an endpoint of the VPC."
            ) from error
        if status == 200 or not _may_pass(status, answer):
            break
    if status != 200:
        raise ImproperlyConfigured(
            f"The secret {arn} cannot be read ({status} {_reason(answer)}): see that it "
            "exists, and that the function's role has secretsmanager:GetSecretValue on it."
        )
    return str(json.loads(answer).get("SecretString"))


def _may_pass(status: int, answer: bytes) -> bool:
    return status >= 500 or _reason(answer) in THROTTLED


def _place(arn: str) -> Place:
    parts = arn.split(":")
    if len(parts) < 7 or parts[2] != "secretsmanager":
        raise ImproperlyConfigured(f"SECRETS_ARN is {arn!r}: set the ARN of a secret.")
    partition, region = parts[1], parts[3]
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    url = (
        os.environ.get("AWS_ENDPOINT_URL_SECRETS_MANAGER")
        or os.environ.get("AWS_ENDPOINT_URL")
        or f"https://secretsmanager.{region}.{suffix}"
    )
    return Place(region, url)


def _ask(place: Place, body: bytes) -> tuple[int, bytes]:
    address = urlsplit(place.url)
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.netloc, timeout=SECONDS)
    headers = signed(
        {
            "content-type": "application/x-amz-json-1.1",
            "host": address.netloc,
            "x-amz-target": "secretsmanager.GetSecretValue",
        },
        body,
        region=place.region,
        now=datetime.now(UTC),
    )
    try:
        connection.request("POST", "/", body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def signed(
    headers: Mapping[str, str], body: bytes, *, region: str, now: datetime
) -> dict[str, str]:
    """
    The headers of a POST to `/` with Amazon's Signature Version 4 among them, by the keys
    that Lambda puts into the environment.

    :param headers: names in lower case, `host` among them
    :raises ImproperlyConfigured: if there are no keys
    """
    key_id, secret_key = _keys()
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/secretsmanager/aws4_request"
    every = {**headers, "x-amz-date": moment}
    if token := os.environ.get("AWS_SESSION_TOKEN"):
        every["x-amz-security-token"] = token
    names = ";".join(sorted(every))
    request = "\n".join(
        [
            "POST\n/\n",
            *(f"{name}:{every[name]}" for name in sorted(every)),
            f"\n{names}",
            hashlib.sha256(body).hexdigest(),
        ]
    )
    to_sign = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            moment,
            scope,
            hashlib.sha256(request.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret_key}".encode()
    for part in [*scope.split("/"), to_sign]:
        key = hmac.digest(key, part.encode(), "sha256")
    every["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, "
        f"SignedHeaders={names}, Signature={key.hex()}"
    )
    return every


def _keys() -> tuple[str, str]:
    try:
        return os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    except KeyError as missing:
        raise ImproperlyConfigured(
            f"{missing.args[0]} is not set, so the secret cannot be asked for: Lambda sets "
            "it for a function with a role; elsewhere, set it or unset SECRETS_ARN."
        ) from missing


def _reason(answer: bytes) -> str:
    """AWS's own word for what is wrong; its sentence may name more than a log should."""
    try:
        return str(json.loads(answer).get("__type", "")).rpartition("#")[2]
    except (ValueError, AttributeError):
        return "without a reason"
