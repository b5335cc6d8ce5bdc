"""A stage's whole world on one machine: AWS, a database, Stripe, mail and a visitor."""

import email
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from tests.journeys.shop import Shop
from tests.rehearsal.aws import ROOT, Aws, Deployed, emulated_aws
from tests.rehearsal.gateway import gateway
from tests.stand_in import StandIn

DOMAIN = "pay.rehearsal.example"
SITE = f"https://{DOMAIN}"
WEBHOOK_SECRET = "whsec_rehearsal"
ZAPPA = Path(sys.executable).with_name("zappa")
PROJECT = "paymyinvoice"
# Seconds in which a visitor reads; Zappa needs a processor too.
PAUSE = 0.1
SETTINGS_FILE = "zappa_settings.json"


class ZappaFailed(Exception):
    """Zappa ended with an error; its output is in the message."""


@dataclass
class World:
    """
    :param folder: what the rehearsal leaves to be looked at
    :param settings: Zappa's, complete, once they are rendered
    """

    stage: str
    zip_file: Path
    folder: Path
    aws: Aws
    database_url: str
    stripe: StandIn
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def worker(self) -> str:
        return f"{self.stage}_worker"

    def function(self, part: str) -> Deployed:
        return self.aws.function(function_name(part))

    def zip_of(self, part: str) -> str:
        """What tells one zip from another, as Lambda says it of a function."""
        found = self.aws.client("lambda").get_function_configuration(
            FunctionName=function_name(part)
        )
        return str(found["CodeSha256"])

    def zappa(self, verb: str, part: str, *arguments: str) -> str:
        """
        What it printed; `zappa.log` has it too.

        :raises ZappaFailed: if it ended with an error
        """
        run = subprocess.run(
            [str(ZAPPA), verb, part, *arguments, "--settings_file", SETTINGS_FILE],
            # It leaves files where it stands.
            cwd=self.folder,
            env=os.environ | {"VIRTUAL_ENV": sys.prefix, "PYTHONPATH": str(ROOT)},
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with (self.folder / "zappa.log").open("a") as log:
            log.write(f"$ zappa {verb} {part} {' '.join(arguments)}\n{run.stdout}\n")
        if run.returncode:
            raise ZappaFailed(f"zappa {verb} {part} failed:\n{run.stdout[-2000:]}")
        return run.stdout

    def shop(self) -> Shop:
        return Shop(
            SITE,
            self.stripe,
            lambda: self.function(self.worker).invoke(
                {"command": "config.schedules.run_tasks"}
            ),
            lambda: mails_in(self.folder / "mail"),
            self.session,
        )

    def session(self) -> requests.Session:
        """An HTTP client for which the stage's domain leads to the gateway."""
        return session_through(self.aws.gateway, SITE)


@contextmanager
def rehearsal_world(
    stage: str, zip_file: Path, database: AbstractContextManager[str], folder: Path
) -> Iterator[World]:
    """An account with nothing in it, and around it all that a stage speaks to."""
    logs = folder / "functions"
    logs.mkdir(parents=True)
    with database as database_url, emulated_aws(logs=logs) as aws, led_to(aws):
        web = aws.function(function_name(stage))
        with (
            gateway(web.invoke, DOMAIN) as webhooks,
            StandIn(
                webhook_url=f"{webhooks}/stripe/webhook/",
                secret=WEBHOOK_SECRET,
                retry_delays=(0,),
            ) as stripe,
        ):
            yield World(stage, zip_file, folder, aws, database_url, stripe)


@contextmanager
def led_to(aws: Aws) -> Iterator[None]:
    """The environment in which every tool finds this account, and knows of no other."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("AWS_", "INFRA_", "ZAPPA_")):
            del os.environ[name]
    os.environ.update(aws.variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def function_name(part: str) -> str:
    return f"{PROJECT}-{part}".replace("_", "-")


def digest(zip_file: Path) -> str:
    return sha256(zip_file.read_bytes()).hexdigest()


def mails_in(folder: Path) -> list[Message]:
    """What Django's file backend wrote, oldest first."""
    files = sorted(folder.glob("*.log"), key=lambda file: file.stat().st_mtime_ns)
    return [
        email.message_from_bytes(text.strip())
        for file in files
        for text in file.read_bytes().split(b"-" * 79)
        if text.strip()
    ]


def session_through(gateway: str, site: str) -> requests.Session:
    """An HTTP client for which a site is found behind a gateway on loopback."""
    session = requests.Session()
    session.mount(site, Door(gateway))
    return session


class Door(requests.adapters.HTTPAdapter):
    """Takes requests for a domain to a gateway on loopback, without TLS."""

    def __init__(self, gateway: str) -> None:
        super().__init__()
        self._gateway = gateway

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        there = request.copy()
        there.headers["Host"] = urlsplit(str(request.url)).netloc
        there.url = f"{self._gateway}{request.path_url}"
        response = super().send(there, *args, **kwargs)
        # Cookies and redirects belong to the domain that was asked for.
        response.request, response.url = request, str(request.url)
        return response


class Readers:
    """
    Visitors who read pages, one after another, as long as the block lasts.

        with Readers(world, "/", "/blog/") as readers:
            …
        assert readers.failures == []
    """

    def __init__(self, world: World, *paths: str, count: int = 2) -> None:
        self.failures: list[str] = []
        self.answers = 0
        self.slowest = 0.0
        self._world = world
        self._paths = paths
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._read) for _ in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        session = self._world.session()
        while not self._done.is_set():
            for path in self._paths:
                begun = time.monotonic()
                try:
                    answer = session.get(f"{SITE}{path}", timeout=60)
                except requests.RequestException as error:
                    self.failures.append(f"{path}: {error}")
                    continue
                if answer.status_code != 200:
                    self.failures.append(f"{path}: {answer.status_code}")
                self.answers += 1
                self.slowest = max(self.slowest, time.monotonic() - begun)
                time.sleep(PAUSE)


def write_settings(world: World, settings: Mapping[str, Any]) -> None:
    world.settings = dict(settings)
    path = world.folder / SETTINGS_FILE
    path.write_text(json.dumps(settings, indent=2))
