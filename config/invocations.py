"""
One line of log for each call of the function: what it was, how it went, what it took.

The same line carries CloudWatch's embedded metrics: a number is a metric because the line
says so, and no call to CloudWatch is made. Each metric costs about 0.30 USD a month for
each stage, so there are few, and `stage` is the only dimension.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection

from config.logs import request_id

METRICS: Final = {
    "duration_ms": "Milliseconds",
    "database_ms": "Milliseconds",
    "queries": "Count",
    "cold": "Count",
    "init_ms": "Milliseconds",
    "client_errors": "Count",
    "server_errors": "Count",
}

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Invocation:
    """What is told of one call."""

    kind: str = "unroutable"
    method: str = ""
    # The pattern that matched, never the path: that may be a secret link.
    route: str | None = None
    # HTTP's; 0 for other events.
    status: int = 0
    # Messages of a queue that come again; the others of the event are done.
    messages_again: int = 0
    queries: int = 0
    # Waiting for answers to queries; connecting is not in it.
    database_seconds: float = 0.0

    def answered(self, kind: str, request: WSGIRequest, status: int) -> None:
        self.kind, self.method, self.status = kind, str(request.method), status
        if match := request.resolver_match:
            self.route = match.route

    def summary(self, *, failed: bool) -> str:
        outcome = "failed" if failed else self.status or "done"
        if self.messages_again:
            outcome = f"done but for {self.messages_again}"
        if not self.method:
            return f"{self.kind} {outcome}"
        route = "(no route)" if self.route is None else f"/{self.route}"
        return f"{self.kind} {self.method} {route} {outcome}"

    def count(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        """Django's form of a wrapper around each statement."""
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.queries += 1
            self.database_seconds += time.perf_counter() - started


@dataclass(slots=True)
class _Environment:
    """What is true of this process; Lambda starts one for each call at a time."""

    # None once a call has been told of it.
    init_ms: float | None = None


_environment = _Environment()


def initialized(seconds: float) -> None:
    """The next call is the first one, and this is what init took."""
    _environment.init_ms = round(seconds * 1000, 1)


@contextmanager
def recorded(context: object) -> Iterator[Invocation]:
    """Write the line when the call has been handled, or has failed."""
    started = time.perf_counter()
    request_id.set(getattr(context, "aws_request_id", ""))
    invocation = Invocation()
    try:
        with connection.execute_wrapper(invocation.count):
            yield invocation
    except Exception:
        _write(invocation, time.perf_counter() - started, failed=True)
        raise
    _write(invocation, time.perf_counter() - started, failed=False)


def _write(invocation: Invocation, seconds: float, *, failed: bool) -> None:
    init_ms, _environment.init_ms = _environment.init_ms, None
    fields: dict[str, Any] = {
        "kind": invocation.kind,
        "method": invocation.method,
        "route": invocation.route,
        "status": invocation.status,
        "stage": settings.STAGE,
        "duration_ms": round(seconds * 1000, 2),
        "database_ms": round(invocation.database_seconds * 1000, 2),
        "queries": invocation.queries,
        "cold": int(init_ms is not None),
        "client_errors": int(400 <= invocation.status < 500),
        "server_errors": (
            int(failed or invocation.status >= 500) + invocation.messages_again
        ),
    }
    if init_ms is not None:
        fields["init_ms"] = init_ms
    # CloudWatch's embedded metric format.
    fields["_aws"] = {
        "Timestamp": round(time.time() * 1000),
        "CloudWatchMetrics": _WARM if init_ms is None else _COLD,
    }
    level = logging.ERROR if failed else logging.INFO
    # Built here rather than by `logger.log`, which asks each time who called it: half of
    # what a line costs.
    record = {
        "name": logger.name,
        "levelno": level,
        "levelname": logging.getLevelName(level),
        "msg": "%s: %.1f ms, %d queries",
        "args": (
            invocation.summary(failed=failed),
            fields["duration_ms"],
            invocation.queries,
        ),
        "exc_info": sys.exc_info() if failed else None,
    }
    logger.handle(logging.makeLogRecord(record | fields))


def _directive(*, cold: bool) -> list[dict[str, Any]]:
    names = [name for name in METRICS if cold or name != "init_ms"]
    metrics = [{"Name": name, "Unit": METRICS[name]} for name in names]
    return [
        {"Namespace": "PayMyInvoice", "Dimensions": [["stage"]], "Metrics": metrics}
    ]


_COLD: Final = _directive(cold=True)
_WARM: Final = _directive(cold=False)
