"""
Stripe for a laptop: the API, a payable page and webhooks, on loopback only.

    python -m tests.stand_in --webhook-url URL --secret whsec_…
"""

import argparse
import json
import logging
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, Self
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import stripe

from tests.fakes import ContractError, FakeStripe, NotPayable
from tests.stripe import pages
from tests.stripe.account import Object
from tests.stripe.courier import Courier

API_VERSION = "2026-10-28.endive"
HOST = "127.0.0.1"
RETRY_DELAYS = (1, 5, 25)

# Seconds between looks whether to stop: what ending a test costs.
POLL = 0.02

Environ = dict[str, Any]
Headers = Mapping[str, str]
Response = tuple[int, Headers, str]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class StandIn:
    """
    `FakeStripe` behind a socket. What it knows is gone when it stops.

        with StandIn(webhook_url=…, secret=…) as stand_in:
            client = stripe.StripeClient(…, base_addresses={"api": stand_in.url})
    """

    def __init__(
        self,
        *,
        webhook_url: str,
        secret: str,
        api_version: str = API_VERSION,
        port: int = 0,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        self._server = make_server(HOST, port, self, _Server, _Silent)
        self.url = f"http://{HOST}:{self._server.server_port}"
        self.stripe = FakeStripe(api_version, hosted_url=f"{self.url}/pay")
        self.courier = Courier(
            self.stripe,
            webhook_url=webhook_url,
            secret=secret,
            retry_delays=retry_delays,
        )
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.courier.stop()

    def serve_forever(self) -> None:
        try:
            self._server.serve_forever()
        finally:
            self._server.server_close()
            self.courier.stop()

    def __call__(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """WSGI."""
        status, headers, text = self._respond(environ)
        body = text.encode()
        start_response(
            f"{status} {HTTPStatus(status).phrase}",
            [
                ("Cache-Control", "no-store"),
                ("Content-Length", str(len(body))),
                *headers.items(),
            ],
        )
        return [body]

    def _respond(self, environ: Environ) -> Response:
        path = environ["PATH_INFO"]
        if path.startswith("/v1/"):
            return self._api(environ)
        if path.startswith("/pay/"):
            return self._pay(environ, path.removeprefix("/pay/"))
        if path == "/":
            return _html(
                200, pages.message("It is running. Pages to pay are at /pay/…")
            )
        return _html(404, pages.message("There is no such page."))

    # The API

    def _api(self, environ: Environ) -> Response:
        try:
            (text, status, headers), events = self._act(
                lambda: self.stripe.request(
                    environ["REQUEST_METHOD"],
                    f"{self.url}{environ['PATH_INFO']}?{environ['QUERY_STRING']}",
                    _headers(environ),
                    _body(environ),
                )
            )
        except ContractError as error:
            return _error(400, str(error))
        except stripe.APIConnectionError as error:
            return _error(504, str(error))
        self.courier.send(events)
        return status, headers, text

    # The payable page

    def _pay(self, environ: Environ, session_id: str) -> Response:
        session = self.stripe.sessions.get(session_id)
        if session is None:
            return _html(404, pages.message("There is no such session."))
        if environ["REQUEST_METHOD"] != "POST":
            intent = self.stripe.intents.get(session["payment_intent"])
            order = self.stripe.order(session_id)
            return _html(200, pages.payment(session, order, intent))
        choice = parse_qs(_body(environ)).get("do", [""])[0]
        return _see_other(self._choose(choice, session))

    def _choose(self, choice: str, session: Object) -> str:
        """Do what the payer chose and say where he goes next."""
        page = f"{self.url}/pay/{session['id']}"
        if choice not in CHOICES:
            return page
        act, delivered, leaves = CHOICES[choice]
        try:
            _, events = self._act(lambda: act(self.stripe, session["id"]))
        except NotPayable:
            # The page was old. It shows what became of the session since.
            return page
        self.courier.send(delivered(events))
        return pages.return_address(session) if leaves else page

    def _act[Result](self, action: Callable[[], Result]) -> tuple[Result, list[Object]]:
        """The result of an action and the events that it caused."""
        with self._lock:
            before = len(self.stripe.events)
            return action(), self.stripe.events[before:]


# What a button does, which of the events are delivered, whether the payer then leaves.
Choice = tuple[
    Callable[[FakeStripe, str], object],
    Callable[[list[Object]], list[Object]],
    bool,
]
CHOICES: Mapping[str, Choice] = {
    "pay": (lambda fake, s: fake.pay(s), lambda events: events, True),
    "twice": (lambda fake, s: fake.pay(s), lambda events: events * 2, True),
    "reversed": (lambda fake, s: fake.pay(s), lambda events: events[::-1], True),
    "silent": (lambda fake, s: fake.pay(s), lambda _: [], True),
    "decline": (lambda fake, s: fake.pay(s, "declined"), lambda events: events, False),
    "bank": (lambda fake, s: fake.pay(s, "bank"), lambda events: events, False),
    "succeed": (lambda fake, s: fake.settle_bank(s, True), lambda events: events, True),
    "fail": (lambda fake, s: fake.settle_bank(s, False), lambda events: events, False),
    "expire": (lambda fake, s: fake.expire(s), lambda events: events, False),
}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Requests are not news."""


def _body(environ: Environ) -> str:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length)
    return body.decode()


def _headers(environ: Environ) -> Headers:
    return {
        name.removeprefix("HTTP_").replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }


def _html(status: int, text: str) -> Response:
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": (
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
        ),
    }
    return status, headers, text


def _see_other(address: str) -> Response:
    return 303, {"Location": address}, ""


def _error(status: int, message: str) -> Response:
    error = {"type": "invalid_request_error", "message": message}
    return status, {"Content-Type": "application/json"}, json.dumps({"error": error})


# In currencies that Stripe counts as ISO 4217 does.
PAID = """
    SELECT payment_intent, charge, amount, LOWER(currency), (
        SELECT COALESCE(SUM(amount), 0) FROM billing_refund
        WHERE payment_id = billing_payment.id
        AND status IN ('pending', 'requires_action', 'succeeded')
    ) FROM billing_payment
"""


def remember(stripe: FakeStripe, books: Path) -> None:
    """What an earlier stand-in took, and what is made up in the demo: it can go back."""
    with closing(
        sqlite3.connect(f"{books.absolute().as_uri()}?mode=ro", uri=True)
    ) as file:
        for payment in file.execute(PAID):
            stripe.remember(*payment)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="tests.stand_in", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--webhook-url", required=True)
    parser.add_argument("--secret", required=True, help="signs the webhooks")
    parser.add_argument("--api-version", default=API_VERSION)
    parser.add_argument(
        "--books", type=Path, help="a database of SQLite whose payments are known"
    )
    parser.add_argument("--announce", type=Path, help="write the address here")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="stand-in: %(message)s")
    stand_in = StandIn(
        webhook_url=options.webhook_url,
        secret=options.secret,
        api_version=options.api_version,
        port=options.port,
    )
    if options.books:
        remember(stand_in.stripe, options.books)
    if options.announce:
        options.announce.write_text(stand_in.url)
    sys.stdout.write(f"Stand-in for Stripe: {stand_in.url}\n")
    sys.stdout.flush()
    try:
        stand_in.serve_forever()
    except KeyboardInterrupt:
        sys.stdout.write("Stand-in for Stripe: stopped\n")


if __name__ == "__main__":
    main()
