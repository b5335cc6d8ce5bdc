"""The shapes in which Stripe answers: pages of lists, and ids expanded to objects."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from tests.stripe import checks
from tests.stripe.checks import Refusal

Object = dict[str, Any]
Rows = Mapping[str, Object]


def page(rows: Rows, params: Mapping[str, Any], url: str) -> Object:
    """One page of the rows that the filters leave, newest first."""
    wanted = dict(params)
    size = wanted.pop("limit", 10)
    after = wanted.pop("starting_after", None)
    created = wanted.pop("created", {})
    chosen = [
        row
        for row in reversed(list(rows.values()))
        if checks.within(row["created"], created)
        and all(row[name] == value for name, value in wanted.items())
    ]
    if after is not None:
        chosen = _following(chosen, after)
    return {
        "object": "list",
        "url": url,
        "has_more": len(chosen) > size,
        "data": chosen[:size],
    }


def _following(rows: list[Object], object_id: str) -> list[Object]:
    ids = [row["id"] for row in rows]
    if object_id not in ids:
        message = f"No such object: '{object_id}'"
        raise Refusal(message, "resource_missing", "starting_after")
    return rows[ids.index(object_id) + 1 :]


def expanded(answer: Object, paths: Iterable[str], known: Mapping[str, Rows]) -> Object:
    """
    A copy of `answer` in which the ids at these paths are replaced by what they name.

    :raises Refusal: if there is nothing to expand at a path
    """
    answer = copy.deepcopy(answer)
    for path in paths:
        _expand(answer, path, path, known)
    return answer


def _expand(answer: Object, path: str, asked: str, known: Mapping[str, Rows]) -> None:
    name, _, rest = path.partition(".")
    if answer["object"] == "list" and name == "data":
        for item in answer["data"]:
            _expand(item, rest, asked, known)
        return
    if name not in known or name not in answer:
        raise Refusal(f"This property cannot be expanded ({asked}).", param="expand")
    if isinstance(answer[name], str):
        answer[name] = copy.deepcopy(known[name][answer[name]])
    if rest and answer[name] is not None:
        _expand(answer[name], rest, asked, known)
