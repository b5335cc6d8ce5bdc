"""
Deploy a stage to an AWS on loopback, and use it: `python -m tests.rehearsal dev`.

Needs no account. The database is a MariaDB of its own, with `--mysql 9` a MySQL, or the
one that `DATABASE_URL` names: empty, for it is written to.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from deploy import package, preparing
from deploy.checks import Unfit
from deploy.progress import Progress
from deploy.rendering import Unrendered, load
from tests.database import DatabaseError, private_mariadb
from tests.mysql9 import private_mysql9
from tests.rehearsal import environments
from tests.rehearsal.aws import ROOT
from tests.rehearsal.steps import steps
from tests.rehearsal.world import digest, rehearsal_world

FOLDER = ROOT / "build" / "rehearsal"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    if options.zip and not options.zip.is_file():
        sys.exit(f"There is no zip at {options.zip}: make package builds one.")
    progress = Progress()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    if not environments.may_mount():
        progress.say(
            f"not root: write-protected files stand for {environments.TASK_ROOT}"
        )
    try:
        zip_file = (options.zip or _built(progress)).resolve()
        _rehearse(options.stage, zip_file, _database(options), progress)
    except (DatabaseError, Unfit, Unrendered) as error:
        progress.print_table()
        sys.exit(str(error))
    except Exception as error:
        progress.print_table()
        name = progress.steps[-1].name if progress.steps else "a world to rehearse in"
        sys.exit(
            f"The step {name!r} failed: {error}\n{_last_error()}"
            f"All that Zappa, AWS and the functions wrote is in"
            f" {FOLDER.relative_to(Path.cwd(), walk_up=True)}: zappa.log, functions/."
        )
    progress.print_table()
    # `make deploy REHEARSED=…` asks for this note.
    preparing.remember_rehearsal(digest(zip_file))
    progress.say(f"rehearsed {options.stage}: every step was green")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests.rehearsal", description="Rehearse a deployment without an account."
    )
    stages = [name for name in load() if f"{name}_worker" in load()]
    parser.add_argument("stage", choices=stages)
    parser.add_argument("--zip", type=Path, help="instead of building one")
    parser.add_argument("--mysql", choices=["9"], help="instead of MariaDB")
    return parser


def _built(progress: Progress) -> Path:
    with progress.step("package") as step:
        zip_file = FOLDER / "first.zip"
        package.build(zip_file)
        step.result = f"{zip_file.stat().st_size / 1e6:.1f} MB"
    return zip_file


def _database(options: argparse.Namespace) -> AbstractContextManager[str]:
    if options.mysql:
        return private_mysql9()
    if url := os.environ.get("DATABASE_URL"):
        return nullcontext(url)
    return private_mariadb()


def _last_error() -> str:
    """What a function logged last of what went wrong in it; a line, or nothing."""
    for log in sorted(
        FOLDER.glob("functions/*.log"), key=lambda log: log.stat().st_mtime
    ):
        for line in reversed(log.read_text(errors="replace").splitlines()):
            if line.startswith("{") and '"level": "ERROR"' in line:
                entry = json.loads(line)
                reason = entry.get("traceback", "").strip().splitlines()[-1:]
                said = ": ".join([entry["message"], *reason])
                return f"The last error in {log.name}: {said}\n"
    return ""


def _rehearse(
    stage: str,
    zip_file: Path,
    database: AbstractContextManager[str],
    progress: Progress,
) -> None:
    with rehearsal_world(stage, zip_file, database, FOLDER) as world:
        for name, act in steps(stage):
            with progress.step(name) as step:
                step.result = act(world)


if __name__ == "__main__":
    main()
