"""
Whether a list costs more the more there is: `python -m benchmarks.growth [--zip FILE]`.

Counts statements, and rows that the database touches, of our packaged handler: of the
first page and one far behind it, with few posts and with many. Ends with 1 if it grows.
"""

import argparse
import base64
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import database, events, report, rows, targets
from benchmarks.measuring import Contestant
from benchmarks.process import Process

# Posts to begin with, and with which 10,000 pages of two are full.
FEW, MANY = rows.POSTS, 10 * rows.POSTS
FAR = 40
# Rows touched vary with how full the leaves of an index are, and not by more than this.
TOLERANCE = 1.5
READ = "SHOW GLOBAL STATUS LIKE 'Handler_read_%%'"
COPY = """
    INSERT INTO ours.blog_post (public_id, author_id, status, title, slug, excerpt, body,
        body_html, summary, cover, cover_alt, comments_open, published_at, revised_at,
        created_at, updated_at)
    SELECT UUID(), author_id, status, title, CONCAT(slug, %s), excerpt, body, body_html,
        summary, cover, cover_alt, comments_open, published_at, revised_at, created_at,
        updated_at
    FROM ours.blog_post WHERE id <= %s
"""


@dataclass(frozen=True)
class Cost:
    """Of one page, in what does not depend on who else is busy."""

    statements: int
    rows: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("--zip", type=Path, help="our package, if it is there already")
    targets.BUILD.mkdir(parents=True, exist_ok=True)
    ours = targets.ours(parser.parse_args().zip)
    with database.server() as server:
        contestant = Contestant(ours, server, database.keys_for(server, [ours]))
        found = costs(contestant)
    lines = [
        [name, str(cost.statements), str(cost.rows)] for name, cost in found.items()
    ]
    print(report.table(["", "statements", "rows touched"], lines))
    if grown := complaints(found):
        sys.exit("\n".join(grown))


def costs(contestant: Contestant) -> dict[str, Cost]:
    """Of pages of few posts, and then, by a process that has seen none, of many."""
    with contestant.start(events.list_posts(0)) as process:
        found = {
            "a page of 1": page(contestant, process, size=1),
            "a page of 100": page(contestant, process, size=100),
            "page 1": page(contestant, process, size=2),
        }
    multiply(contestant)
    with contestant.start(events.list_posts(0)) as process:
        found["page 1, of ten times the posts"] = page(contestant, process, size=2)
        found["page 10,000"] = page(contestant, process, size=2, before=FAR)
    return found


def multiply(contestant: Contestant) -> None:
    for copy in range(1, MANY // FEW):
        contestant.server.ask(COPY, f"-{copy}", FEW)
    contestant.server.analyze("ours", ["blog_post"])


def page(
    contestant: Contestant, process: Process, *, size: int, before: int = 0
) -> Cost:
    """:param before: the id at which a far page begins; without one it is the first"""
    query = {"page_size": str(size)}
    if before:
        # What our own pages name as `next`: the place of a row, not a number of pages.
        query["cursor"] = base64.b64encode(f"p={before}".encode()).decode()
    event = events.rest_event("GET", "/api/v1/posts/", 1, query=query)
    own = _touched(contestant)
    touched = _touched(contestant)
    own = touched - own
    counters = contestant.server.counters()
    # Once: what is asked for again may have been kept.
    process.call_well(event)
    statements = contestant.server.since(counters)["statements"]
    return Cost(statements, _touched(contestant) - touched - own)


def _touched(contestant: Contestant) -> int:
    """Rows that the server has touched; a reading touches some itself."""
    return sum(int(value) for _, value in contestant.server.ask(READ))


def complaints(found: dict[str, Cost]) -> list[str]:
    """What costs more than it should, in sentences."""
    small, large = found["a page of 1"], found["a page of 100"]
    said = []
    if large.statements != small.statements:
        said.append(
            f"A page of 100 takes {large.statements} statements, "
            f"and one of 1 takes {small.statements}."
        )
    first = found["page 1"]
    said += [
        f"For {name}, {found[name].rows} rows are touched, and {first.rows} for page 1 "
        "of few posts."
        for name in ("page 1, of ten times the posts", "page 10,000")
        if found[name].rows > first.rows * TOLERANCE
    ]
    return said


if __name__ == "__main__":
    main()
