"""Tables of what was found, with ratios to the Node peer."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import figures
from benchmarks.measuring import FOREIGN, WRITTEN, Contestant, Findings

REFERENCE = "node"
OPERATIONS = ("list", "detail", "create")
BEGIN, END = "<!-- bench:{}:begin -->", "<!-- bench:{}:end -->"

type Result = dict[str, Any]


def results(contestants: Sequence[Contestant], findings: Findings) -> list[Result]:
    """Of each target all its figures, in the order in which they are shown."""
    return [
        {
            "name": contestant.name,
            "title": contestant.target.title,
            "zipped_mb": contestant.target.zipped,
            "unpacked_mb": contestant.target.unpacked,
            "cold": figures.of_cold_starts(findings.cold[contestant.name], FOREIGN),
            **{
                operation: figures.of_calls(blocks, FOREIGN)
                for operation, blocks in findings.warm[contestant.name].items()
            },
            **{
                name: median(sample[name] for sample in findings.after[contestant.name])
                for name in ("connections_opened", "connections_held", "peak_mb")
            },
        }
        for contestant in contestants
    ]


def tables(found: Sequence[Result]) -> str:
    """All of it, in Markdown."""
    parts = [
        ("Cold start: from a new process to its first list", _cold(found)),
        *((f"Warm: {TITLES[name]}", _warm(found, name)) for name in TITLES),
        ("After all calls of a round", _after(found)),
    ]
    return "\n\n".join(f"**{title}**\n\n{table}" for title, table in parts) + _note(
        found
    )


TITLES = {
    "list": "a list of ten posts",
    "detail": "one post, another each time",
    "create": "a draft written with a key",
    WRITTEN: "a list of ten posts, each tenth after a write from elsewhere",
    "detail_again": "one post, the same each time",
}


def summary(found: Sequence[Result]) -> str:
    """What the README shows."""
    columns: dict[str, Callable[[Result], float]] = {
        "cold start": lambda result: float(result["cold"]["wall_ms"]),
        **{name: _p50(name) for name in OPERATIONS},
        "list while it changes": lambda result: float(result[WRITTEN]["mean_ms"]),
    }
    head = ["", *(f"{name}, ms" for name in columns), "peak memory, MB", "zip, MB"]
    rows = [
        [
            result["title"],
            *(with_ratio(found, result, value) for value in columns.values()),
            figures.shown(result["peak_mb"]),
            figures.shown(result["zipped_mb"]),
        ]
        for result in found
    ]
    changing = " A list while it changes is a mean: each tenth call follows a write."
    return table(head, rows) + _note(found) + changing


def _p50(operation: str) -> Callable[[Result], float]:
    return lambda result: float(result[operation]["p50_ms"])


def _cold(found: Sequence[Result]) -> str:
    head = ["", "ms", "CPU ms", "loading ms", "first call ms", "memory, MB", "starts"]
    rows = [
        [
            result["title"],
            with_ratio(found, result, lambda r: r["cold"]["wall_ms"]),
            with_ratio(found, result, lambda r: r["cold"]["cpu_ms"]),
            figures.shown(result["cold"]["load_ms"]),
            figures.shown(result["cold"]["first_ms"]),
            figures.shown(result["cold"]["rss_mb"]),
            mark(result["cold"]),
        ]
        for result in found
    ]
    return table(head, rows)


def _warm(found: Sequence[Result], operation: str) -> str:
    head = ["", "p50 ms", "p95 ms", "p99 ms", "mean ms", "CPU ms", "database CPU ms"]
    head += ["statements", "pings", "calls"]
    rows = [
        [
            result["title"],
            with_ratio(found, result, _p50(operation)),
            figures.shown(result[operation]["p95_ms"]),
            figures.shown(result[operation]["p99_ms"]),
            with_ratio(found, result, lambda r: r[operation]["mean_ms"]),
            with_ratio(found, result, lambda r: r[operation]["cpu_ms"]),
            figures.shown(result[operation]["database_cpu_ms"]),
            figures.shown(result[operation]["statements"]),
            figures.shown(result[operation]["pings"]),
            mark(result[operation], "calls"),
        ]
        for result in found
    ]
    return table(head, rows)


def _after(found: Sequence[Result]) -> str:
    head = [
        "",
        "connections opened",
        "held",
        "peak memory, MB",
        "zip, MB",
        "unpacked, MB",
    ]
    rows = [
        [
            result["title"],
            f"{result['connections_opened']:.0f}",
            f"{result['connections_held']:.0f}",
            with_ratio(found, result, lambda r: r["peak_mb"]),
            figures.shown(result["zipped_mb"]),
            figures.shown(result["unpacked_mb"]),
        ]
        for result in found
    ]
    return table(head, rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown that is a table on a terminal too."""
    lines = [head, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        f"| {' | '.join(_padded(line, widths))} |" for line in [head, rule, *rows]
    )


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = line
    aligned = [
        cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)
    ]
    return [first.ljust(widths[0]), *aligned]


def with_ratio(
    found: Sequence[Result], result: Result, value: Callable[[Result], float]
) -> str:
    """The figure, and in brackets how it compares to the Node peer's of the same run."""
    reference = reference_of(found)
    if reference is None:
        return figures.shown(value(result))
    return f"{figures.shown(value(result))} ({value(result) / value(reference):.2f})"


def reference_of(found: Sequence[Result]) -> Result | None:
    return next((result for result in found if result["name"] == REFERENCE), None)


def mark(figures_: Mapping[str, float], name: str = "samples") -> str:
    """How many there were, with a star if others were busy meanwhile."""
    return f"{figures_[name]:.0f}{'*' if figures_['disturbed'] else ''}"


def _note(found: Sequence[Result]) -> str:
    phases = ("cold", *OPERATIONS)
    note = "\n\nMedians; in brackets, ratios to Express in the same run."
    if any(result[phase]["disturbed"] for result in found for phase in phases):
        note += f" \\* Others used more than {FOREIGN} processors meanwhile."
    return note


class Unmarked(Exception):
    """A page that nobody has prepared for figures."""


def write_between(path: Path, name: str, content: str) -> None:
    """
    Replace what stands between the markers of that name.

    :raises Unmarked: if the file does not have them
    """
    before, after = around(path, name)
    path.write_text(f"{before}\n{content}\n{after}")


def around(path: Path, name: str) -> tuple[str, str]:
    """
    What stands before and after, the markers included.

    :raises Unmarked: if the file does not have them
    """
    begin, end = BEGIN.format(name), END.format(name)
    before, found, rest = path.read_text().partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise Unmarked(f"{path.name} needs a line {begin} and, below it, one {end}.")
    return before + begin, end + after
