"""Thin events: what Stripe sends to an endpoint that asked for no snapshots."""

from datetime import UTC, datetime
from typing import Any

import stripe
from stripe.events._event_classes import get_v2_event_notification_class

Object = dict[str, Any]


def thin(event: Object) -> Object:
    """Tells of the same as a snapshot event. The SDK must know its type, and read it."""
    subject = event["data"]["object"]
    at = datetime.fromtimestamp(event["created"], UTC)
    body = {
        "id": event["id"].replace("evt_", "evt_test_65"),
        "object": "v2.core.event",
        "type": f"v1.{event['type']}",
        "created": at.isoformat().replace("+00:00", "Z"),
        "livemode": event["livemode"],
        "context": None,
        "reason": None,
        "related_object": {
            "id": subject["id"],
            "type": subject["object"],
            "url": f"/v1/{subject['object'].replace('.', '/')}s/{subject['id']}",
        },
        "snapshot_event": event["id"],
    }
    known = get_v2_event_notification_class(body["type"])
    assert known.__name__.startswith("V1"), body["type"]
    known(body, stripe.StripeClient("sk_test_thin"))
    return body
