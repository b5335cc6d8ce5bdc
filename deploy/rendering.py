"""
What differs per account, put into a stage's settings: `python -m deploy.rendering STAGE`.

`zappa_settings.json` is the same for everybody. Bucket, role, network, domain and the
address of the secret are outputs of the stage's stack, or variables of the environment;
the secret's content is neither, and is read by the function itself.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "zappa_settings.json"
RENDERED = ROOT / "build" / "zappa_settings.json"
# Of all names and values together: Lambda's own limit.
LARGEST_ENVIRONMENT = 4096

NEEDED = (
    "DeployBucket",
    "ExecutionRoleArn",
    "SubnetIds",
    "SecurityGroupIds",
    "SecretsArn",
    "DatabaseHost",
    "MediaBucket",
)
# A domain, or the name that API Gateway gave.
ADDRESSES = {"Domain", "SiteUrl"}
# Without an address of its own a stage has that of its API; the rest have defaults.
WELCOME = (*sorted(ADDRESSES), "MailFrom", "ConnectionMaxAge", "ConnectTimeout")
# Names of the function's variables for values that go there as they are.
VARIABLES = {
    "SecretsArn": "SECRETS_ARN",
    "DatabaseHost": "DATABASE_HOST",
    "MediaBucket": "MEDIA_BUCKET",
    "SiteUrl": "SITE_URL",
    "MailFrom": "DEFAULT_FROM_EMAIL",
    "ConnectionMaxAge": "CONN_MAX_AGE",
    "ConnectTimeout": "DATABASE_CONNECT_TIMEOUT",
}

type Settings = dict[str, Any]


class Unrendered(Exception):
    """A value is missing or too large; the message says which, and how to get it."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Write build/zappa_settings.json for a stage and its worker."
    )
    parser.add_argument("stage", help="a web stage of zappa_settings.json")
    stage = web_stage(parser.parse_args().stage)
    try:
        known = values(stage)
        rendered = fill(stage, load(), known)
    except Unrendered as error:
        sys.exit(f"Not rendered: {error}")
    for name, value in known.items():
        print(f"{name:18} {value}")
    RENDERED.parent.mkdir(parents=True, exist_ok=True)
    RENDERED.write_text(json.dumps(rendered, indent=4) + "\n")
    print(RENDERED.relative_to(ROOT))


def load() -> Settings:
    content: Settings = json.loads(SETTINGS.read_text())
    return content


def web_stage(stage: str) -> str:
    """The stage that a worker works for; itself, for one that answers requests."""
    return stage.removesuffix("_worker")


def variable_of(name: str) -> str:
    """The variable of the environment that stands in for an output."""
    return "INFRA" + re.sub(r"([A-Z])", r"_\1", name).upper()


def values(stage: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """
    What the stage's account says: the outputs of its stack, and over them the
    environment. With all that is needed and an address there, AWS is not asked.

    :param stage: web stage or its worker; both have the same
    :raises Unrendered: if one is missing
    """
    stage = web_stage(stage)
    said = {
        name: environ[variable_of(name)]
        for name in (*NEEDED, *WELCOME)
        if environ.get(variable_of(name))
    }
    if said.keys() >= set(NEEDED) and said.keys() & ADDRESSES:
        return said
    stack = stack_of(stage)
    outputs, problem = _outputs(stack)
    known = {name: value for name, value in (outputs | said).items() if value}
    for name in NEEDED:
        if name not in known:
            raise Unrendered(
                f"{problem or f'The stack {stack} has no output {name}'}."
                f" `python -m deploy.stack {stage}` makes it as it should be; instead"
                f" of it, {variable_of(name)} may be set."
            )
    if not known.keys() & ADDRESSES:
        known |= _address(stage)
    return known


def fill(stage: str, settings: Settings, known: Mapping[str, str]) -> Settings:
    """
    The whole file, with the web stage and its worker filled in.

    :raises Unrendered: if a function's variables would be too large for Lambda
    """
    filled = {
        name: apply(effective(name, settings), known)
        for name in (stage, f"{stage}_worker")
        if name in settings
    }
    return settings | filled


def effective(stage: str, settings: Settings) -> Settings:
    """
    A stage with what it extends, as Zappa reads it: what a stage says itself replaces
    the whole value of the same name, be it a list or a mapping.

    :raises Unrendered: if there is no such stage
    """
    if stage not in settings:
        raise Unrendered(f"zappa_settings.json has no stage {stage}.")
    own = dict(settings[stage])
    parent = own.pop("extends", None)
    return effective(parent, settings) | own if parent else own


def apply(stage_config: Mapping[str, Any], known: Mapping[str, str]) -> Settings:
    """
    One stage's effective settings with the account's values in them.

    :raises Unrendered: if the function's variables would be too large for Lambda
    """
    variables = (
        stage_config.get("aws_environment_variables", {})
        | _hosts(known, stage_config["aws_region"])
        | {VARIABLES[name]: known[name] for name in VARIABLES if name in known}
    )
    size = sum(len(text.encode()) for pair in variables.items() for text in pair)
    if size > LARGEST_ENVIRONMENT:
        largest = max(variables, key=lambda name: len(variables[name]))
        raise Unrendered(
            f"The function's variables take {size} bytes; Lambda allows"
            f" {LARGEST_ENVIRONMENT}. The largest is {largest}: shorten it, or move it"
            " into the stage's secret."
        )
    return {
        **stage_config,
        "s3_bucket": known["DeployBucket"],
        "role_arn": known["ExecutionRoleArn"],
        "vpc_config": {
            "SubnetIds": known["SubnetIds"].split(","),
            "SecurityGroupIds": known["SecurityGroupIds"].split(","),
        },
        "aws_environment_variables": variables,
    }


def _hosts(known: Mapping[str, str], region: str) -> dict[str, str]:
    if domain := known.get("Domain"):
        return {"SITE_URL": f"https://{domain}", "ALLOWED_HOSTS": domain}
    # Only API Gateway can reach the function, by a name it checked itself.
    return {"ALLOWED_HOSTS": f".execute-api.{region}.amazonaws.com"}


def _address(stage: str) -> dict[str, str]:
    """
    Where a stage without a domain is found. Before its first deploy nobody knows: then
    links in mails lead nowhere until it is rendered and updated once more. Those that
    pages lead on by name the stage and no host, so they are right.
    """
    if not (api := api_id(stage)):
        return {"SiteUrl": f"https://{stage}.not-deployed-yet.invalid/{stage}"}
    return {"SiteUrl": f"https://{api}.execute-api.{_region()}.amazonaws.com/{stage}"}


def api_id(stage: str) -> str:
    """Of the REST API that Zappa made for a web stage; empty before its first deploy."""
    try:
        resource = cloudformation().describe_stack_resource(
            StackName=f"{_project()}-{stage}", LogicalResourceId="Api"
        )
    except ClientError:
        return ""
    return str(resource["StackResourceDetail"]["PhysicalResourceId"])


def _outputs(stack: str) -> tuple[dict[str, str], str]:
    """The outputs of a stack; without any, the reason."""
    try:
        found = cloudformation().describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return {}, f"There is no stack {stack}"
        return {}, f"AWS did not tell about the stack {stack}: {error}".rstrip(".")
    except BotoCoreError as error:
        said = str(error).rstrip(".")
        who = "Your shell needs AWS_PROFILE, or the keys of the deploy role"
        return {}, f"AWS could not be asked for the stack {stack}: {said}. {who}"
    pairs = found.get("Outputs", [])
    return {pair["OutputKey"]: pair["OutputValue"] for pair in pairs}, ""


def stack_of(stage: str) -> str:
    return f"{_project()}-infra-{stage}"


def cloudformation() -> Any:
    return boto3.client("cloudformation", region_name=_region())


def _region() -> str:
    return str(load()["common"]["aws_region"])


def _project() -> str:
    return str(load()["common"]["project_name"])


if __name__ == "__main__":
    main()
