"""Whether all targets answer alike: otherwise there is nothing to compare."""

import base64
import json
import re
from contextlib import ExitStack
from typing import Any

from benchmarks import events, rows
from benchmarks.events import Event
from benchmarks.measuring import Contestant, another_environment
from benchmarks.process import Answer, Process

MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)")
KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# How a page names the next one is each target's own affair, and so are the refusals.
OWN = frozenset({"next", "previous", "detail", "type", "code"})
MADE_NOW = frozenset({"id", "created_at", "revised_at"})
# Posts from both ends and the middle.
ASKED = (1, 2, 777, 1_000, rows.POSTS)
# Above any that a measurement uses.
NUMBER = 10_000_000


class Unlike(Exception):
    """Two targets answer differently; the message says where."""


def check(contestants: list[Contestant]) -> int:
    """
    Ask every target the same, and compare; how many answers were compared.

    :raises Unlike: if one differs from the first target's
    """
    asked = questions(contestants[0].keys)
    expected: dict[str, Any] = {}
    for contestant in contestants:
        with ExitStack() as stack:
            process = stack.enter_context(contestant.start(events.list_posts(0)))
            for name, event in asked.items():
                answer = comparable(process.call(event, brief=False), name)
                compare(
                    expected.setdefault(name, answer), answer, where(contestant, name)
                )
            _check_freshness(contestant, process)
        contestant.forget_drafts()
    return len(asked) * len(contestants)


def where(contestant: Contestant, name: str) -> str:
    return f"{contestant.name}, {name}"


def questions(keys: list[str]) -> dict[str, Event]:
    nobody = events.write_post(NUMBER, keys)
    for headers in (nobody["headers"], nobody["multiValueHeaders"]):
        del headers["Authorization"]
    stranger = events.write_post(NUMBER, ["of-nobody"])
    return {
        "list": events.list_posts(0),
        **{f"post {n}": events.read_slug(n, rows.slug(n)) for n in ASKED},
        "no such post": events.read_slug(0, "no-such-post"),
        "created": events.write_post(NUMBER, keys),
        "created, and read as a stranger": events.read_slug(
            0, f"written-by-call-{NUMBER}"
        ),
        "list after a draft": events.list_posts(0),
        "created without a key": nobody,
        "created with a wrong key": stranger,
    }


def comparable(answer: Answer, name: str) -> dict[str, Any]:
    """Status and content, with what may differ taken out or made the same."""
    response = answer["response"]
    body = response["body"]
    if response.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    content = normal(json.loads(body)) if answer["status"] < 400 else None
    if name == "created" and isinstance(content, dict):
        content |= {field: shape(content[field]) for field in MADE_NOW}
    return {"status": answer["status"], "content": content}


def normal(value: Any) -> Any:
    """Moments to the second, in one notation; without what is each target's own."""
    if isinstance(value, dict):
        return {name: normal(part) for name, part in value.items() if name not in OWN}
    if isinstance(value, list):
        return [normal(part) for part in value]
    if isinstance(value, str) and (found := MOMENT.fullmatch(value)):
        return f"{found[1]}Z"
    return value


def shape(value: Any) -> str:
    if isinstance(value, str) and KEY.fullmatch(value):
        return "a key"
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return "a moment"
    return f"neither key nor moment: {value!r}"


def compare(expected: Any, found: Any, place: str) -> None:
    """:raises Unlike: naming the first place where the two differ"""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in expected.keys() | found.keys():
            compare(expected.get(name), found.get(name), f"{place}, {name}")
    elif isinstance(expected, list) and isinstance(found, list):
        compare(len(expected), len(found), f"{place}, length")
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            compare(one, other, f"{place}, {number}")
    elif expected != found:
        raise Unlike(f"{place}: {found!r:.200} instead of {expected!r:.200}")


def _check_freshness(contestant: Contestant, process: Process) -> None:
    """What was kept of an earlier answer must not outlive a write from elsewhere."""
    with another_environment(contestant) as elsewhere:
        for number in range(NUMBER, NUMBER + 3):
            process.call(events.list_posts(number))
            elsewhere.write(number)
            for event, place in (
                (events.list_posts(number), "list"),
                (events.read_slug(number, rows.slug(rows.POSTS)), "post"),
            ):
                shown = comparable(process.call(event, brief=False), "")["content"]
                post = shown["results"][0] if place == "list" else shown
                place = f"{where(contestant, place)} after a write, title"
                compare(events.new_title(number), post["title"], place)
