"""Processes of `benchmarks.scale.worker`, each with a database."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.targets import ROOT

# As a stage has them, and not a laptop: no page is slower for being looked into.
SETTINGS: Final[Mapping[str, str]] = {
    "DEBUG": "false",
    "DATABASE_READ_TIMEOUT": "600",
    "PYTHONHASHSEED": "0",
}


class WorkerError(Exception):
    """A sentence for the person who waits for figures."""


@dataclass(frozen=True)
class Worker:
    process: subprocess.Popen[str]

    def tell(self, do: str, **order: object) -> None:
        assert self.process.stdin  # noqa: S101 - for mypy: it is a pipe
        self.process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """:raises WorkerError: if it ended instead"""
        assert self.process.stdout  # noqa: S101 - as above
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError("A worker ended: what it said is above.")
        return json.loads(line)

    def ask(self, do: str, **order: object) -> Any:
        self.tell(do, **order)
        return self.answer()


@contextmanager
def workers(url: str, many: int = 1) -> Iterator[Sequence[Worker]]:
    environment = os.environ | SETTINGS | {"DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.scale.worker"],
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(many)
        ]
        try:
            yield [Worker(process) for process in processes]
        finally:
            for process in processes:
                process.kill()


def all_at_once(these: Sequence[Worker], do: str, **order: object) -> list[Any]:
    for worker in these:
        worker.tell(do, **order)
    return [worker.answer() for worker in these]
