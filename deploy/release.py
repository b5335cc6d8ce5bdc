"""
Change a stage on AWS, and see how it does: `python -m deploy.release deploy qa`.

`make deploy|rollback|restart|undeploy|status|logs|unlock STAGE=qa` call it.
"""

import argparse
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError

from deploy import bucket, changing, preparing, rendering, watching
from deploy.progress import Progress
from deploy.stage import FOLDER, ZappaFailed, load

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# Those that a person is told in one sentence.
EXPECTED = (
    BotoCoreError,
    ClientError,
    OSError,
    bucket.Busy,
    bucket.NotInBucket,
    changing.Failed,
    preparing.Refused,
    rendering.Unrendered,
    ZappaFailed,
)
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    # Ended by a machine, it lets go of the stage as when ended by a person.
    signal.signal(signal.SIGTERM, _interrupt)
    progress = Progress()
    try:
        options.act(options, progress)
    except EXPECTED as error:
        progress.print_table()
        sys.exit(f"{options.stage}: {error}")
    except KeyboardInterrupt:
        progress.print_table()
        print(f"{options.stage}: interrupted. The same command goes on from here.")
        sys.exit(INTERRUPTED)
    progress.print_table()


def deploy(options: argparse.Namespace, progress: Progress) -> None:
    # Before minutes of checks: whether this account has such a stage at all.
    stage = load(options.stage)
    given = _fetched(options.from_, progress) if options.from_ else options.zip
    candidate = preparing.prepare(
        options.stage, progress, given=given, rehearsed=options.rehearsed
    )
    with changing.hold(stage, progress) as change:
        changing.deploy(change, candidate.file, candidate.commit)
    progress.say(f"{options.stage} has {candidate.digest[:12]}: {stage.address}")


def rollback(options: argparse.Namespace, progress: Progress) -> None:
    with changing.hold(load(options.stage), progress) as change:
        release = changing.rollback(change)
    progress.say(
        f"{options.stage} is back on {release.zip[:12]} (commit {release.commit})."
        " Migrations that ran stay."
    )


def restart(options: argparse.Namespace, progress: Progress) -> None:
    with changing.hold(load(options.stage), progress) as change:
        changing.restart(change)


def manage(options: argparse.Namespace, progress: Progress) -> None:
    """What the command said in the end; the log has all of it."""
    print(load(options.stage).manage(options.command))


def undeploy(options: argparse.Namespace, progress: Progress) -> None:
    stage = load(options.stage)
    names = " and ".join(stage.function_name(part) for part in stage.parts)
    if not options.yes:
        print(
            f"This removes {names}, their address and their schedules."
            " Database, buckets and logs stay."
        )
        if input(f"Type {stage.name} to go on: ") != stage.name:
            sys.exit("Nothing was removed.")
    with changing.hold(stage, progress) as change:
        changing.undeploy(change)
    progress.say(f"{stage.name} is gone. Database, buckets and logs stay.")


def status(options: argparse.Namespace, progress: Progress) -> None:
    lines = list(watching.status(load(options.stage), datetime.now(UTC)))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name:{width}}  {value}")


def logs(options: argparse.Namespace, progress: Progress) -> None:
    since = datetime.now(UTC) - options.since
    # Somebody who has seen enough of what goes on was not interrupted.
    with suppress(KeyboardInterrupt):
        stage = load(options.stage)
        for line in watching.logs(stage, since, follow=options.follow, raw=options.raw):
            print(line, flush=True)


def unlock(options: argparse.Namespace, progress: Progress) -> None:
    load(options.stage).bucket.unlock(options.stage)
    print(f"{options.stage} can be deployed again.")


def _fetched(name: str, progress: Progress) -> Path:
    """The zip that another stage serves, from its bucket."""
    with progress.step(f"fetch what {name} serves") as step:
        other = load(name).bucket
        release = other.record(name).current
        if release is None:
            raise preparing.Refused(f"{name} has no release to take the zip of.")
        file = FOLDER / f"{release.zip}.zip"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(other.zip_content(release.zip))
        preparing.remember_commit(release.zip, release.commit)
        step.result = f"{release.zip[:12]}, commit {release.commit}"
    return file


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Change a stage on AWS, or watch it.")
    commands = parser.add_subparsers(required=True)
    for act in (deploy, rollback, restart, manage, undeploy, status, logs, unlock):
        command = commands.add_parser(act.__name__)
        command.add_argument("stage", type=_stage)
        command.set_defaults(act=act)
        if act is deploy:
            source = command.add_mutually_exclusive_group()
            source.add_argument("--zip", type=Path, help="instead of building one")
            source.add_argument(
                "--from", dest="from_", type=_stage, help="the zip this stage serves"
            )
            command.add_argument(
                "--rehearsed", default="", help="SHA-256 of a zip that was rehearsed"
            )
        elif act is manage:
            command.add_argument("command", help='as in "reconcile --dry-run"')
        elif act is undeploy:
            command.add_argument("--yes", action="store_true", help="do not ask")
        elif act is logs:
            command.add_argument("--since", type=_duration, default="1h")
            command.add_argument("--follow", action="store_true")
            command.add_argument("--raw", action="store_true", help="as written")
    return parser


def _stage(name: str) -> str:
    settings = rendering.load()
    known = [stage for stage in settings if f"{stage}_worker" in settings]
    if name not in known:
        raise argparse.ArgumentTypeError(f"choose one of {', '.join(known)}")
    return name


def _duration(text: str) -> timedelta:
    if not (found := re.fullmatch(r"(\d+)([mhd])", text)):
        raise argparse.ArgumentTypeError("write it as 30m, 2h or 1d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
