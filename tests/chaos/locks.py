"""Deadlocks, and waits for a lock that are too long: another connection holds the rows."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import MySQLdb

from tests.chaos import shop
from tests.chaos.world import PATIENCE, World
from tests.database import HOST, NAME

INVOICE = "SELECT id FROM invoices_invoice WHERE id = %s FOR UPDATE"
CHECKOUT = "SELECT id FROM billing_checkout WHERE invoice_id = %s FOR UPDATE"
WAITING = (
    "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
)


def hold(world: World, rounds: int) -> Iterator[str]:
    world.stop_serving()
    world.serve(2)
    for _ in range(rounds):
        _too_long(world)
        _deadlock(world)
    yield f"{rounds} waits that were too long, {rounds} deadlocks"


def _too_long(world: World) -> None:
    """Somebody holds the invoice, longer than the server lets others wait."""
    (invoice,) = world.invoices(1)
    *_, event = shop.paid_at_stripe(world, invoice)
    with _connection(world) as other:
        _ask(other, INVOICE, invoice["pk"])
        assert world.post.post(event) == 500
        other.rollback()
    world.faults["wait for a lock too long"] += 1


def _deadlock(world: World) -> None:
    """Somebody holds the attempt, and wants the invoice of whoever waits for it."""
    (invoice,) = world.invoices(1)
    *_, event = shop.paid_at_stripe(world, invoice)
    answers: list[int] = []
    with _connection(world) as other:
        _ask(other, CHECKOUT, invoice["pk"])
        # The server lets go who has changed less.
        _ask(other, "CREATE TEMPORARY TABLE ballast (line INT) ENGINE=InnoDB")
        _ask(other, "INSERT INTO ballast SELECT seq FROM seq_1_to_2000")
        delivery = threading.Thread(
            target=lambda: answers.append(world.post.post(event))
        )
        delivery.start()
        _wait_until_somebody_waits(world)
        _ask(other, INVOICE, invoice["pk"])
        delivery.join()
        other.rollback()
    assert answers == [500], answers
    world.faults["deadlock"] += 1


@contextmanager
def _connection(world: World) -> Iterator[Any]:
    line = MySQLdb.connect(
        host=HOST,
        port=world.server.port,
        user=NAME,
        password=world.server.password,
        database=NAME,
    )
    with closing(line):
        yield line


def _ask(line: Any, sql: str, *params: object) -> Any:
    with line.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _wait_until_somebody_waits(world: World) -> None:
    deadline = time.monotonic() + PATIENCE
    with _connection(world) as line:
        while time.monotonic() < deadline:
            if _ask(line, WAITING)[0][0]:
                return
            # Asked again within a tenth of a second, the server says what it said.
            time.sleep(0.15)
    raise AssertionError("Nobody waits for a lock.")
