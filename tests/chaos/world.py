"""A database server, the site's processes and Stripe, which may each be broken."""

import os
import random
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tests.chaos import process
from tests.chaos.stripe import PostOffice, TroubledStripe
from tests.database import HOST, Server, mariadb, private_server

# A killed server must know what it said it had kept; and nobody waits long for a lock.
OPTIONS = (
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-doublewrite=1",
    "--innodb-lock-wait-timeout=2",
)
PATIENCE = 60


class Killed(Exception):
    """The process was killed at its step, as it should be."""


class Done(NamedTuple):
    result: Any
    steps: list[str]


class World:
    """
    :param ahead: of the clock of everybody in it; it never goes back
    """

    # Bytes of the disk for documents, where it is one.
    DISK = 256 * 1024 * 1024

    def __init__(
        self,
        server: Server,
        listener: socket.socket,
        chance: random.Random,
        place: Path,
    ) -> None:
        self.documents = place / "documents"
        self.has_own_disk = False
        self.server = server
        self.chance = chance
        self.ahead = timedelta()
        self.faults: Counter[str] = Counter()
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"
        self.stripe = TroubledStripe(luck(chance.random()), self._seconds)
        self.post = PostOffice(
            self.stripe.stripe, f"{self.url}/stripe/webhook/", luck(chance.random())
        )
        self.stripe.courier = self.post  # type: ignore[assignment] # delivers otherwise
        self._listener = listener
        self._keeper = ThreadPoolExecutor(1)
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["tests.chaos.loaded"])
        self._serving: list[ForkServerProcess] = []
        self._keys: tuple[int, str] = (0, "")

    def _seconds(self) -> int:
        return int(time.time() + self.ahead.total_seconds())

    # Processes

    def run(self, job: str, *args: Any, last: int | None = None) -> Done:
        """
        Do a job of `tests.chaos.jobs` in a process of its own.

        :raises Killed: if it did not live beyond its last step
        """
        return self.begin(job, *args, last=last)()

    def begin(
        self, job: str, *args: Any, last: int | None = None
    ) -> Callable[[], Done]:
        """As `run`, but it returns at once; call what it returns for the result."""
        here, there = self._context.Pipe(duplex=False)
        child = self._context.Process(
            target=process.work, args=(job, args, self.ahead, last, there)
        )
        child.start()
        there.close()

        def end() -> Done:
            try:
                result, error, steps = here.recv()
            except EOFError:
                raise Killed from None
            finally:
                child.join()
            if error:
                raise AssertionError(f"{job}: {error}")
            return Done(result, steps)

        return end

    def serve(self, processes: int = 1, last: int | None = None) -> None:
        for _ in range(processes):
            child = self._context.Process(
                target=process.serve, args=(self._listener, self.ahead, last)
            )
            child.start()
            self._serving.append(child)

    def kill_one(self) -> None:
        """Somewhere in whatever it does."""
        child = self._serving.pop(self.chance.randrange(len(self._serving)))
        child.kill()
        child.join()

    def stop_serving(self) -> None:
        while self._serving:
            self.kill_one()

    # The shop

    @property
    def rate(self) -> int:
        return self._keys[0]

    def enter(self) -> None:
        self._keys = self.run("enter_shop").result

    def invoices(self, count: int) -> list[dict[str, Any]]:
        return list(self.run("write_invoices", self.rate, count).result)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self._ask("GET", path, **more)

    def post_form(self, path: str, data: dict[str, Any]) -> requests.Response:
        return self._ask("POST", path, data=data)

    def api(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Token {self._keys[1]}"} | more.pop("headers", {})
        return self._ask(method, f"/api/v1{path}", headers=headers, **more)

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, f"{self.url}{path}", allow_redirects=False, timeout=30, **more
            )

    # The database

    def crash_database(self) -> None:
        self.server.kill()
        self.faults["database server killed"] += 1
        time.sleep(0.2)
        # The server ends with the thread that started it.
        self._keeper.submit(self.server.start).result()

    # Afterwards

    def recover(self) -> None:
        """Whatever should come again comes again; nothing else is done."""
        self.stripe.forget()
        self.post.is_plain, self.post.is_closed = True, False
        # Of a task that was cut off, of a refund that could not be sent, of a key that
        # Stripe has forgotten. The schedule comes before the webhooks: they would mend
        # what it must not break.
        for wait in (timedelta(minutes=17), timedelta(hours=2), timedelta(hours=25)):
            self.stop_serving()
            self.ahead += wait
            self.stripe.stripe._account.expire_overdue()
            self.run("run_schedule")
            self.serve()
            self.post.come_again()
            self.post.wait()
        self.run("run_schedule")

    def check(self) -> list[str]:
        fake = self.stripe.stripe
        intents = {
            intent["id"]: (intent["amount_received"], intent["currency"])
            for intent in fake.intents.values()
            if intent["status"] == "succeeded"
        }
        refunds = {
            refund["id"]: (refund["amount"], refund["status"])
            for refund in fake.refunds.values()
        }
        open_sessions = {
            session["id"]: session["metadata"]["invoice"]
            for session in fake.sessions.values()
            if session["status"] == "open"
        }
        found = self.run("differences", intents, refunds, open_sessions).result
        return list(found)

    def paid(self) -> int:
        return sum(
            intent["status"] == "succeeded"
            for intent in list(self.stripe.stripe.intents.values())
        )


def luck(seed: float) -> random.Random:
    """The same for the same seed."""
    return random.Random(seed)  # noqa: S311 - nobody guards anything with it


@contextmanager
def world(seed: int) -> Iterator[World]:
    with ExitStack() as stack:
        server = stack.enter_context(private_server(mariadb(), *OPTIONS))
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        listener = stack.enter_context(socket.create_server((HOST, 0), backlog=128))
        there = World(server, listener, luck(seed), place)
        stack.enter_context(_own_disk(there))
        stack.enter_context(there.stripe)
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": server.url,
            "VAR_DIR": str(place),
            "STAGE": "laptop",
            "CHAOS_MAIL": str(place / "mail"),
            "SITE_URL": there.url,
            "STRIPE_API_BASE": there.stripe.url,
            "STRIPE_API_KEY": "sk_test_chaos",
            "STRIPE_WEBHOOK_SECRETS": "whsec_chaos",
            "API_RATE_USER": "1000000/min",
            "MAIL_PER_BUSINESS_A_DAY": "1000000",
            "LOG_LEVEL": "CRITICAL",
        }
        try:
            there.enter()
            yield there
        finally:
            there.stop_serving()


@contextmanager
def _own_disk(world: World) -> Iterator[None]:
    """For documents, if this user may mount one."""
    world.documents.mkdir()
    where = str(world.documents)
    options = f"size={world.DISK}"
    mounted = subprocess.run(
        [*("mount", "-t", "tmpfs", "-o", options), "tmpfs", where],
        check=False,
        capture_output=True,
    )
    world.has_own_disk = mounted.returncode == 0
    try:
        yield
    finally:
        if world.has_own_disk:
            subprocess.run([*("umount", where)], check=True)
