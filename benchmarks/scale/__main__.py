"""
Whether 200,000 invoices are as quick to work with as 200: `python -m benchmarks.scale`.

Makes both books on a private MariaDB, asks the same of them in turns, audits all of them,
and ends with 1 where something grew. `--write` puts the figures into docs/reference.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.database import connected
from benchmarks.figures import percentile
from benchmarks.scale import report
from benchmarks.scale.report import Audit, Compared, Found, Held
from benchmarks.scale.workers import Worker, WorkerError, all_at_once, workers
from tests.database import DatabaseError, mariadb, private_server

FEW: Final = 200
WRITERS: Final = 8
# As a small server of RDS has it: what is asked for often stays in memory.
OPTIONS: Final = ("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=256M")
STARTED: Final = time.monotonic()


def main() -> None:
    options = _options()
    try:
        found = run(options)
    except (DatabaseError, WorkerError) as error:
        sys.exit(f"No figures: {error}")
    print(f"\n{report.text(found)}")
    if options.write:
        report.DOCS.write_text(report.text(found))
        say(f"wrote {report.DOCS.name}")
    if wrong := report.complaints(found):
        sys.exit("\n".join(wrong))


def run(options: argparse.Namespace) -> Found:
    with _server() as server:
        few = Size(server.create("small"), FEW)
        many = Size(server.create("large"), options.invoices)
        for size in (few, many):
            make(size)
        with workers(few.url) as [small], workers(many.url) as [large]:
            acts: dict[str, str] = large.ask("acts")
            say(f"{len(acts)} pages and acts, and their plans")
            scans = {name: large.ask("explain", act=name) for name in acts}
            say("measured in turns")
            for _ in range(options.rounds + 1):
                for name in acts:
                    few.take(name, small)
                    many.take(name, large)
            say("the lock of the numbers")
            alone = _hold([large], options.holds)
            audits = [_audit(small), _audit(large)]
        with workers(many.url, WRITERS) as writers:
            together = _hold(writers, options.holds // 2)
    return Found(
        invoices=many.invoices,
        acts=[
            Compared(words, few.middle(name), many.middle(name), scans[name])
            for name, words in acts.items()
        ],
        audits=audits,
        memory=[few.memory, many.memory],
        alone=alone,
        together=together,
        writers=WRITERS,
    )


@dataclass
class Size:
    """Books of so many invoices, and what was measured of them."""

    url: str
    invoices: int
    taken: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    def take(self, act: str, worker: Worker) -> None:
        self.taken.setdefault(act, []).append(worker.ask("measure", act=act))

    def middle(self, act: str) -> dict[str, float]:
        # The first warms what is kept.
        taken = self.taken[act][1:]
        return {
            name: statistics.median(each[name] for each in taken) for name in taken[0]
        }

    @property
    def memory(self) -> float:
        return max(
            each["resident_mb"] for taken in self.taken.values() for each in taken
        )


def make(size: Size) -> None:
    say(f"books of {size.invoices} invoices")
    now = datetime.now(UTC).isoformat()
    with workers(size.url, 2) as writers:
        writers[0].ask("create", many=size.invoices, now=now)
        parts = writers[0].ask("parts", many=size.invoices, now=now)
        for writer, (first, last) in zip(writers, parts, strict=True):
            writer.tell("write", first=first, last=last, many=size.invoices, now=now)
        for writer in writers:
            writer.answer()
        writers[0].ask("analyze")


def _audit(worker: Worker) -> Audit:
    seen: dict[str, Any] = worker.ask("look")
    say(f"audited {seen['documents']} documents: {len(seen['findings'])} findings")
    each = seen["documents"]
    return Audit(
        documents=each,
        findings=seen["findings"],
        milliseconds=seen["milliseconds"] / each,
        statements=seen["statements"] / each,
        rows=seen["rows"] / each,
        memory=seen["resident_mb"],
    )


def _hold(these: Sequence[Worker], times: int) -> Held:
    all_at_once(these, "draft", times=times)
    taken = [each for answer in all_at_once(these, "hold") for each in answer]
    share = [each["held"] / each["whole"] for each in taken]
    return Held(
        whole=[percentile([each["whole"] for each in taken], p) for p in (0.5, 0.95)],
        held=[percentile([each["held"] for each in taken], p) for p in (0.5, 0.95)],
        share=statistics.median(share),
    )


@dataclass(frozen=True)
class Server:
    url: str
    connection: Any

    def create(self, name: str) -> str:
        with self.connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        return f"{self.url.rpartition('/')[0]}/{name}"


@contextmanager
def _server() -> Iterator[Server]:
    with private_server(mariadb(), *OPTIONS) as server:
        connection = connected(server.url)
        with connection.cursor() as cursor:
            # As a server has it that nobody made for tests: plans rest on statistics.
            cursor.execute("SET GLOBAL innodb_stats_persistent = ON")
        yield Server(server.url, connection)
        connection.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make scale",
        description="Whether many invoices are as quick to work with as few.",
    )
    parser.add_argument("--invoices", type=int, default=200_000)
    parser.add_argument(
        "--rounds", type=int, default=9, help="of each page, and one more"
    )
    parser.add_argument("--holds", type=int, default=40, help="invoices finalized")
    parser.add_argument("--quick", action="store_true", help="5,000, for a look")
    parser.add_argument(
        "--write", action="store_true", help="put the figures into docs/reference"
    )
    options = parser.parse_args()
    if options.quick:
        options.invoices, options.rounds, options.holds = 5_000, 3, 10
    return options


def say(what: str) -> None:
    print(f"{time.monotonic() - STARTED:5.0f} s · {what}", flush=True)


if __name__ == "__main__":
    main()
