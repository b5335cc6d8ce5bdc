"""Reading what Stripe answers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID


def expanded(field: Any) -> Mapping[str, Any]:
    """An object of which Stripe tells all, the id alone, or nothing."""
    if isinstance(field, str):
        return {"id": field}
    return field or {}


def uuid_in(metadata: Mapping[str, str] | None, name: str) -> UUID | None:
    """Metadata may be anybody's: people write it in the Dashboard too."""
    try:
        return UUID((metadata or {}).get(name, ""))
    except ValueError:
        return None


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
