"""
Takes each safeguard away in turn, in a copy of the tree, and sees which tests turn red.

    python -m tests.mutations [--only WORDS] [--check]

What they are is in tests/mutations/safeguards.py; the table goes to
docs/reference/safeguards.md. Ends with 1 if no test noticed one.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from tests.database import DatabaseError, private_mariadb
from tests.mutations.safeguards import SAFEGUARDS, Safeguard

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutations"
TABLE = ROOT / "docs" / "reference" / "safeguards.md"


class Mutation(NamedTuple):
    safeguard: Safeguard
    noticed: list[str]


class NotThere(Exception):
    """The code says something else by now: the list of safeguards must follow."""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def check(safeguards: Sequence[Safeguard]) -> None:
    """:raises NotThere: if what is to be removed is not there exactly once"""
    for safeguard in safeguards:
        file, text, _ = safeguard.removal
        found = (ROOT / file).read_text().count(text)
        if found != 1:
            raise NotThere(f"“{safeguard.name}”: found {found} times in {file}: {text}")


def copy_tree() -> None:
    """As it is, committed or not, without what is ignored."""
    listed = subprocess.run(
        [*("git", "ls-files", "-z"), "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    shutil.rmtree(COPY, ignore_errors=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)


def red(tests: Sequence[str], url: str, *, is_new: bool) -> list[str]:
    """
    The tests that fail, in the copy.

    :param is_new: make the tables anew, which takes longer than most tests
    :raises RuntimeError: if they could not be run
    """
    report = COPY / "build" / "report.xml"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", "0", "--tb=no"),
            "--reuse-db",
            *(["--create-db"] if is_new else []),
            *("-p", "no:cacheprovider", f"--junitxml={report}", *tests),
        ],
        cwd=COPY,
        check=False,
        env=os.environ | {"DATABASE_URL": url, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # Pytest's 1 says that tests failed; what is more is no answer.
    if done.returncode not in {0, 1} or not report.exists():
        raise RuntimeError(done.stdout[-2000:])
    return list(dict.fromkeys(_failed(report)))


def _failed(report: Path) -> Iterator[str]:
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - our own
        if case.find("failure") is not None or case.find("error") is not None:
            yield case.attrib["name"].partition("[")[0]


def mutate(safeguard: Safeguard, url: str) -> Mutation:
    name, text, instead = safeguard.removal
    file = COPY / name
    whole = file.read_text()
    file.write_text(whole.replace(text, instead))
    try:
        if safeguard.is_in_database:
            noticed = red(safeguard.tests, f"{url}_without", is_new=True)
        else:
            noticed = red(safeguard.tests, url, is_new=False)
        return Mutation(safeguard, noticed)
    finally:
        file.write_text(whole)


def run(safeguards: Sequence[Safeguard], url: str) -> list[Mutation]:
    """:raises RuntimeError: if a test is red with every safeguard in its place"""
    tests = sorted({test for safeguard in safeguards for test in safeguard.tests})
    say(f"With all safeguards: {len(tests)} files of tests")
    if failed := red(tests, url, is_new=True):
        raise RuntimeError(f"Red with every safeguard in its place: {failed}")
    mutations = []
    for number, safeguard in enumerate(safeguards, 1):
        mutation = mutate(safeguard, url)
        mutations.append(mutation)
        count = len(mutation.noticed)
        verdict = f"{count} turned red" if count else "NOBODY NOTICED"
        say(f"{number:3} of {len(safeguards)}  {safeguard.name}: {verdict}")
    return mutations


def table(mutations: Sequence[Mutation]) -> str:
    rows = [
        f"| {safeguard.name} | {safeguard.removed} | `{safeguard.removal[0]}` "
        f"| {'<br>'.join(f'`{name}`' for name in noticed)} |"
        for safeguard, noticed in mutations
    ]
    return "\n".join(
        [
            "<!-- Written by `make mutations`; edit tests/mutations instead. -->\n",
            "# What keeps money right\n",
            "Each of these is taken away in turn, in a copy of the code, and the tests of",
            "its neighbourhood are run on MariaDB. That these turned red shows that it is",
            "needed, and that nobody removes it unnoticed.\n",
            "| Safeguard | What was removed | Where | Tests that turned red |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.mutations", description=__doc__)
    parser.add_argument("--only", help="safeguards with these words in their name")
    parser.add_argument("--check", action="store_true", help="remove nothing")
    options = parser.parse_args()
    # Told to end, it leaves by way of every `finally`.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    wanted = [each for each in SAFEGUARDS if (options.only or "") in each.name]
    try:
        check(wanted)
        if options.check:
            return 0
        copy_tree()
        with private_mariadb() as url:
            mutations = run(wanted, url)
    except (DatabaseError, NotThere, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        shutil.rmtree(COPY, ignore_errors=True)
    if unnoticed := [each for each in mutations if not each.noticed]:
        sys.stderr.write(f"{len(unnoticed)} safeguards could go unnoticed.\n")
        return 1
    if not options.only:
        TABLE.write_text(table(mutations))
    return 0


if __name__ == "__main__":
    sys.exit(main())
