"""A site behind an address of API Gateway's own, and every address that it hands out."""

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from tests.config.shapes import Received

HOST = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"
STAGE = "/dev"
SITE = f"https://{HOST}{STAGE}"

_IN_MARKUP = re.compile(
    r"""\s(?:href|src|action|content|data-\w+|xml:base)=["'](?P<attribute>[^"']*)["']"""
    r"|<(?:loc|link|id|uri)>(?P<element>[^<]+)</"
)
_IN_TEXT = re.compile(r"https?://\S+")
# What an attribute holds that is no address is left out by this.
_ADDRESS = re.compile(r"https?://|[./?]")

# Asks for a path that has no stage, as the function gets it, with its query.
type Ask = Callable[[str], Received]


def walked(ask: Ask, *starts: str) -> dict[str, int]:
    """
    The status of each address of the site that the pages at `starts` hand out.

    :param starts: whole addresses
    """
    found: dict[str, int] = {}
    for start in starts:
        answer = ask(_without_stage(start))
        assert answer.status == 200, f"{start} answered {answer.status}"
        for address in sorted(_handed_out(start, answer)):
            if address not in found:
                found[address] = _status(ask, address)
    return found


def _status(ask: Ask, address: str) -> int:
    """Of the last answer, when one leads to another."""
    for _ in range(4):
        answer = ask(_without_stage(address))
        if not 300 <= answer.status < 400:
            return answer.status
        address = urljoin(address, answer.headers["Location"])
    raise AssertionError(f"{address} leads nowhere.")


def _without_stage(address: str) -> str:
    parts = urlsplit(address)
    assert parts.netloc == HOST, f"{address} is on another host."
    assert parts.path.startswith(f"{STAGE}/"), f"API Gateway has no {address}."
    assert not parts.path.startswith(STAGE * 2), f"{address} has the stage twice."
    query = f"?{parts.query}" if parts.query else ""
    return parts.path.removeprefix(STAGE) + query


def _handed_out(start: str, answer: Received) -> set[str]:
    kind = answer.headers["Content-Type"].partition(";")[0]
    if kind.endswith("json"):
        said = list(_strings(json.loads(answer.body)))
    elif kind.endswith(("html", "xml")):
        text = answer.body.decode()
        said = [found[1] or found[2] for found in _IN_MARKUP.finditer(text)]
        said += _IN_TEXT.findall(" ".join(re.findall(r'"(https?:[^"]+)"', text)))
    else:
        said = _IN_TEXT.findall(answer.body.decode())
    addresses = {
        urljoin(start, unescape(each)).partition("#")[0]
        for each in said
        if _ADDRESS.match(each)
    }
    return {address for address in addresses if urlsplit(address).netloc == HOST}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("http"):
            yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)
