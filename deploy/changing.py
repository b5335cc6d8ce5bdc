"""
Change a stage: deploy a zip to it, go back to the one before, or remove it.

Everything may be interrupted and run again. What a function got is written down once it
has it, so a second run does what is left; and a release counts as one only after the
stage has answered with it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy import smoke
from deploy.bucket import Lock, NotInBucket, Record, Release, timestamp, whoami
from deploy.progress import Progress, Step
from deploy.stage import NEW, Settings, Stage, ZappaFailed, load

# Before the web function changes. Each may run twice.
MIGRATING = (
    ("settings, as the worker sees them", "check --deploy --database default"),
    ("migrations", "migrate --no-input"),
    ("cache table", "createcachetable"),
)
REFUSALS = (BotoCoreError, ClientError, NotInBucket, ZappaFailed, smoke.Unhealthy)


class Failed(Exception):
    """The stage was not changed as asked; the message says why, and how it is now."""


@dataclass
class Change:
    """One person's hold on a stage: what it has, and the steps that change it."""

    stage: Stage
    progress: Progress
    lock: Lock
    record: Record
    # Of the smoke test, in seconds.
    patience: float = smoke.PATIENCE
    commands: Sequence[tuple[str, str]] = MIGRATING
    _zips: dict[str, bytes] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        self.lock.renew()
        with self.progress.step(name) as step:
            yield step

    def install(self, part: str, release: Release, settings: Settings) -> str:
        """What was done, in a word or three."""
        wanted = {"zip": release.zip, "settings": release.settings}
        with self.step(f"{self.stage.function_name(part)}: {release.zip[:12]}") as step:
            known = self.record.installed.get(part) == wanted
            if known and self.stage.has(part, release.zip, settings):
                step.result = "nothing to change"
                return step.result
            # Until it is done, nobody knows what the function has.
            self.record.installed[part] = {"zip": "", "settings": ""}
            self.save()
            step.result = self.stage.install(part, release.zip, settings)
            self.record.installed[part] = wanted
            self.save()
        return step.result

    def ask(self, release: Release) -> None:
        """:raises smoke.Unhealthy: if the stage does not answer as it should"""
        with self.step(f"smoke test of {self.stage.address}") as step:
            if release.zip not in self._zips:
                self.remember_zip(self.stage.bucket.zip_content(release.zip))
            asked = smoke.ask(
                self.stage.address, self._zips[release.zip], self.patience
            )
            step.result = f"{len(asked)} answers"

    def remember_zip(self, content: bytes) -> None:
        self._zips[hashlib.sha256(content).hexdigest()] = content

    def save(self) -> None:
        self.stage.bucket.write_record(self.stage.name, self.record)


@contextmanager
def hold(stage: Stage, progress: Progress) -> Iterator[Change]:
    """:raises bucket.Busy: if somebody else is changing the stage"""
    with stage.bucket.lock(stage.name) as lock:
        yield Change(stage, progress, lock, stage.bucket.record(stage.name))


def deploy(change: Change, zip_file: Path, commit: str) -> None:
    """
    Worker, migrations, web, smoke test. Back to what was there if one of them fails.

    :raises Failed: if so
    """
    stage = change.stage
    with change.step(f"upload to {stage.bucket.name}") as step:
        release = Release(
            zip=stage.bucket.keep_zip(zip_file),
            settings=stage.bucket.keep_settings(stage.settings),
            commit=commit,
            at=timestamp(),
            by=whoami(),
        )
        change.remember_zip(zip_file.read_bytes())
        step.result = f"zips/{release.zip[:12]}…"
    try:
        change.install(stage.worker, release, stage.settings)
        for name, command in change.commands:
            with change.step(name):
                stage.manage(command)
        if change.install(stage.name, release, stage.settings) in NEW:
            release = _with_its_address(change, release)
        change.ask(release)
    except REFUSALS as error:
        if change.record.current is None:
            raise Failed(f"{_sentence(error)} {_beginning(change, error)}") from error
        raise Failed(f"{_sentence(error)} {_go_back(change, release)}") from error
    if not _same(change.record.current, release):
        change.record.releases.append(release)
        change.save()


def rollback(change: Change) -> Release:
    """
    Give both functions the release before; after a deploy or a rollback that was
    interrupted, the one that counts. Migrations stay: docs/adr/0018 says why.

    :raises Failed: if there is none, or the stage does not answer with it
    """
    record = change.record
    if record.current and not record.is_settled():
        target = record.current
    elif len(record.releases) > 1:
        target = record.releases[-2]
    else:
        raise Failed(
            f"{change.stage.name} has no release before this one to go back to."
        )
    counted = list(record.releases)
    try:
        change.stage.bucket.zip_address(target.zip)
        # Counts from now on, so that whoever is interrupted comes back to it.
        while not _same(record.current, target):
            record.releases.pop()
        change.save()
        _return_to(change, target)
    except REFUSALS as error:
        if isinstance(error, smoke.Unhealthy):
            record.releases = counted
            change.save()
        raise Failed(f"{_sentence(error)} {_state(change)}") from error
    return target


def restart(change: Change) -> None:
    """
    Have both functions begin anew, so that they read their secret again. Requests that
    are being answered are still answered.
    """
    stage = change.stage
    for part in stage.parts:
        with change.step(f"new environments of {stage.function_name(part)}"):
            stage.renew(part, timestamp())


def undeploy(change: Change) -> None:
    """
    Remove both functions, the gateway and the schedules. Nothing that holds data.

    :raises Failed: if Zappa cannot
    """
    stage = change.stage
    # Visitors first: a gateway without a function would answer with errors.
    for part in (stage.name, stage.worker):
        with change.step(f"remove {stage.function_name(part)}") as step:
            if stage.configuration(part) is None:
                step.result = "was not there"
                continue
            try:
                stage.zappa("undeploy", part, "--yes")
            except ZappaFailed as error:
                raise Failed(_sentence(error)) from error
            step.result = "removed"
    change.record = Record()
    change.save()


def _with_its_address(change: Change, release: Release) -> Release:
    """
    The release with what is only known once there is a gateway: a stage without a
    domain has the address that its first deploy is given.
    """
    stage = load(change.stage.name)
    if stage.settings == change.stage.settings:
        return release
    change.stage = stage
    kept = stage.bucket.keep_settings(stage.settings)
    release = replace(release, settings=kept)
    for part in stage.parts:
        change.install(part, release, stage.settings)
    return release


def _beginning(change: Change, error: Exception) -> str:
    """What to do about a stage that never answered."""
    name = change.stage.name
    domain = (
        f" If the stage has a domain, `python -m deploy.stack {name} --domain` leads"
        " it here, now that there is a gateway."
        if isinstance(error, smoke.Unhealthy)
        else ""
    )
    return (
        f"This was the first deploy of {name}, so there is nothing to go back to: mend"
        f" it, and deploy again.{domain}"
    )


def _go_back(change: Change, failed: Release) -> str:
    """A sentence on what became of it."""
    before = change.record.releases[-1]
    name = change.stage.name
    if _same(before, failed):
        return (
            f"{name} already had this release, so it stays; for the one before:"
            f" make rollback STAGE={name}"
        )
    change.progress.say(f"that failed: back to {before.zip[:12]}")
    try:
        _return_to(change, before)
    except REFUSALS as error:
        return (
            f"Going back failed too: {_sentence(error)} {_state(change)}"
            f" Once the cause is mended: make rollback STAGE={name}"
        )
    return (
        f"{name} is back on {before.zip[:12]} (commit {before.commit}), and answers."
        " Migrations that ran stay."
    )


def _return_to(change: Change, release: Release) -> None:
    settings: dict[str, Any] = change.stage.bucket.settings(release.settings)
    # Visitors first: both releases can work with the schema that is there.
    for part in (change.stage.name, change.stage.worker):
        change.install(part, release, settings)
    change.ask(release)


def _state(change: Change) -> str:
    parts = (
        f"{change.stage.function_name(part)} has"
        f" {got['zip'][:12] or 'something unfinished'}"
        for part, got in sorted(change.record.installed.items())
    )
    return f"{', '.join(parts)}."


def _same(one: Release | None, other: Release) -> bool:
    return one is not None and (one.zip, one.settings) == (other.zip, other.settings)


def _sentence(error: Exception) -> str:
    return f"{str(error).rstrip('.')}."
