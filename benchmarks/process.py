"""A handler in a process of its own, as Lambda's execution environments are."""

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Self, cast

from benchmarks.events import Event

LOADERS = Path(__file__).resolve().parent / "loaders"
SECONDS = 60
CHUNK = 1 << 20
TICK = os.sysconf("SC_CLK_TCK")

type Answer = dict[str, Any]


class HandlerError(Exception):
    """A handler that ended, or did not answer as it should; a sentence for a person."""


class Process:
    """
    Loads a handler and takes one event at a time.

    :param command: interpreter, loader and handler
    :param first: waits for the handler while it loads, as on a cold start
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        first: Event,
    ) -> None:
        self.name = name
        self._log = log
        self._pending = b""
        # Processor time of the process when it gave its latest answer.
        self.cpu_ms = 0.0
        with log.open("ab") as output:
            self.spawned = time.time() * 1000
            self._began = time.perf_counter()
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
            )
        self._stdin = cast("IO[bytes]", self._process.stdin)
        self._stdout = cast("IO[bytes]", self._process.stdout)
        try:
            self._send({"event": first, "brief": True})
            self.ready = self._receive()
            self.first = _checked(self, self._receive())
        except HandlerError:
            self.stop()
            raise
        self.cpu_ms = self.first["cpu_ms"]
        self.first_answer_ms = (time.perf_counter() - self._began) * 1000

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def call(self, event: Event, *, brief: bool = True) -> Answer:
        """
        What the loader says of one call; unless `brief`, with the answer itself.

        :raises HandlerError: if the process ended or is silent for a minute
        """
        self._send({"event": event, "brief": brief})
        answer = self._receive()
        self.cpu_ms = answer["cpu_ms"]
        return answer

    def call_well(self, event: Event) -> Answer:
        """:raises HandlerError: as `call`; or if the answer is a refusal or an error"""
        return _checked(self, self.call(event))

    def peak_mb(self) -> float:
        return self._memory("VmHWM")

    def resident_mb(self) -> float:
        return self._memory("VmRSS")

    def cpu_seconds(self) -> float:
        return cpu_seconds(self._process.pid)

    def stop(self) -> None:
        # Closed input ends the loader; whoever does not mind that is ended.
        self._stdin.close()
        self._stdout.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _memory(self, field: str) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        lines = dict(line.split(":", 1) for line in status.splitlines())
        return int(lines[field].split()[0]) / 1024

    def _send(self, request: dict[str, Any]) -> None:
        try:
            self._stdin.write(json.dumps(request).encode() + b"\n")
            self._stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def _receive(self) -> Answer:
        descriptor = self._stdout.fileno()
        while b"\n" not in self._pending:
            if not select.select([descriptor], [], [], SECONDS)[0]:
                self._process.kill()
                raise HandlerError(f"{self.name} is silent for {SECONDS} seconds.")
            chunk = os.read(descriptor, CHUNK)
            if not chunk:
                raise self._ended()
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        answer: Answer = json.loads(line)
        return answer

    def _ended(self) -> HandlerError:
        self._process.wait()
        said = self._log.read_text(errors="replace")[-2000:]
        return HandlerError(f"{self.name} ended; its last words are\n{said}")


def _checked(process: Process, answer: Answer) -> Answer:
    if not 200 <= answer["status"] < 300:
        raise HandlerError(f"{process.name} answered {answer['status']}.")
    return answer


def cpu_seconds(pid: int) -> float:
    """Processor time of one process so far, to a hundredth of a second."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def busy_seconds() -> float:
    """Processor time of the whole machine since it started."""
    first = Path("/proc/stat").read_text().splitlines()[0]
    user, nice, system, _idle, _waiting, *others = map(int, first.split()[1:9])
    return (user + nice + system + sum(others)) / TICK
