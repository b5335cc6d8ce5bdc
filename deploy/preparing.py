"""
What happens to a zip before AWS hears of it: checks, the build, the rehearsal.

`build/` remembers, by the zip's hash, which commit it was built from and that it was
rehearsed.
"""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
UNKNOWN = "unknown"


class Refused(Exception):
    """The zip does not go to AWS; the message says why."""


@dataclass(frozen=True)
class Candidate:
    file: Path
    digest: str
    commit: str


def prepare(
    stage: str,
    progress: Progress,
    *,
    given: Path | None = None,
    rehearsed: str = "",
    root: Path = ROOT,
) -> Candidate:
    """
    A zip that passed everything that can be known before it is deployed.

    :param given: one that was built before, for another stage perhaps
    :param rehearsed: the SHA-256 of a zip that was rehearsed, which is not done again
    :raises Refused: if a step fails, or `rehearsed` names another zip or none
    """
    if changed := _git(root, "status", "--porcelain"):
        progress.say(
            f"warning: {len(changed.splitlines())} files differ from the commit"
        )
    _make(progress, root, "checks", "check")
    candidate = _given(root, given) if given else _built(progress, root)
    if not rehearsed:
        zip_is = f"ZIP={candidate.file}"
        _make(progress, root, "rehearsal", "rehearse", f"STAGE={stage}", zip_is)
        remember_rehearsal(candidate.digest, root)
    elif rehearsed != candidate.digest:
        raise Refused(
            f"REHEARSED is {rehearsed[:12]}, and {candidate.file} is"
            f" {candidate.digest[:12]}: another zip. Leave it out to rehearse this one."
        )
    elif not _rehearsal(rehearsed, root).exists():
        raise Refused(
            f"build/ knows of no green rehearsal of {rehearsed[:12]}."
            " Leave REHEARSED out to rehearse it now."
        )
    return candidate


def remember_rehearsal(digest: str, root: Path = ROOT) -> None:
    """Note that every step of this zip's rehearsal was green."""
    note = _rehearsal(digest, root)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text("green\n")


def remember_commit(digest: str, commit: str, root: Path = ROOT) -> None:
    note = _commit(digest, root)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(f"{commit}\n")


def _given(root: Path, file: Path) -> Candidate:
    if not file.is_file():
        raise Refused(f"There is no zip at {file}.")
    digest = _digest(file)
    note = _commit(digest, root)
    commit = note.read_text().strip() if note.exists() else UNKNOWN
    return Candidate(file.resolve(), digest, commit)


def _built(progress: Progress, root: Path) -> Candidate:
    _make(progress, root, "package", "package")
    file = root / "build" / "lambda.zip"
    digest = _digest(file)
    mark = "+changes" if _git(root, "status", "--porcelain") else ""
    commit = f"{_git(root, 'rev-parse', '--short=12', 'HEAD')}{mark}"
    remember_commit(digest, commit, root)
    return Candidate(file, digest, commit)


def _make(progress: Progress, root: Path, name: str, *target: str) -> None:
    with progress.step(name):
        make = shutil.which("make") or "make"
        command = [make, "--no-print-directory", *target]
        # A rehearsal would write to the database that this names.
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        run = subprocess.run(command, cwd=root, env=environment, check=False)
        if run.returncode != 0:
            raise Refused(f"`make {' '.join(target)}` failed: nothing was deployed.")


def _git(root: Path, *arguments: str) -> str:
    git = shutil.which("git") or "git"
    run = subprocess.run(
        [git, *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise Refused(f"git cannot tell which commit this is: {run.stderr.strip()}")
    return run.stdout.strip()


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _rehearsal(digest: str, root: Path) -> Path:
    return root / "build" / "rehearsals" / digest


def _commit(digest: str, root: Path) -> Path:
    return root / "build" / "commits" / digest
