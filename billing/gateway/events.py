"""What Stripe tells of: not the news, but where to look for them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """That something happened to an object; what happened is asked of Stripe."""

    id: str
    type: str
    object_id: str
    livemode: bool
    api_version: str


def read_event(body: dict[str, Any]) -> Event:
    """:raises ValueError and its like: if it is no snapshot event to us"""
    if body["object"] != "event":
        raise ValueError("Thin events are not subscribed to.")
    if body.get("account") or body.get("context"):
        raise ValueError("We have no connected accounts.")
    return Event(
        id=body["id"],
        type=body["type"],
        object_id=body["data"]["object"].get("id") or "",
        livemode=body["livemode"],
        api_version=body.get("api_version") or "",
    )
