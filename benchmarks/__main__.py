"""
Compare ourselves with peers: `python -m benchmarks [--quick] [--write]`.

Builds every target, loads the same rows for each, proves that all answer alike, measures
them in turns, and prints tables; `build/bench` keeps every sample.
"""

import argparse
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CalledProcessError

from benchmarks import alike, database, drawing, measuring, report
from benchmarks.measuring import Contestant, Plan
from benchmarks.process import HandlerError
from benchmarks.targets import BUILD, MAKERS, ROOT, Missing
from tests.database import DatabaseError

DOCS = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "images" / "benchmark.svg"
QUICK = Plan(rounds=1, cold=3, warm=200, tries=1)
REFUSALS = (
    alike.Unlike,
    CalledProcessError,
    DatabaseError,
    HandlerError,
    Missing,
    report.Unmarked,
)
STARTED = time.monotonic()


def main() -> None:
    options = _options()
    try:
        run(options)
    except REFUSALS as error:
        sys.exit(f"No figures: {error}")


def run(options: argparse.Namespace) -> None:
    BUILD.mkdir(parents=True, exist_ok=True)
    if options.write:
        # Now, rather than when everything has been measured.
        report.around(DOCS, "tables")
        report.around(README, "summary")
    targets = []
    for name in options.targets:
        say(f"package of {name}")
        targets.append(MAKERS[name](options.zip))
    with database.server() as server:
        say("the same rows for each")
        keys = database.keys_for(server, targets)
        contestants = [Contestant(target, server, keys) for target in targets]
        say(f"{alike.check(contestants)} answers are alike")
        findings = measuring.measure(contestants, options.plan, say)
    found = report.results(contestants, findings)
    print(f"\n{report.tables(found)}\n")
    _keep(found, findings, options)


def _keep(
    found: list[report.Result],
    findings: measuring.Findings,
    options: argparse.Namespace,
) -> None:
    record = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "plan": vars(options.plan),
        "results": found,
        "samples": vars(findings),
    }
    output = BUILD / "bench.json"
    output.write_text(json.dumps(record, indent=1))
    (BUILD / "bench.svg").write_text(drawing.svg(found))
    say(f"samples in {output.relative_to(ROOT)}")
    if options.write:
        PICTURE.write_text(drawing.svg(found))
        report.write_between(DOCS, "tables", report.tables(found))
        report.write_between(README, "summary", report.summary(found))
        say(f"wrote {DOCS.name}, {README.name} and {PICTURE.name}")


def _machine() -> dict[str, object]:
    return {
        "processors": os.cpu_count(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description="Compare ourselves with peers."
    )
    parser.add_argument(
        "--targets",
        type=lambda names: names.split(","),
        default=list(MAKERS),
        help=f"of {', '.join(MAKERS)}; the first is what the others must answer alike",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cold", type=int, default=15, help="starts in each round")
    parser.add_argument("--warm", type=int, default=2_000, help="calls in each round")
    parser.add_argument("--tries", type=int, default=measuring.TRIES)
    parser.add_argument(
        "--quick", action="store_true", help="a few of each, for a look"
    )
    parser.add_argument("--zip", type=Path, help="our package, if it is there already")
    parser.add_argument(
        "--write", action="store_true", help="put the figures into README and docs"
    )
    options = parser.parse_args()
    if unknown := set(options.targets) - set(MAKERS):
        parser.error(f"no target {', '.join(sorted(unknown))}; see --help")
    options.plan = QUICK if options.quick else _plan(options)
    return options


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(options.rounds, options.cold, options.warm, options.tries)


def say(what: str) -> None:
    print(f"{time.monotonic() - STARTED:5.0f} s · {what}", flush=True)


if __name__ == "__main__":
    main()
