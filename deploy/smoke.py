"""Whether a stage that was just changed answers, asked over HTTPS as anybody would."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import urllib3

MANIFEST = "build/static/staticfiles.json"
# Longer than the first answer of a new environment takes; API Gateway waits 29 seconds.
TIMEOUT = urllib3.Timeout(connect=5, read=30)
# A gateway needs seconds until its new deployment is everywhere.
PATIENCE = 20.0
PAUSE = 1.0


class Unhealthy(Exception):
    """The stage does not answer as it should; the message says to what."""


@dataclass(frozen=True)
class Question:
    path: str
    is_right: Callable[[bytes], bool]


def ask(address: str, zip_content: bytes, patience: float = PATIENCE) -> list[str]:
    """
    The paths that were asked, each of which answered with 200 and what it should.

    :param zip_content: what the stage should be running
    :param patience: seconds in which a wrong answer may become a right one
    :raises Unhealthy: if one did not
    """
    until = time.monotonic() + patience
    asked = []
    for question in _questions(zip_content):
        while problem := _problem(address, question):
            if time.monotonic() > until:
                raise Unhealthy(problem)
            time.sleep(PAUSE)
        asked.append(question.path)
    return asked


def problem_of(address: str, path: str) -> str:
    """What is wrong with the answer; empty if it is 200."""
    return _problem(address, Question(path, lambda body: True))


def style_sheet(zip_content: bytes) -> tuple[str, bytes]:
    """The path that this zip's content gave to one of its style sheets, and the sheet."""
    with zipfile.ZipFile(io.BytesIO(zip_content)) as archive:
        hashed = json.loads(archive.read(MANIFEST))["paths"].values()
        name = min(path for path in hashed if path.endswith(".css"))
        return f"/static/{name}", archive.read(f"build/static/{name}")


def _questions(zip_content: bytes) -> Iterator[Question]:
    yield Question("/healthz", lambda body: body.startswith(b"ok"))
    yield Question("/readyz", lambda body: body.startswith(b"ok"))
    yield Question("/", lambda body: b"</html>" in body)
    yield Question("/api/v1/posts/", _is_list)
    path, content = style_sheet(zip_content)
    yield Question(path, lambda body: body == content)


def _is_list(body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and isinstance(answer.get("results"), list)


def _problem(address: str, question: Question) -> str:
    """What is wrong with the answer; empty if nothing."""
    url = address.rstrip("/") + question.path
    try:
        answer = urllib3.request(
            "GET", url, timeout=TIMEOUT, redirect=False, retries=False
        )
    except urllib3.exceptions.HTTPError as error:
        return f"{url} cannot be reached: {error}."
    if answer.status != 200:
        return f"{url} answered {answer.status}."
    if not question.is_right(answer.data):
        return f"{url} answered with something else than it should."
    return ""
