"""
What runs in the processes of the site: the product as it is, started by a fork.

A fork server has loaded Django once and opened nothing; each process is its child.
"""

import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
import time_machine
from django.conf import settings

from tests.chaos.steps import Steps

# Seconds: Stripe may be late by more than this without a run taking all day.
PATIENCE = 1.5


def load() -> None:
    """In the fork server, once."""
    django.setup()
    if not os.environ.get("CHAOS_LOG"):
        # What fails here is meant to.
        logging.disable()
    # As on a stage: a task is tried when its transaction has committed.
    settings.TASKS = {"default": {"BACKEND": "config.tasks.TriedAtOnce"}}
    settings.MAILERS = {
        "default": {
            "BACKEND": "tests.chaos.mail.EmailBackend",
            "OPTIONS": {"path": os.environ["CHAOS_MAIL"]},
        }
    }
    _warm_up()


def _warm_up() -> None:
    """
    Do once, before the first fork, what loads and compiles something when it is first
    done. Its connections are closed again.
    """
    # There is no Django to import before the fork server has set it up.
    import stripe  # noqa: PLC0415 - as said above
    from django.db import connections  # noqa: PLC0415 - as said above
    from django.test import Client  # noqa: PLC0415 - as said above

    from billing.models import Checkout  # noqa: PLC0415 - as said above
    from config.wsgi import application  # noqa: F401, PLC0415 - as said above
    from tests.chaos import jobs  # noqa: PLC0415 - as said above

    rate, key = jobs.found_shop()
    (invoice,) = jobs.write_invoices(rate, 1)
    customer = Client(headers={"host": "localhost"})
    page = f"/i/{invoice['token']}/"
    assert customer.post(f"{page}pay/").status_code == 303
    session = Checkout.objects.get().session_id
    assert customer.get(f"{page}return/", {"session": session}).status_code == 200
    assert customer.post("/stripe/webhook/").status_code == 400
    developer = {"authorization": f"Token {key}"}
    for path in ("payments", "refunds"):
        assert customer.get(f"/api/v1/{path}/", headers=developer).status_code == 200
    # The library loads a kind of object when it first meets one.
    for kind in (stripe.PaymentIntent, stripe.Charge, stripe.Refund, stripe.Event):
        assert kind.OBJECT_NAME
    connections.close_all()


@contextmanager
def _living(ahead: timedelta, last: int | None) -> Iterator[Steps]:
    """A process whose clock is ahead, and which may have to die."""
    import stripe  # noqa: PLC0415 - in the processes of the site only

    request = stripe.RequestsClient.request

    def impatient(self: Any, *args: Any) -> Any:
        self._timeout = (PATIENCE, PATIENCE)
        return request(self, *args)

    # Every client of this process, and only of this one: it ends with its job.
    stripe.RequestsClient.request = impatient  # type: ignore[method-assign] # as said
    stripe.RequestsClient._sleep_time_seconds = (  # type: ignore[method-assign] # as said
        lambda self, *_: 0.05
    )
    steps = Steps(last)
    steps.watch()
    with time_machine.travel(datetime.now(UTC) + ahead, tick=True):
        yield steps


def work(
    job: str,
    args: tuple[Any, ...],
    ahead: timedelta,
    last: int | None,
    answer: Connection,
) -> None:
    """Do one job of `tests.chaos.jobs`, and send what came of it."""
    from tests.chaos import jobs  # noqa: PLC0415 - loaded before

    with _living(ahead, last) as steps:
        try:
            result = getattr(jobs, job)(*args)
        except Exception as error:
            answer.send((None, f"{type(error).__name__}: {error}", steps.taken))
            return
        steps.take("the end")
        answer.send((result, "", steps.taken))


def serve(listener: socket.socket, ahead: timedelta, last: int | None) -> None:
    """Answer whoever comes, one after the other, as an environment of Lambda does."""
    from config.wsgi import application  # noqa: PLC0415 - loaded before

    with _living(ahead, last) as steps:

        def counted(environ: Mapping[str, Any], start_response: Any) -> Any:
            body = application(environ, start_response)
            steps.take("the answer")
            return body

        server = WSGIServer(("", 0), _Silent, bind_and_activate=False)
        server.socket.close()
        listener.setblocking(False)
        server.socket = listener
        server.server_name, server.server_port = "localhost", listener.getsockname()[1]
        server.setup_environ()
        server.set_app(counted)
        server.serve_forever()


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Requests are not news."""
