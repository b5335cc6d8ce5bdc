"""Nobody is asked over a network while a request, or a task, has a transaction open."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.handlers.base import BaseHandler
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django_tasks_db.management.commands.db_worker import Worker

from accounts import destinations

# Where our own code begins: what is open by then is a test's.
BEGINNINGS: Final = ((BaseHandler, "get_response"), (Worker, "run_task"))
# Where a network would begin; Stripe's does in `tests.billing.world`.
NETWORKS: Final = (
    *((FileSystemStorage, name) for name in ("_open", "_save", "delete", "exists")),
    (EmailBackend, "send_messages"),
    (destinations, "_look_up"),
)

_begun = threading.local()


@contextmanager
def only_outside_transactions() -> Iterator[None]:
    """Whoever asks within one is told by an error."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in BEGINNINGS:
            patch.setattr(owner, name, _beginning(getattr(owner, name)))
        for owner, name in NETWORKS:
            patch.setattr(owner, name, _asking(getattr(owner, name)))
        yield


def _beginning(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def begun(*args: Any, **more: Any) -> Any:
        before = vars(_begun).get("blocks")
        _begun.blocks = len(connection.atomic_blocks)
        try:
            return call(*args, **more)
        finally:
            _begun.blocks = before

    return begun


def _asking(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def asked(*args: Any, **more: Any) -> Any:
        blocks = vars(_begun).get("blocks")
        # A test itself may ask whenever it likes.
        if blocks is not None:
            open_ = len(connection.atomic_blocks) - blocks
            assert not open_, f"{call.__qualname__} asked in a transaction"
        return call(*args, **more)

    return asked
