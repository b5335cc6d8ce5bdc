"""
The last word of a test run: how many tests, how much covered, and is it enough.

    python -m tests.coverage_floor build/coverage.json build/mariadb.xml build/sqlite.xml

Lines and branches both count. Each module that moves money or a status is covered whole;
everything else together at least to 95 %.
"""

import json
import sys
from pathlib import Path, PurePath
from typing import Any
from xml.etree import ElementTree as ET

WHOLE = {"arithmetic", "services", "states", "money", "webhooks"}
REST = 95.0


def must_be_whole(file: str) -> bool:
    path = PurePath(file)
    return bool(WHOLE & {*path.parent.parts, path.stem})


def share(summaries: list[dict[str, Any]]) -> float:
    """Percent of lines and branches covered, in several files together."""
    there = sum(s["num_statements"] + s["num_branches"] for s in summaries)
    done = sum(s["covered_lines"] + s["covered_branches"] for s in summaries)
    return 100.0 * done / there if there else 100.0


def complaints(report: dict[str, Any]) -> list[str]:
    """What is below its floor, worst first; empty when all is well."""
    summaries = {name: file["summary"] for name, file in report["files"].items()}
    rest = [s for name, s in summaries.items() if not must_be_whole(name)]
    rest_is_low = share(rest) < REST
    rows = []
    for name, summary in summaries.items():
        percent = share([summary])
        if must_be_whole(name):
            floor, counts = 100.0, True
        else:
            floor, counts = REST, rest_is_low
        if counts and percent < floor:
            rows.append((percent, name, floor))
    return [
        f"{name:<50} {percent:6.2f} %  of {floor:.0f} %"
        for percent, name, floor in sorted(rows)
    ]


def tests_in(results: str) -> str:
    suites = ET.parse(results).getroot().iter("testsuite")  # noqa: S314 - our own file
    count = sum(int(suite.attrib["tests"]) for suite in suites)
    return f"{count} tests on {PurePath(results).stem}"


def main(arguments: list[str]) -> int:
    coverage, *results = arguments
    report = json.loads(Path(coverage).read_text())
    whole = share([f["summary"] for f in report["files"].values()])
    counts = ", ".join(tests_in(file) for file in results)
    sys.stdout.write(f"{counts}; {whole:.2f} % of lines and branches covered\n")
    low = complaints(report)
    if low:
        sys.stdout.write("Below the floor:\n  " + "\n  ".join(low) + "\n")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
