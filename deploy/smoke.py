"""Whether a stage that was just changed answers, asked over HTTPS as anybody would."""

import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urljoin

import urllib3

STYLE_SHEET = re.compile(rb'<link rel="stylesheet" href="([^"]+)"')
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
    What was asked: paths, and the style sheet that the front page links to. Each of them
    answered with 200 and what it should.

    :param zip_content: what the stage should be running
    :param patience: seconds in which a wrong answer may become a right one
    :raises Unhealthy: if one did not
    """
    until = time.monotonic() + patience
    asked = []
    for question in QUESTIONS:
        _wait(until, partial(_problem, address, question))
        asked.append(question.path)
    _wait(until, partial(_style_problem, address, zip_content))
    return [*asked, "its style sheet"]


def _wait(until: float, problem: Callable[[], str]) -> None:
    while found := problem():
        if time.monotonic() > until:
            raise Unhealthy(found)
        time.sleep(PAUSE)


def problem_of(address: str, path: str) -> str:
    """What is wrong with the answer; empty if it is 200."""
    return _problem(address, Question(path, lambda body: True))


def _is_list(body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and isinstance(answer.get("results"), list)


QUESTIONS = (
    Question("/healthz", lambda body: body.startswith(b"ok")),
    Question("/readyz", lambda body: body.startswith(b"ok")),
    Question("/", lambda body: b"</html>" in body),
    Question("/api/v1/posts/", _is_list),
)


def _problem(address: str, question: Question) -> str:
    """What is wrong with the answer; empty if nothing."""
    url = address.rstrip("/") + question.path
    body, problem = _get(url)
    if not problem and not question.is_right(body):
        return f"{url} answered with something else than it should."
    return problem


def _style_problem(address: str, zip_content: bytes) -> str:
    """As above, of the style sheet that a browser would ask for."""
    url = f"{address.rstrip('/')}/"
    page, problem = _get(url)
    if problem:
        return problem
    link = STYLE_SHEET.search(page)
    if not link:
        return f"{url} links to no style sheet."
    sheet = urljoin(url, link[1].decode())
    content = _static(zip_content, sheet)
    if content is None:
        return f"{url} links to {sheet}, which is not of the zip that was deployed."
    body, problem = _get(sheet)
    if not problem and body != content:
        return f"{sheet} answered with something else than it should."
    return problem


def _static(zip_content: bytes, url: str) -> bytes | None:
    with zipfile.ZipFile(io.BytesIO(zip_content)) as archive:
        try:
            return archive.read(f"build/static/{url.partition('/static/')[2]}")
        except KeyError:
            return None


def _get(url: str) -> tuple[bytes, str]:
    """What an address answers, and what is wrong with it, if it is not 200."""
    try:
        answer = urllib3.request(
            "GET", url, timeout=TIMEOUT, redirect=False, retries=False
        )
    except urllib3.exceptions.HTTPError as error:
        return b"", f"{url} cannot be reached: {error}."
    if answer.status != 200:
        return b"", f"{url} answered {answer.status}."
    return answer.data, ""
