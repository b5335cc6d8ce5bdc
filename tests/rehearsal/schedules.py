"""What EventBridge would send to the functions of an account, by its own rules."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.rehearsal.environments import REGION, Event
from tests.rehearsal.gateway import ACCOUNT


@dataclass(frozen=True)
class Delivery:
    rule: str
    function: str
    event: Event


def deliveries(client: Any) -> Iterator[Delivery]:
    """One for each target of each rule that is on."""
    for page in client.get_paginator("list_rules").paginate():
        for rule in page["Rules"]:
            if rule["State"] == "ENABLED":
                yield from _of_rule(client, rule)


def _of_rule(client: Any, rule: dict[str, Any]) -> Iterator[Delivery]:
    for target in client.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
        event = scheduled_event(rule["Arn"])
        if transformer := target.get("InputTransformer"):
            event = json.loads(_transformed(transformer, event))
        yield Delivery(rule["Name"], target["Arn"].split(":")[6], event)


def scheduled_event(rule_arn: str) -> Event:
    """As EventBridge makes it when a rule's time has come."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [rule_arn],
        "detail": {},
    }


def _transformed(transformer: dict[str, Any], event: Event) -> str:
    """The template with each <name> replaced by what its path leads to, as JSON."""
    paths = transformer["InputPathsMap"]

    def value(name: re.Match[str]) -> str:
        return json.dumps(event[paths[name[1]].removeprefix("$.")])

    return re.sub(r"<([\w-]+)>", value, transformer["InputTemplate"])
