"""Cold starts and warm calls, of all targets in turns, and how quiet it was meanwhile."""

import itertools
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from benchmarks import events, figures, rows
from benchmarks.database import Server
from benchmarks.events import Event
from benchmarks.figures import Sample
from benchmarks.process import Process, busy_seconds, cpu_seconds
from benchmarks.targets import Target

# Calls in a row before it is another target's turn.
BLOCK = 100
WARM_UP = 20
# A write from elsewhere comes before every tenth call.
WRITE_EVERY = 10
# More than this many processors used by others, and a sample is disturbed.
FOREIGN = 0.3
TRIES = 3


@dataclass(frozen=True)
class Plan:
    rounds: int
    # In each round, of each target; calls of each operation.
    cold: int
    warm: int
    tries: int = TRIES


@dataclass(frozen=True)
class Contestant:
    """A target with its database, and the keys to its API."""

    target: Target
    server: Server
    keys: list[str]

    @property
    def name(self) -> str:
        return self.target.name

    def start(self, first: Event) -> Process:
        return self.target.start(self.server.url_of(self.name), first)

    def forget_drafts(self) -> None:
        self.server.forget_drafts(self.name)


@dataclass
class Findings:
    """Samples of each target, by its name."""

    cold: dict[str, list[Sample]] = field(default_factory=dict)
    # By operation.
    warm: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    # Memory and connections when a round was over.
    after: dict[str, list[Sample]] = field(default_factory=dict)


type Maker = Callable[[int, list[str]], Event]

OPERATIONS: Mapping[str, Maker] = {
    "list": lambda number, _keys: events.list_posts(number),
    "detail": lambda number, _keys: events.read_post(number),
    "create": events.write_post,
    "detail_again": lambda number, _keys: events.read_slug(number, "post-1000"),
}
WRITTEN = "list_written"


@dataclass(frozen=True)
class Elsewhere:
    """Whoever writes beside the process that we measure."""

    write: Callable[[int], object]
    process: Process | None


@contextmanager
def another_environment(contestant: Contestant) -> Iterator[Elsewhere]:
    """
    Changes the newest post: ours by the API in a second process, as only our services
    write; the peers', who keep nothing of what they read, in their table.
    """
    server, name = contestant.server, contestant.name
    if name != "ours":
        yield Elsewhere(lambda n: server.rename_newest(name, events.new_title(n)), None)
    else:
        with contestant.start(events.list_posts(0)) as process:
            yield Elsewhere(
                lambda n: process.call_well(events.rename_newest(n, contestant.keys)),
                process,
            )
    server.rename_newest(name, rows.newest_title())


class Meter:
    """Processor time: of the database, and of whoever else is on this machine."""

    def __init__(self, server: Server, *processes: Process | None) -> None:
        self._server = server
        self._processes = [process for process in processes if process]
        self._began = time.perf_counter()
        self._busy = busy_seconds()
        self._database = cpu_seconds(server.pid)
        self._ours = self._used()

    def database_ms(self) -> float:
        return (cpu_seconds(self._server.pid) - self._database) * 1000

    def foreign(self, *, ended: float = 0) -> float:
        """
        Processors that others used.

        :param ended: seconds that a process used which started and ended meanwhile
        """
        took = time.perf_counter() - self._began
        ours = self._used() - self._ours + ended
        return max(0.0, (busy_seconds() - self._busy - ours) / took)

    def _used(self) -> float:
        own = os.times()
        used = own.user + own.system + cpu_seconds(self._server.pid)
        return used + sum(process.cpu_seconds() for process in self._processes)


def measure(
    contestants: list[Contestant], plan: Plan, say: Callable[[str], None]
) -> Findings:
    """:raises benchmarks.process.HandlerError: if a call fails"""
    findings = Findings()
    for round_ in range(1, plan.rounds + 1):
        say(f"round {round_} of {plan.rounds}: {plan.cold} cold starts each")
        measure_cold(contestants, plan, findings, random.Random(round_))  # noqa: S311 - the same order in every run
        say(f"round {round_} of {plan.rounds}: {plan.warm} calls of each operation")
        measure_warm(contestants, plan, findings)
    return findings


def measure_cold(
    contestants: list[Contestant], plan: Plan, findings: Findings, chance: random.Random
) -> None:
    # One more than asked for: the first fills the page cache.
    for sample in range(plan.cold + 1):
        for contestant in chance.sample(contestants, len(contestants)):
            best = figures.best_of(
                partial(cold, contestant),
                limit=FOREIGN,
                tries=plan.tries,
            )
            if sample:
                findings.cold.setdefault(contestant.name, []).append(best)


def cold(contestant: Contestant) -> Sample:
    """From the start of a process, with an event waiting for it, to its answer."""
    meter = Meter(contestant.server)
    with contestant.start(events.list_posts(1)) as process:
        return {
            "wall_ms": process.first_answer_ms,
            "boot_ms": process.ready["start"] - process.spawned,
            "load_ms": process.ready["load_ms"],
            "first_ms": process.first["ms"],
            "cpu_ms": process.first["cpu_ms"],
            "rss_mb": process.resident_mb(),
            "foreign": meter.foreign(ended=process.cpu_seconds()),
        }


@dataclass
class Running:
    """A process that has answered, and what comes before some of its calls."""

    contestant: Contestant
    process: Process
    elsewhere: Elsewhere
    # Opened by the process so far.
    connections: int
    # Of its calls: each has its own, and all targets walk over the rows alike.
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))


def measure_warm(contestants: list[Contestant], plan: Plan, findings: Findings) -> None:
    with ExitStack() as stack:
        running = [_started(contestant, stack) for contestant in contestants]
        for operation in (*OPERATIONS, WRITTEN):
            _in_turns(running, operation, plan, findings)
        for one in running:
            findings.after.setdefault(one.contestant.name, []).append(_look_back(one))
            one.contestant.forget_drafts()


def _in_turns(
    running: list[Running], operation: str, plan: Plan, findings: Findings
) -> None:
    for one in running:
        _call(one, operation, WARM_UP)
    for _ in range(max(1, plan.warm // BLOCK)):
        for one in running:
            sample = figures.best_of(
                partial(block, one, operation),
                limit=FOREIGN,
                tries=plan.tries,
            )
            kept = findings.warm.setdefault(one.contestant.name, {})
            kept.setdefault(operation, []).append(sample)


def _started(contestant: Contestant, stack: ExitStack) -> Running:
    elsewhere = stack.enter_context(another_environment(contestant))
    before = contestant.server.counters()
    process = stack.enter_context(contestant.start(events.list_posts(0)))
    opened = contestant.server.since(before)["connections"]
    return Running(contestant, process, elsewhere, opened)


def block(one: Running, operation: str) -> Sample:
    """Calls in a row of one process."""
    cpu = one.process.cpu_ms
    meter = Meter(one.contestant.server, one.process, one.elsewhere.process)
    used = dict.fromkeys(("statements", "pings", "connections"), 0)
    times: list[float] = []
    for _ in range(BLOCK // WRITE_EVERY):
        if operation == WRITTEN:
            one.elsewhere.write(next(one.numbers))
        before = one.contestant.server.counters()
        times += _call(one, operation, WRITE_EVERY)
        since = one.contestant.server.since(before)
        used = {name: used[name] + since[name] for name in used}
    one.connections += used["connections"]
    return {
        "times": times,
        "cpu_ms": one.process.cpu_ms - cpu,
        "database_cpu_ms": meter.database_ms(),
        "foreign": meter.foreign(),
        **used,
    }


def _call(one: Running, operation: str, times: int) -> list[float]:
    maker = OPERATIONS["list" if operation == WRITTEN else operation]
    asked = [
        maker(number, one.contestant.keys)
        for number in itertools.islice(one.numbers, times)
    ]
    return [one.process.call_well(event)["ms"] for event in asked]


def _look_back(one: Running) -> Sample:
    server, name = one.contestant.server, one.contestant.name
    held = server.connections_to(name) - (1 if one.elsewhere.process else 0)
    return {
        "connections_opened": one.connections,
        "connections_held": held,
        "peak_mb": one.process.peak_mb(),
    }
