"""
What a stage stands on, made and changed: `python -m deploy.stack dev [Name=Value …]`.

Parameters come from deploy/infrastructure/choices.json and, over it, from the command.
What neither names stays as it is. `--domain` gives a deployed stage its own name;
`account` in place of a stage makes what an account has once.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy import rendering

FOLDER = Path(__file__).resolve().parent / "infrastructure"
STAGES = ("dev", "qa", "prod")
# Seconds between two looks at what CloudFormation has done.
PAUSE = 5.0
# What CloudFormation answers when a stack is as its template says.
UNCHANGED = "No updates are to be performed"


class NotBuilt(Exception):
    """The stack is not as its template says; the message says what stopped it."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Make or change what a stage stands on."
    )
    parser.add_argument("stage", choices=[*STAGES, "account"])
    parser.add_argument("values", nargs="*", metavar="Name=Value")
    parser.add_argument(
        "--domain",
        action="store_true",
        help="the stage's own name, once it is deployed",
    )
    options = parser.parse_intermixed_args()
    try:
        given = pairs(options.values)
        name, template, parameters = wanted(options.stage, given, domain=options.domain)
        outcome = build(name, template.read_text(), parameters)
    except (BotoCoreError, ClientError, NotBuilt, rendering.Unrendered) as error:
        sys.exit(f"{options.stage}: {error}")
    print(f"{name} {outcome}")


def pairs(values: Iterable[str]) -> dict[str, str]:
    """:raises NotBuilt: if one is not `Name=Value`"""
    for value in values:
        if "=" not in value:
            raise NotBuilt(f"{value!r} is no parameter: write Name=Value.")
    return {name: text for name, _, text in (value.partition("=") for value in values)}


def wanted(
    stage: str, given: dict[str, str], *, domain: bool
) -> tuple[str, Path, dict[str, str]]:
    """
    The stack's name, its template, and the parameters that are said anew.

    :raises NotBuilt: if a domain is to lead to a stage that has no API yet
    :raises rendering.Unrendered: if the stage has no stack yet
    """
    if stage == "account":
        stack = rendering.stack_of(stage).replace("infra-", "")
        return stack, FOLDER / "account.yaml", dict(given)
    if domain:
        if not (api := rendering.api_id(stage)):
            raise NotBuilt(
                f"There is nothing yet that a domain could lead to: `make deploy"
                f" STAGE={stage}` first."
            )
        known = {"Stage": stage, "ApiId": api, "Domain": _domain(stage)}
        stack = rendering.stack_of(stage).replace("infra", "domain")
        return stack, FOLDER / "domain.yaml", known | given
    chosen = json.loads((FOLDER / "choices.json").read_text())[stage]
    stack = rendering.stack_of(stage)
    return stack, FOLDER / "stage.yaml", {"Stage": stage} | chosen | given


def _domain(stage: str) -> str:
    if domain := rendering.values(stage).get("Domain"):
        return domain
    raise NotBuilt(
        "The stage was not told its domain: "
        f"`python -m deploy.stack {stage} Domain=pay.example.com` first."
    )


def build(stack: str, template: str, parameters: Mapping[str, str]) -> str:
    """
    Make the stack, or change it to what the template says; wait until that is done. What
    was done, in a word. Parameters that are not named keep their values.

    :raises NotBuilt: if CloudFormation could not; it has gone back to what was
    """
    client = rendering.cloudformation()
    there = _described(client, stack)
    summary = client.get_template_summary(TemplateBody=template)
    declared = {declared["ParameterKey"] for declared in summary["Parameters"]}
    before = {
        pair["ParameterKey"]: pair["ParameterValue"]
        for pair in there.get("Parameters", [])
        if pair["ParameterKey"] in declared
    }
    request = {
        "StackName": stack,
        "TemplateBody": template,
        "Capabilities": ["CAPABILITY_IAM"],
        "Tags": [{"Key": "app", "Value": "paymyinvoice"}],
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in (before | dict(parameters)).items()
        ],
    }
    # What is told below is what happens from now on.
    seen = {event["EventId"] for event in _events(client, stack)}
    if not there:
        client.create_stack(**request, OnFailure="DELETE")
        _watch(client, stack, seen)
        return "created"
    try:
        client.update_stack(**request)
    except ClientError as error:
        if UNCHANGED in str(error):
            return "as it was"
        raise
    _watch(client, stack, seen)
    return "updated"


def _described(client: Any, stack: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = client.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise
    return found


def _watch(client: Any, stack: str, seen: set[str]) -> None:
    """Print each resource as it is done; some take a quarter of an hour."""
    begun = time.monotonic()
    reason = ""
    while True:
        status = _described(client, stack).get("StackStatus", "DELETE_COMPLETE")
        for event in _news(client, stack, seen):
            what = f"{event['LogicalResourceId']} {event['ResourceStatus'].lower()}"
            print(f"{time.monotonic() - begun:4.0f} s · {what}", flush=True)
            if "FAILED" in event["ResourceStatus"] and not reason:
                reason = f"{what}: {event.get('ResourceStatusReason', '')}"
        if not status.endswith("_IN_PROGRESS"):
            break
        time.sleep(PAUSE)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise NotBuilt(f"{stack} is {status}, for {reason or 'a reason not told'}")


def _news(client: Any, stack: str, seen: set[str]) -> list[dict[str, Any]]:
    """Events that ended something since last asked, oldest first."""
    fresh = [e for e in _events(client, stack) if e["EventId"] not in seen]
    seen.update(event["EventId"] for event in fresh)
    return [e for e in reversed(fresh) if not e["ResourceStatus"].endswith("PROGRESS")]


def _events(client: Any, stack: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = client.describe_stack_events(StackName=stack)[
            "StackEvents"
        ]
    except ClientError:
        # None yet; or it could not be made and was taken away, events and all.
        return []
    return found


if __name__ == "__main__":
    main()
