"""
Does what it is told with the database of `DATABASE_URL`: a line of JSON in, one out.

    {"do": "measure", "act": "list"}
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

# Nobody is logged in over TLS here.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

import time

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from accounts.api.throttles import UserThrottle
from accounts.models import Business
from benchmarks.scale import books, watching
from benchmarks.scale.firm import found_business
from benchmarks.scale.pages import ACTS, Reader
from config.management.commands.audit_books import CHECKS
from invoices.audit.documents import documents
from invoices.audit.orphans import orphans
from invoices.models import Invoice

_reader: list[Reader] = []
_drafts: list[Invoice] = []


def reader() -> Reader:
    if not _reader:
        _reader.append(Reader())
    return _reader[0]


def create(many: int, now: str) -> None:
    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)
    found_business(many, datetime.fromisoformat(now))


def parts(many: int, now: str) -> list[tuple[int, int]]:
    return list(books.parts(many, datetime.fromisoformat(now)))


def write(first: int, last: int, many: int, now: str) -> None:
    """Tells how far it is on standard error: there is one answer, at the end."""

    def progress(done: int) -> None:
        sys.stderr.write(f"wrote {done} of {last - first}\n")

    at = datetime.fromisoformat(now)
    books.write_part((first, last), many, at, progress)


def analyze() -> None:
    books.analyze()


def acts() -> dict[str, str]:
    return {name: act.words for name, act in ACTS.items()}


def measure(act: str) -> dict[str, Any]:
    chosen = ACTS[act]
    prepared = chosen.prepare(reader())
    cost = watching.cost_of(lambda: chosen.do(reader(), prepared))
    return asdict(cost) | {"resident_mb": watching.resident_mb()}


def explain(act: str) -> list[str]:
    """Statements of it that read a whole table, or index; see `watching.full_scans`."""
    measure(act)
    chosen = ACTS[act]
    prepared = chosen.prepare(reader())
    with watching.watched() as watch:
        chosen.do(reader(), prepared)
    return watching.full_scans(watch.statements)


def draft(times: int) -> None:
    """What `hold` finalizes."""
    _drafts.extend(reader().draft() for _ in range(times))


def hold() -> list[dict[str, float]]:
    """Finalize drafts: how long it took, and held the lock of the numbers."""
    taken = []
    for draft in _drafts:
        with watching.held("invoices_counter") as lock:
            started = time.perf_counter()
            reader().finalize(draft)
            whole = time.perf_counter() - started
        taken.append({"whole": 1000 * whole, "held": 1000 * lock.seconds})
    _drafts.clear()
    return taken


def look() -> dict[str, Any]:
    """Audit all books; what was found, and what it cost."""
    business = Business.objects.get()
    done: list[int] = []

    def progress(count: int) -> None:
        done.append(count)
        sys.stderr.write(f"audited {sum(done)}\n")

    found: list[str] = []

    def all_of_it() -> None:
        found.extend(str(row) for row in orphans())
        rows = documents(business, with_files=False, progress=progress)
        found.extend(str(row) for row in rows)
        for check in CHECKS:
            found.extend(str(row) for row in check(business))

    cost = watching.cost_of(all_of_it)
    return asdict(cost) | {
        "documents": sum(done),
        "findings": found[:20],
        "resident_mb": watching.resident_mb(),
    }


ORDERS: Final[Mapping[str, Callable[..., Any]]] = {
    order.__name__: order
    for order in (
        *(create, parts, write, analyze),
        *(acts, measure, explain, draft, hold, look),
    )
}


def main() -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    # Who asks this often is no stranger here.
    UserThrottle.admits = lambda self, caller: True  # type: ignore[method-assign] # as said
    for line in sys.stdin:
        order = json.loads(line)
        answer = ORDERS[order.pop("do")](**order)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    connection.close()


if __name__ == "__main__":
    main()
