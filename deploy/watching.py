"""What a stage is doing: its state in a dozen lines, and its logs a line an event."""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from deploy import smoke
from deploy.bucket import Release
from deploy.stage import Stage, ZappaFailed

# Lambda's own lines, which tell less than ours of the same event.
PLATFORM = ("START ", "END ", "INIT_START ", "REPORT ", "XRAY ")
# Fields of a line that have a place of their own, or that the message tells already.
PLACED = ("time", "level", "logger", "message", "request_id", "traceback")
ERRORS = ("ERROR", "CRITICAL")
# In which an environment that nobody calls is usually kept.
WARM_FOR = timedelta(minutes=5)
PAUSE = 2
# How late a line may be told that was written before another.
LATEST = timedelta(minutes=2)

type Line = tuple[datetime, str, Mapping[str, Any] | str]


def logs(
    stage: Stage, since: datetime, *, follow: bool = False, raw: bool = False
) -> Iterator[str]:
    """
    A readable line for each that a function wrote, oldest first.

    :param follow: go on with what is written from now on; never ends
    :param raw: the lines as they were written, for a program to read
    """
    seen: dict[str, datetime] = {}
    while True:
        for event_id, line in _lines(stage, since):
            if event_id not in seen:
                seen[event_id] = line[0]
                yield _written(line) if raw else _readable(line)
        if not follow:
            return
        if seen:
            # What is older was seen; CloudWatch may still be late with what is not.
            since = max(since, max(seen.values()) - LATEST)
            seen = {event_id: at for event_id, at in seen.items() if at >= since}
        time.sleep(PAUSE)


def status(stage: Stage, now: datetime) -> Iterator[tuple[str, str]]:
    """Names and values that say how the stage is."""
    record = stage.bucket.record(stage.name)
    yield "address", f"{stage.address} {_health(stage)}"
    yield "release", _described(record.current)
    if len(record.releases) > 1:
        yield "before it", _described(record.releases[-2])
    if record.current and not record.is_settled():
        yield "unfinished", "a deploy was interrupted: deploy again, or roll back"
    for part in stage.parts:
        yield stage.function_name(part), _function(stage, part)
    yield "schedules", ", ".join(_schedules(stage)) or "none"
    yield "warm", _warmth(stage, now)
    yield "errors", f"{_errors(stage, now - timedelta(hours=24))} in 24 hours"
    yield "migrations", _migrations(stage)


def _lines(stage: Stage, since: datetime) -> list[tuple[str, Line]]:
    lines: list[tuple[str, Line]] = []
    for part in stage.parts:
        for event in _events(stage, part, since):
            text = event["message"].rstrip()
            if text and not text.startswith(PLATFORM):
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                lines.append((event["eventId"], (at, part, _parsed(text))))
    return sorted(lines, key=lambda line: line[1][0])


def _events(stage: Stage, part: str, since: datetime) -> Iterator[dict[str, Any]]:
    pages = (
        stage.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=_log_group(stage, part),
            startTime=round(since.timestamp() * 1000),
        )
    )
    try:
        for page in pages:
            yield from page["events"]
    except ClientError as error:
        # There is no group until the function has written for the first time.
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise


def _parsed(text: str) -> Mapping[str, Any] | str:
    try:
        line = json.loads(text)
    except ValueError:
        return text
    return line if isinstance(line, dict) else text


def _written(line: Line) -> str:
    _, _, said = line
    return said if isinstance(said, str) else json.dumps(said)


def _readable(line: Line) -> str:
    at, part, said = line
    begin = f"{at:%Y-%m-%d %H:%M:%S} {part}"
    if isinstance(said, str):
        return f"{begin} {said}"
    words = [begin, str(said.get("level", "")), str(said.get("message", ""))]
    words += [f"{name}={value}" for name, value in _extra(said).items()]
    if request_id := said.get("request_id"):
        words.append(f"[{request_id}]")
    text = " ".join(word for word in words if word)
    trace = str(said.get("traceback", ""))
    return "\n    ".join([text, *trace.splitlines()])


def _extra(said: Mapping[str, Any]) -> Mapping[str, Any]:
    # The figures of embedded metrics are in the message, but for that of a cold start.
    if "_aws" in said:
        return {"init_ms": said["init_ms"]} if said.get("init_ms") else {}
    return {
        name: value
        for name, value in said.items()
        if name not in PLACED and value not in (None, "")
    }


def _health(stage: Stage) -> str:
    problem = smoke.problem_of(stage.address, "/readyz")
    return (
        f"does not answer: {problem}"
        if problem
        else "answers, and so does its database"
    )


def _described(release: Release | None) -> str:
    if release is None:
        return "none was deployed by `make deploy`"
    return f"{release.zip[:12]}, commit {release.commit}, since {release.at}, by {release.by}"


def _function(stage: Stage, part: str) -> str:
    there = stage.configuration(part)
    if there is None:
        return "is not there"
    pages = (
        stage.client("lambda")
        .get_paginator("list_versions_by_function")
        .paginate(FunctionName=stage.function_name(part))
    )
    # One of them is $LATEST, which is the newest again.
    versions = sum(len(page["Versions"]) for page in pages) - 1
    digest = stage.zip_of(there)
    return (
        f"{digest[:12]}, {versions} versions, {there['MemorySize']} MB,"
        f" {there['Timeout']} s, changed {there['LastModified']}"
    )


def _schedules(stage: Stage) -> Iterator[str]:
    events = stage.client("events")
    for part in stage.parts:
        there = stage.configuration(part)
        if there is None:
            continue
        names = events.list_rule_names_by_target(TargetArn=there["FunctionArn"])
        for name in names["RuleNames"]:
            rule = events.describe_rule(Name=name)
            yield f"{name.rpartition('-')[2]} {rule['ScheduleExpression']}"


def _warmth(stage: Stage, now: datetime) -> str:
    latest = _latest_line(stage)
    if latest is None:
        return "no: it was never called"
    minutes = max(0.0, (now - latest).total_seconds() / 60)
    word = "probably" if now - latest < WARM_FOR else "probably not"
    return f"{word}: the latest call was {minutes:.0f} minutes ago"


def _latest_line(stage: Stage) -> datetime | None:
    try:
        streams = stage.client("logs").describe_log_streams(
            logGroupName=_log_group(stage, stage.name),
            orderBy="LastEventTime",
            descending=True,
            limit=1,
        )["logStreams"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    moments = [stream.get("lastEventTimestamp") for stream in streams]
    if not moments or moments[0] is None:
        return None
    return datetime.fromtimestamp(moments[0] / 1000, UTC)


def _errors(stage: Stage, since: datetime) -> int:
    return sum(
        isinstance(said, Mapping) and _is_error(said)
        for _, (_, _, said) in _lines(stage, since)
    )


def _is_error(said: Mapping[str, Any]) -> bool:
    if "_aws" in said:
        return bool(said.get("server_errors"))
    # Django's own line tells what the line of the same request counts.
    return said.get("level") in ERRORS and said.get("logger") != "django.request"


def _migrations(stage: Stage) -> str:
    if stage.configuration(stage.worker) is None:
        return "there is no worker to ask"
    try:
        stage.manage("migrate --check")
    except ZappaFailed as error:
        return f"pending, or the worker cannot tell: {error}"
    return "none is pending"


def _log_group(stage: Stage, part: str) -> str:
    return f"/aws/lambda/{stage.function_name(part)}"
