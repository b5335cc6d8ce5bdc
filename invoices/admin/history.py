"""Events, told to a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Event
from invoices.money import format_money

# A page shows the newest; all are in the list of events.
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Happening:
    """What the record says of one event."""

    what: str
    detail: str
    who: str
    at: datetime


def timeline(subject: Any) -> list[Happening]:
    """What happened to a row that has a `public_id`, newest first."""
    events = Event.objects.about(subject._meta.model_name, subject.public_id)
    newest = events.select_related("actor").order_by("-pk")[:SHOWN]
    return [happening(event) for event in newest]


def happening(event: Event) -> Happening:
    thing, _, verb = event.type.partition(".")
    return Happening(
        what=f"{thing} {verb}".replace("_", " ").capitalize(),
        detail=_detail(event.data),
        who=(event.actor.full_name or event.actor.email) if event.actor else "",
        at=event.occurred_at,
    )


def _detail(data: dict[str, Any]) -> str:
    amount = data.get("amount", data.get("total"))
    spoken = (
        format_money(amount, data["currency"])
        if isinstance(amount, int) and "currency" in data
        else ""
    )
    texts = [data.get(name) for name in ("number", "to", "email", "role", "reason")]
    return " · ".join(str(text) for text in [*texts, spoken] if text)
