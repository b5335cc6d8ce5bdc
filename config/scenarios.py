"""What can happen to a payment, beside the tests that show it, for docs/reference."""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1] / "tests"


def page() -> str:
    tests = named()
    rows = [
        f"| {number} | {what} | {expected} | {'<br>'.join(tests[number]) or '—'} |"
        for number, (what, expected) in table().items()
    ]
    return "\n".join(
        [
            "# What can happen to a payment\n",
            "Each row is a test, or several, run on MariaDB, and in part on SQLite. What is of",
            "locks and collations is believed on MariaDB alone. `make chaos` breaks the same",
            "things in earnest, and [what keeps money right](safeguards.md) is taken away",
            "piece by piece to see that a test notices.\n",
            "| | What happens | What is expected | Shown by |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def table() -> dict[int, tuple[str, str]]:
    """Number to what happens, and what is expected then."""
    text = (TESTS / "data" / "payment_scenarios.toml").read_text()
    return {
        int(number): (what, expected)
        for number, (what, expected) in tomllib.loads(text).items()
    }


def named() -> defaultdict[int, list[str]]:
    """Number to the tests that are marked with it, as Markdown. Imports none of them."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text()
        # To parse them all takes a second.
        if "mark.scenario(" not in source:
            continue
        for test in ast.walk(ast.parse(source)):
            if isinstance(test, ast.FunctionDef):
                address = path.relative_to(TESTS.parent).as_posix()
                link = f"[`{test.name}`](../../{address})"
                for number in _numbers(test):
                    found[number].append(link)
    return found


def _numbers(test: ast.FunctionDef) -> Iterator[int]:
    """Of its decorators, and of the marks of single cases within them."""
    for decorator in test.decorator_list:
        for node in ast.walk(decorator):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == (
                "pytest.mark.scenario"
            ):
                yield ast.literal_eval(node.args[0])
