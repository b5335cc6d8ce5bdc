"""
The numbered steps of a process, and its end at one of them.

A step is what the world outside could notice: a statement, a commit, a call to Stripe, a
mail, a file, the answer. The product knows nothing of it.
"""

import os
import re
import signal
from collections.abc import Callable
from typing import Any

# What a statement is known by: its verb and the first table it names.
_TABLE = re.compile(
    r"^\s*(\w+).*?(?:FROM|INTO|UPDATE)\s+`?(\w+)", re.DOTALL | re.IGNORECASE
)


class Steps:
    """
    :param last: the step that is not taken: the process is killed before it. None counts
    """

    def __init__(self, last: int | None = None) -> None:
        self.taken: list[str] = []
        self._last = last

    def take(self, name: str) -> None:
        self.taken.append(name)
        if len(self.taken) == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Count what this process does from now on."""
        # Django and Stripe are there only in the processes of the site.
        import stripe  # noqa: PLC0415 - as said above
        from django.core.files.storage import FileSystemStorage  # noqa: PLC0415 - as said above
        from django.db import connection  # noqa: PLC0415 - as said above
        from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: PLC0415 - as said above

        from tests.chaos.mail import EmailBackend  # noqa: PLC0415 - as said above

        connection.execute_wrappers.append(self._statement)
        self._before(BaseDatabaseWrapper, "_commit", lambda *_: "COMMIT")
        self._before(
            stripe.RequestsClient,
            "request",
            lambda _, method, url, *__: f"Stripe {method.upper()} {_kind(url)}",
        )
        self._before(EmailBackend, "send_messages", lambda *_: "mail")
        self._before(FileSystemStorage, "_save", lambda *_: "file")

    def _statement(self, execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        match = _TABLE.match(sql)
        self.take(" ".join(match.groups()) if match else sql.split(maxsplit=1)[0])
        return execute(sql, *more)

    def _before(self, owner: type, name: str, say: Callable[..., str]) -> None:
        original = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.take(say(*args))
            return original(*args, **kwargs)

        setattr(owner, name, counted)


def _kind(url: str) -> str:
    """The address of a call without ids and parameters."""
    path = url.partition("?")[0].partition("/v1/")[2]
    return re.sub(r"\b[a-z]{2}_\w+", "…", path)
