"""Doing once what may be asked for twice."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.db import IntegrityError, OperationalError, transaction

from accounts import seals
from accounts.exceptions import AnswerLost, KeyReused, StillRunning
from accounts.models import IdempotencyRecord

# Of the database: somebody else has the row, by words of MariaDB and of MySQL, or both
# wait for each other. Nothing was done yet.
_TAKEN: Final = frozenset({1205, 1213, 3572})


class _Overtaken(Exception):
    """Somebody wrote the row between our look for it and ours."""


def do_once(
    *, caller: str, key: str, wish: bytes, now: datetime, work: Callable[[], bytes]
) -> bytes | None:
    """
    Do the work and keep its answer, in one transaction; or find that it was done.

    What the work raises undoes all of it and is kept by nobody: the key is as new. Work
    that opens a durable transaction, or asks somebody over the network, is none for here.

    :param wish: all that is asked for, to tell it from anything else
    :returns: what was answered the first time, or None if this is the first time
    :raises StillRunning: while the first time has not ended
    :raises KeyReused: if something else was done under this key
    :raises AnswerLost: if it was done, and nobody can read what was answered
    """
    try:
        with transaction.atomic():
            record = _claim(f"{caller}\n{key}", now)
            if record.answer and record.is_kept(now):
                return _answer(record, key, wish)
            answer = work()
            record.answer = seals.seal(_mark(wish) + answer, key=key)
            record.created_at = now
            record.save(update_fields=["answer", "created_at"])
            return None
    except _Overtaken:
        return do_once(caller=caller, key=key, wish=wish, now=now, work=work)


def _claim(name: str, now: datetime) -> IdempotencyRecord:
    # Before any other lock, and nobody else's row: who holds it waits for none of us.
    digest = hashlib.sha256(name.encode()).hexdigest()
    rows = IdempotencyRecord.objects.select_for_update(nowait=True)
    try:
        return rows.filter(digest=digest).first() or IdempotencyRecord.objects.create(
            digest=digest, created_at=now
        )
    except IntegrityError as error:
        raise _Overtaken from error
    except OperationalError as error:
        if error.args[0] not in _TAKEN:
            raise
        raise StillRunning(
            "This is being done already. Ask for it again in a moment."
        ) from error


def _answer(record: IdempotencyRecord, key: str, wish: bytes) -> bytes:
    try:
        opened = seals.unseal(bytes(record.answer), key=key)
    except seals.Unreadable as error:
        raise AnswerLost(
            "This was done under this key, but the answer cannot be read any more. "
            "Look at what there is, and use a new key for what is missing."
        ) from error
    mark = _mark(wish)
    if not hmac.compare_digest(opened[: len(mark)], mark):
        raise KeyReused(
            "This key was used for another request. Use a new key for each thing that "
            "you want done, and the same one only to ask for the same again."
        )
    return opened[len(mark) :]


def _mark(wish: bytes) -> bytes:
    return hashlib.sha256(wish).digest()


def forget_answers(*, now: datetime) -> int:
    """Delete answers that are kept no longer. Running twice is running once."""
    return IdempotencyRecord.objects.outdated(now).delete()[0]
