"""
What the deploy bucket keeps of a stage: zips and settings by their hash, the record of
its releases, and the lock of whoever is changing it.

    zips/<sha256>.zip         written once, never changed
    settings/<sha256>.json    what Zappa was told with it; no secrets
    releases/<stage>.json     the record
    releases/<stage>.lock     there while somebody deploys
"""

import getpass
import hashlib
import json
import platform
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

# Of a record; the zips themselves are kept until the bucket's own rule expires them.
LONGEST_HISTORY = 20
# Longer than a step can take, whose bound is Lambda's 15 minutes for a migration.
LOCK_LASTS = timedelta(minutes=20)
NOT_THERE = ("404", "NoSuchKey")
NOT_AS_IT_WAS = ("412", "PreconditionFailed", "ConditionalRequestConflict")


class NotInBucket(Exception):
    """A zip or settings that a release names are gone."""


class Busy(Exception):
    """Somebody else is changing the stage; the message says who, and how to go on."""


@dataclass(frozen=True)
class Release:
    """A zip and its settings that a stage has served, and answered with as it should."""

    zip: str
    settings: str
    commit: str
    at: str
    by: str


@dataclass
class Record:
    """
    What a stage has served, oldest first, and what each of its functions got last.

    The two differ while a stage is changed, and after somebody was interrupted at it.
    """

    releases: list[Release] = field(default_factory=list)
    installed: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def current(self) -> Release | None:
        return self.releases[-1] if self.releases else None

    def is_settled(self) -> bool:
        """Whether every function has the current release."""
        current = self.current
        return current is not None and all(
            (got["zip"], got["settings"]) == (current.zip, current.settings)
            for got in self.installed.values()
        )


class Bucket:
    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name

    def keep_zip(self, path: Path) -> str:
        """The SHA-256 under which the zip is kept from now on."""
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        self._keep(_zip_key(digest), content)
        return digest

    def keep_settings(self, settings: Mapping[str, Any]) -> str:
        content = json.dumps(settings, indent=2, sort_keys=True).encode()
        digest = hashlib.sha256(content).hexdigest()
        self._keep(f"settings/{digest}.json", content)
        return digest

    def zip_address(self, digest: str) -> str:
        """
        Where Lambda fetches the zip from.

        :raises NotInBucket: if it was deleted
        """
        if not self._has(_zip_key(digest)):
            raise NotInBucket(_gone("zip", _zip_key(digest), self.name))
        return f"s3://{self.name}/{_zip_key(digest)}"

    def zip_content(self, digest: str) -> bytes:
        """:raises NotInBucket: if it was deleted, or is not what it was"""
        content = self._get(_zip_key(digest))
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            raise NotInBucket(_gone("zip", _zip_key(digest), self.name))
        return content

    def settings(self, digest: str) -> dict[str, Any]:
        """:raises NotInBucket: if they were deleted"""
        key = f"settings/{digest}.json"
        content = self._get(key)
        if content is None:
            raise NotInBucket(_gone("settings", key, self.name))
        settings: dict[str, Any] = json.loads(content)
        return settings

    def record(self, stage: str) -> Record:
        content = self._get(_record_key(stage))
        if content is None:
            return Record()
        known = json.loads(content)
        releases = [Release(**release) for release in known["releases"]]
        return Record(releases, known["installed"])

    def write_record(self, stage: str, record: Record) -> None:
        kept = Record(record.releases[-LONGEST_HISTORY:], record.installed)
        content = json.dumps(asdict(kept), indent=2).encode()
        self._client.put_object(Bucket=self.name, Key=_record_key(stage), Body=content)

    def lock(self, stage: str) -> "Lock":
        return Lock(self._client, self.name, stage)

    def unlock(self, stage: str) -> None:
        self._client.delete_object(Bucket=self.name, Key=_lock_key(stage))

    def _keep(self, key: str, content: bytes) -> None:
        if not self._has(key):
            self._client.put_object(Bucket=self.name, Key=key, Body=content)

    def _has(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if _code(error) in NOT_THERE:
                return False
            raise
        return True

    def _get(self, key: str) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if _code(error) in NOT_THERE:
                return None
            raise
        content: bytes = answer["Body"].read()
        return content


class Lock:
    """
    Keeps a second deploy of the stage away, by S3's conditional writes.

    Every step renews it, so one that expired belongs to a deploy that was killed, and
    whoever comes next takes it over. Who lost it in this way is told at the next step.
    """

    def __init__(self, client: Any, bucket: str, stage: str) -> None:
        self._client = client
        self._where = {"Bucket": bucket, "Key": _lock_key(stage)}
        self._stage = stage
        self._etag = ""
        self._since = _now()

    def __enter__(self) -> Self:
        """:raises Busy: if somebody else holds it"""
        self._since = _now()
        try:
            self._put(IfNoneMatch="*")
        except ClientError as error:
            if _code(error) not in NOT_AS_IT_WAS:
                raise
            self._take_over()
        return self

    def renew(self) -> None:
        """:raises Busy: if it expired, and somebody else has it now"""
        try:
            self._put(IfMatch=self._etag)
        except ClientError as error:
            if _code(error) not in (*NOT_AS_IT_WAS, *NOT_THERE):
                raise
            raise Busy(f"The lock of {self._stage} was taken away meanwhile.") from None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._client.delete_object(**self._where, IfMatch=self._etag)
        except (BotoCoreError, ClientError) as refusal:
            # It is somebody else's by now, or was cleared by hand. And of two errors,
            # the first one is to be told.
            if error is None and _code(refusal) not in (*NOT_AS_IT_WAS, *NOT_THERE):
                raise

    def _take_over(self) -> None:
        try:
            answer = self._client.get_object(**self._where)
        except ClientError as error:
            if _code(error) in NOT_THERE:
                raise Busy(f"{self._stage} was being deployed: try again.") from None
            raise
        held = json.loads(answer["Body"].read())
        if datetime.fromisoformat(held["until"]) > _now():
            raise Busy(
                f"{held['by']} has been changing {self._stage} since {held['since']}."
                f" If that is not so any more: make unlock STAGE={self._stage}"
            )
        self._etag = answer["ETag"]
        self.renew()

    def _put(self, **condition: str) -> None:
        now = _now()
        held = {
            # Its ETag is of its content: two locks of one second must not look alike.
            "id": str(uuid.uuid4()),
            "by": whoami(),
            "since": self._since.isoformat(timespec="seconds"),
            "until": (now + LOCK_LASTS).isoformat(timespec="seconds"),
        }
        answer = self._client.put_object(
            **self._where, Body=json.dumps(held).encode(), **condition
        )
        self._etag = answer["ETag"]


def whoami() -> str:
    try:
        name = getpass.getuser()
    except OSError:
        # A container's user need not have a name.
        name = "somebody"
    return f"{name}@{platform.node()}"


def timestamp() -> str:
    return _now().isoformat(timespec="seconds")


def _now() -> datetime:
    return datetime.now(UTC)


def _zip_key(digest: str) -> str:
    return f"zips/{digest}.zip"


def _record_key(stage: str) -> str:
    return f"releases/{stage}.json"


def _lock_key(stage: str) -> str:
    return f"releases/{stage}.lock"


def _gone(what: str, key: str, bucket: str) -> str:
    return (
        f"The {what} of that release is not in the bucket any more: {key} in {bucket}."
    )


def _code(error: Exception) -> str:
    """AWS's word for its refusal; empty if it was not even reached."""
    return (
        str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""
    )
