"""Writing the append-only record of what happened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from django.db.models.options import Options

from accounts.models import Business, Event, User


class Subject(Protocol):
    """Anything an event can be about: a row with a name that the outside may know."""

    @property
    def public_id(self) -> UUID | str: ...

    _meta: ClassVar[Options[Any]]


def record_event(
    *,
    type: str,  # noqa: A002 - the column's name
    subject: Subject,
    business: Business | None,
    actor: User | None,
    now: datetime,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """
    Write down that something happened. Call it inside the transaction that does it.

    :param type: `thing.happened`, as in `invoice.finalized`
    :param actor: who did it, or None where a customer, Stripe or a schedule did
    :param data: JSON; what a reader needs later, never secrets
    """
    return Event.objects.create(
        type=type,
        subject_type=str(subject._meta.model_name),
        subject_id=str(subject.public_id),
        business=business,
        actor=actor,
        data=dict(data or {}),
        occurred_at=now,
    )
