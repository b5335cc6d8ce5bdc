"""
AWS on loopback: everything that a stage is deployed to, and it runs what is deployed.

    with emulated_aws() as aws:
        subprocess.run([".venv/bin/zappa", "deploy", "dev"], env=os.environ | aws.variables)
        requests.get(aws.stage_url("dev") + "/healthz")
        aws.function("paymyinvoice-dev").invoke({"manage": "check"})
"""

import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config

from tests.rehearsal.environments import REGION, STARTER, Event, FunctionError

ROOT = Path(__file__).resolve().parents[2]
# Longer than any function may take.
PATIENCE = 960
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@dataclass(frozen=True)
class Aws:
    """
    :param endpoint: of every service
    :param gateway: API Gateway in front of all stages
    """

    endpoint: str
    gateway: str

    @property
    def variables(self) -> dict[str, str]:
        """What leads a program here instead of to AWS."""
        return KEYS | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            # No other profile's keys, and no question to a machine of Amazon's.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            # API Gateway's addresses lie below this one: /STAGE/…
            "EXECUTE_API_URL": self.gateway,
        }

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Every (service, action) that was asked for, as boto3 names them, in order."""
        return [(service, action) for service, action in self._ask("calls")]

    @property
    def peaks(self) -> dict[str, tuple[int, int]]:
        """By function: the most MB one environment used, and what it may use."""
        return {
            name: (used, limit) for name, (used, limit) in self._ask("peaks").items()
        }

    def stage_url(self, stage: str) -> str:
        """The address of a stage of API Gateway; nothing is there until it is deployed."""
        return f"{self.gateway}/{stage}"

    def client(self, service: str) -> Any:
        return self._session.client(
            service,
            endpoint_url=self.endpoint,
            config=Config(read_timeout=PATIENCE, retries={"max_attempts": 0}),
        )

    def function(self, name: str) -> "Deployed":
        return Deployed(name, self.client("lambda"))

    def freeze(self) -> None:
        """Stop the clock of all environments, as Lambda does between two events."""
        self._ask("freeze")

    def thaw(self) -> None:
        self._ask("thaw")

    @functools.cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )

    def _ask(self, what: str) -> Any:
        return requests.get(f"{self.endpoint}/rehearsal/{what}", timeout=60).json()


@dataclass(frozen=True)
class Deployed:
    """A function by its name in the emulated Lambda."""

    name: str
    client: Any

    def invoke(self, event: Event) -> Any:
        """
        The function's answer.

        :raises FunctionError: if it raised, died, or did not answer in time
        """
        answer = self.client.invoke(
            FunctionName=self.name, Payload=json.dumps(event).encode()
        )
        payload = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            raise FunctionError(payload)
        return json.loads(payload)


@contextmanager
def emulated_aws(
    variables: Mapping[str, str] | None = None, logs: Path | None = None
) -> Iterator[Aws]:
    """
    An account of nothing but what is created in it. It runs in a process of its own.

    :param variables: for every environment of a function, over its own: what leads it
        to the other emulated services
    :param logs: a folder to keep what each environment writes
    """
    with (logs / "aws.log" if logs else Path(os.devnull)).open("wb") as log:
        start = functools.partial(
            subprocess.Popen[str],
            [
                *("setpriv", "--pdeathsig", "KILL"),
                *(sys.executable, "-m", "tests.rehearsal.server"),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        process = STARTER.submit(start).result()
    assert process.stdin
    assert process.stdout
    asked = {"logs": str(logs or ""), "variables": dict(variables or {})}
    try:
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        places = process.stdout.readline()
        if not places:
            raise FunctionError("The emulated AWS does not start; see its log.")
        yield Aws(**json.loads(places))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        process.stdin.close()
        process.stdout.close()
