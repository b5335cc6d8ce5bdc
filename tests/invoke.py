"""
Send one event to the packaged handler, as Lambda would run it on this machine:

    python -m tests.invoke mocks/rest-get.json

The package is build/lambda.zip, built first if there is none. The database is that of
DATABASE_URL; without it a copy of the laptop's, or an empty one with the schema.
"""

import argparse
import json
import os
import sqlite3
import sys
import textwrap
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy import package
from tests import laptop
from tests.rehearsal.environments import Configuration, Function, FunctionError
from tests.rehearsal.gateway import content_of

# Lines of an answer's content that are shown.
LINES = 40


def main() -> None:
    parser = argparse.ArgumentParser(description="Send one event to the package.")
    parser.add_argument("event", type=Path, help="a file of mocks/, or one like them")
    event = _read(parser.parse_args().event)
    if not package.ZIP.exists():
        package.build(package.ZIP)
    try:
        with _function(package.ZIP) as function:
            outcome = function.call(json.dumps(event).encode())
    except FunctionError as error:
        sys.exit(
            f"{error}\n{package.ZIP} does not migrate: make package, and try again."
        )
    made = datetime.fromtimestamp(package.ZIP.stat().st_mtime).astimezone()
    said = f"{package.ZIP.name} of {made:%d %B %H:%M}; make package builds it anew"
    log = (f"  {_line_of_log(line)}" for line in outcome.log.splitlines())
    for line in (said, "", *_readable(outcome.payload), "", "Log:", *log):
        sys.stdout.write(f"{line}\n")
    sys.exit(int(outcome.failed))


def _read(file: Path) -> dict[str, Any]:
    try:
        event = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"{file} is no event ({error}): name a file of JSON, as in mocks/.")
    if not isinstance(event, dict):
        sys.exit(f"{file} is no event: it must hold one JSON object, as in mocks/.")
    return event


@contextmanager
def _function(archive: Path) -> Iterator[Function]:
    with TemporaryDirectory() as place:
        task, logs = Path(place) / "task", Path(place) / "logs"
        logs.mkdir()
        with zipfile.ZipFile(archive) as files:
            files.extractall(task)
        function = Function(task, Configuration(_variables(Path(place))), logs)
        try:
            if "DATABASE_URL" not in os.environ:
                # Whichever database it is now, it has the package's schema then.
                function.invoke({"manage": "migrate --no-input --verbosity=0"})
            yield function
        finally:
            function.stop()


def _variables(place: Path) -> Mapping[str, str]:
    """A stage with harmless keys."""
    return {
        "ALLOWED_HOSTS": "localhost",
        "CACHE_URL": "locmemcache://",
        "DATABASE_URL": os.environ.get("DATABASE_URL") or _copy_of_laptop(place),
        "EMAIL_URL": f"filemail:///{place / 'mail'}",
        "MEDIA_BUCKET": "media",
        "SECRET_KEY": "harmless-and-never-used-elsewhere-" * 2,
        "SITE_URL": "https://localhost",
        "SQS_FUNCTIONS": "paymyinvoice-dev-tasks=config.schedules.run_tasks",
        "STAGE": "dev",
        "STRIPE_API_KEY": "sk_test_invoke",
        "STRIPE_WEBHOOK_SECRETS": "whsec_invoke",
    }


def _copy_of_laptop(place: Path) -> str:
    database = place / "db.sqlite3"
    if laptop.DATABASE.exists():
        with (
            closing(sqlite3.connect(laptop.DATABASE)) as there,
            closing(sqlite3.connect(database)) as here,
        ):
            there.backup(here)
    return f"sqlite:///{database}"


def _readable(payload: bytes) -> Iterator[str]:
    answer = json.loads(payload)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        yield json.dumps(answer, indent=2, ensure_ascii=False)
        return
    yield f"HTTP {answer['statusCode']}"
    yield from (f"{name}: {value}" for name, value in answer.get("headers", {}).items())
    for name, values in answer.get("multiValueHeaders", {}).items():
        yield from (f"{name}: {value}" for value in values)
    yield from (f"Set-Cookie: {cookie}" for cookie in answer.get("cookies", ()))
    yield ""
    lines = _text(content_of(answer)).splitlines()
    yield from lines[:LINES]
    if len(lines) > LINES:
        yield f"… and {len(lines) - LINES} lines more"


def _text(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"({len(content)} bytes that are no text)"
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _line_of_log(line: str) -> str:
    """The sentence of one of our lines; a line of Lambda's own as it is."""
    try:
        told = json.loads(line)
    except ValueError:
        told = None
    if not isinstance(told, dict) or "message" not in told:
        return textwrap.shorten(line, 200)
    traceback = textwrap.indent(told.get("traceback", ""), "    ")
    return "\n".join(filter(None, [f"{told['level']} {told['message']}", traceback]))


if __name__ == "__main__":
    main()
