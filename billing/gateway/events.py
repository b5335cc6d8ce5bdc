"""What Stripe tells of: not the news, but where to look for them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.gateway.answers import moment
from billing.gateway.client import stripe_client
from billing.gateway.listing import listed


@dataclass(frozen=True, slots=True)
class Event:
    """That something happened to an object; what happened is asked of Stripe."""

    id: str
    type: str
    object_id: str
    livemode: bool
    api_version: str


@dataclass(frozen=True, slots=True)
class Unread:
    """An event on Stripe's list that cannot be acted on here, and why: a sentence."""

    id: str
    type: str
    why: str
    created_at: datetime


def read_event(body: dict[str, Any]) -> Event:
    """
    Snapshot and thin events alike: what either says beyond this is not looked at.

    :raises ValueError: or KeyError, TypeError, AttributeError, if it is no event for us
    """
    if body.get("account") or body.get("context"):
        raise ValueError(
            "it is of another account than the one whose payments these are"
        )
    if body["object"] == "v2.core.event":
        return _thin(body)
    if body["object"] != "event":
        raise ValueError("it is no event")
    return Event(
        id=body["id"],
        type=body["type"],
        object_id=body["data"]["object"].get("id") or "",
        livemode=body["livemode"],
        api_version=body.get("api_version") or "",
    )


def _thin(body: dict[str, Any]) -> Event:
    # Some are about the account as a whole, or a thing that has no id.
    about = body.get("related_object") or {}
    return Event(
        id=body["id"],
        type=body["type"].removeprefix("v1."),
        object_id=about.get("id") or "",
        livemode=body["livemode"],
        api_version="",
    )


def list_events(
    since: datetime, until: datetime, types: Iterable[str]
) -> Iterator[Event | Unread]:
    """
    Those from `since` on and before `until`, newest first, whether they were delivered or
    not. Stripe keeps them for thirty days.
    """
    events = stripe_client().v1.events
    return map(_listed, listed(events.list, since, until, types=list(types)))


def _listed(row: Mapping[str, Any]) -> Event | Unread:
    # What is wrong with one must not keep others from being read.
    try:
        return read_event(dict(row))
    except ValueError as error:
        why = str(error)
    except (KeyError, TypeError, AttributeError):
        why = "it is not made as events are"
    return Unread(row["id"], row["type"], why, moment(row["created"]))
