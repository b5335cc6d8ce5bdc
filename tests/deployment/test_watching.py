from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from config.costs import pace_of_log
from deploy import watching

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
CALL = {
    "level": "INFO",
    "logger": "config.invocations",
    "method": "GET",
    "duration_ms": 12.5,
    "cold": False,
    "server_errors": 0,
    "_aws": {},
}


@pytest.mark.parametrize(
    ("line", "is_error"),
    [
        (CALL, False),
        (CALL | {"server_errors": 1}, True),
        ({"level": "ERROR", "logger": "billing.services.refunding"}, True),
        # The line of the same request counts it.
        ({"level": "ERROR", "logger": "django.request"}, False),
        ({"level": "WARNING", "logger": "config.outages"}, False),
    ],
)
def test_what_failed_is_counted_once(line, is_error):
    assert watching._is_error(line) is is_error


def test_costs_can_be_worked_out_from_raw_lines():
    raw = [watching._written((AT, "qa", line)) for line in ("Hello.", CALL)]

    assert pace_of_log(raw).warm_ms == Decimal("12.5")


def test_who_follows_is_told_each_line_once_and_asks_for_no_old_ones(monkeypatch):
    asked = []

    def lines(stage, since):
        asked.append(since)
        at = AT + timedelta(minutes=len(asked))
        there = [("old", (AT, "qa", "old")), (f"new {len(asked)}", (at, "qa", "new"))]
        return [line for line in there if line[1][0] >= since]

    monkeypatch.setattr(watching, "_lines", lines)
    monkeypatch.setattr(watching, "PAUSE", 0)
    told = watching.logs(SimpleNamespace(), AT, follow=True, raw=True)

    assert [next(told) for _ in range(4)] == ["old", "new", "new", "new"]
    assert asked == [AT, AT, AT]
    assert [next(told) for _ in range(3)] == ["new"] * 3
    assert asked[-1] == AT + timedelta(minutes=3)
