import json
import os
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from django.core.exceptions import ImproperlyConfigured
from moto.server import ThreadedMotoServer
from time_machine import travel

from config import secrets

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:paymyinvoice-dev-AbCdEf"
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def function(monkeypatch):
    """The variables that Lambda sets."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTING")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-session")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("FROM_SECRET", "PORT_OF_SECRET"):
        # Registered, so that what is loaded is forgotten again.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture(scope="module")
def aws():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def keep(aws, function):
    """Keeps a secret, and tells the function where it is."""
    client = boto3.client(
        "secretsmanager", endpoint_url=aws, region_name="eu-central-1"
    )
    kept = []

    def create(value):
        kept.append(
            client.create_secret(Name="paymyinvoice", SecretString=value)["ARN"]
        )
        function.setenv("SECRETS_ARN", kept[-1])
        function.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws)

    yield create
    for arn in kept:
        client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


FOUND = 200, {"SecretString": json.dumps({"FROM_SECRET": "found"})}
BUSY = 503, {"__type": "InternalServiceError"}
THROTTLED = 400, {"__type": "com.amazonaws.secretsmanager#ThrottlingException"}
DENIED = 400, {"__type": "AccessDeniedException"}


@contextmanager
def secrets_manager(*answers):
    """Its address; one answer a request, and in the end the list is empty."""
    left = list(answers)

    class Manager(BaseHTTPRequestHandler):
        def do_POST(self):
            status, answer = left.pop(0)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Manager)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    assert left == []


def environment():
    return {
        name: value
        for name, value in os.environ.items()
        if name in {"FROM_SECRET", "PORT_OF_SECRET"}
    }


def test_without_an_arn_nothing_is_asked(function):
    function.delenv("SECRETS_ARN", raising=False)
    function.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    secrets.load()

    assert environment() == {}


def test_fields_become_variables(keep):
    keep(json.dumps({"FROM_SECRET": "x" * 50, "PORT_OF_SECRET": 3306}))

    secrets.load()

    assert environment() == {"FROM_SECRET": "x" * 50, "PORT_OF_SECRET": "3306"}


def test_a_variable_of_the_function_wins(keep, function):
    keep(json.dumps({"FROM_SECRET": "from the secret"}))
    function.setenv("FROM_SECRET", "from the function")

    secrets.load()

    assert environment() == {"FROM_SECRET": "from the function"}


@pytest.mark.parametrize("value", ["plain", '["list"]', '{"FROM_SECRET": {"a": 1}}'])
def test_a_secret_of_another_form_is_refused(keep, value):
    keep(value)

    with pytest.raises(ImproperlyConfigured, match="one JSON object"):
        secrets.load()

    assert environment() == {}


def test_a_secret_that_is_not_there_is_named(aws, function):
    function.setenv("SECRETS_ARN", ARN)
    function.setenv("AWS_ENDPOINT_URL", aws)

    with pytest.raises(
        ImproperlyConfigured, match=f"{ARN} cannot be read .40. ResourceNotFound.*role"
    ):
        secrets.load()


def test_silence_is_told_from_refusal(function):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    function.setenv("SECRETS_ARN", ARN)
    function.setenv("AWS_ENDPOINT_URL", url)

    with pytest.raises(ImproperlyConfigured, match=f"does not answer at {url}.*NAT"):
        secrets.load()


@pytest.mark.parametrize("first", [BUSY, THROTTLED])
def test_what_may_pass_is_asked_again(function, first):
    function.setenv("SECRETS_ARN", ARN)

    with secrets_manager(first, FOUND) as url:
        function.setenv("AWS_ENDPOINT_URL", url)
        secrets.load()

    assert environment() == {"FROM_SECRET": "found"}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([BUSY, BUSY], "503 InternalServiceError"),
        ([THROTTLED, THROTTLED], "400 ThrottlingException"),
        ([DENIED], "400 AccessDeniedException"),
    ],
)
def test_what_does_not_pass_is_told(function, answers, reason):
    function.setenv("SECRETS_ARN", ARN)

    with secrets_manager(*answers) as url:
        function.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(ImproperlyConfigured, match=f"cannot be read .{reason}"):
            secrets.load()


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_without_keys_the_missing_one_is_named(function, name):
    function.setenv("SECRETS_ARN", ARN)
    function.delenv(name)

    with pytest.raises(ImproperlyConfigured, match=f"^{name} is not set, so"):
        secrets.load()


@pytest.mark.parametrize("arn", ["paymyinvoice-dev", "arn:aws:s3:::a-bucket:x"])
def test_an_arn_of_something_else_is_refused(function, arn):
    function.setenv("SECRETS_ARN", arn)

    with pytest.raises(ImproperlyConfigured, match="ARN of a secret"):
        secrets.load()


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "secretsmanager.eu-central-1.amazonaws.com"),
        ("aws-cn", "secretsmanager.eu-central-1.amazonaws.com.cn"),
    ],
)
def test_the_arn_tells_where_to_ask(partition, host):
    place = secrets._place(ARN.replace("arn:aws:", f"arn:{partition}:"))

    assert place == ("eu-central-1", f"https://{host}")


@pytest.mark.parametrize("token", ["a-session", None])
def test_the_signature_is_what_amazons_own_signer_writes(function, token):
    body = json.dumps({"SecretId": ARN}).encode()
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": "secretsmanager.eu-central-1.amazonaws.com",
        "x-amz-target": "secretsmanager.GetSecretValue",
    }
    if token is None:
        function.delenv("AWS_SESSION_TOKEN")

    ours = secrets.signed(headers, body, region="eu-central-1", now=NOW)

    request = AWSRequest("POST", f"https://{headers['host']}/", headers, body)
    with travel(NOW, tick=False):
        SigV4Auth(
            Credentials("AKIATESTING", "testing", token),
            "secretsmanager",
            "eu-central-1",
        ).add_auth(request)
    theirs = {name.lower(): value for name, value in request.headers.items()}
    assert ours == theirs
