from datetime import UTC, datetime

import pytest

from billing.gateway import events

ROW = {
    "id": "evt_1",
    "object": "event",
    "type": "refund.created",
    "created": 0,
    "data": {"object": {"id": "re_1"}},
    "livemode": False,
}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"account": "acct_other"}, "another account"),
        ({"context": "org_1/acct_other"}, "another account"),
        ({"object": "balance"}, "it is no event"),
        ({"data": {"object": None}}, "it is not made as events are"),
        ({"data": {}}, "it is not made as events are"),
    ],
)
def test_one_that_cannot_be_read_is_said_and_not_raised(monkeypatch, more, why):
    monkeypatch.setattr(events, "listed", lambda *_, **__: iter([ROW | more, ROW]))
    day = datetime(2026, 3, 1, tzinfo=UTC)

    unread, event = events.list_events(day, day, ["refund.created"])

    assert isinstance(unread, events.Unread)
    assert (unread.id, unread.type) == ("evt_1", "refund.created")
    assert why in unread.why
    assert isinstance(event, events.Event)
    assert event.object_id == "re_1"
