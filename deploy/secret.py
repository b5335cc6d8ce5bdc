"""
What a stage must know and nobody else: `python -m deploy.secret dev`.

Asks for what is missing, without showing it, and makes what nobody needs to choose. With
names, asks for those anew. What the secret already holds, the database's password above
all, stays; nothing of it is ever printed, nor in the shell's history.
"""

import argparse
import getpass
import json
import secrets
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy import rendering

# What each is, for the person who is asked.
ASKED = {
    "STRIPE_API_KEY": "Stripe's restricted key of this stage's mode, rk_…",
    "STRIPE_WEBHOOK_SECRETS": "signing secret of the endpoint /stripe/webhook/, whsec_…",
    "EMAIL_URL": "smtp+tls://user:password@host:587",
}
MADE = "SECRET_KEY"


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill in a stage's secret.")
    parser.add_argument("stage")
    parser.add_argument("names", nargs="*", metavar="NAME", help="to be asked for anew")
    options = parser.parse_args()
    try:
        arn = rendering.values(options.stage)["SecretsArn"]
        changed = fill(_client(), arn, options.names, _ask)
    except (BotoCoreError, ClientError, rendering.Unrendered) as error:
        sys.exit(f"{options.stage}: {error}")
    if changed:
        print(f"Written: {', '.join(changed)}.")
        print(f"Functions that run read it after `make restart STAGE={options.stage}`.")
    else:
        print("Nothing is missing, and nothing was changed.")


def fill(
    client: Any, arn: str, names: Collection[str], ask: Callable[[str], str]
) -> list[str]:
    """
    Add to the secret what it lacks, and replace what `names` says. The names of what was
    written. What is answered with nothing is left as it is.

    :param ask: the value for a name, from a person
    """
    known = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
    asked = {
        name: ask(name)
        # One that is both is asked for once.
        for name in dict.fromkeys((*ASKED, *names))
        if _is_due(name, known, names)
    }
    new = {name: value for name, value in asked.items() if value}
    if MADE not in known and MADE not in new:
        new[MADE] = secrets.token_urlsafe(50)
    if new:
        client.put_secret_value(SecretId=arn, SecretString=json.dumps(known | new))
    return sorted(new)


def _is_due(name: str, known: Mapping[str, str], names: Collection[str]) -> bool:
    return name in names or name not in known


def _ask(name: str) -> str:
    hint = ASKED.get(name, "")
    if sys.stdin.isatty():
        return getpass.getpass(f"{name} ({hint}): " if hint else f"{name}: ").strip()
    return sys.stdin.readline().strip()


def _client() -> Any:
    region = rendering.load()["common"]["aws_region"]
    return boto3.client("secretsmanager", region_name=region)


if __name__ == "__main__":
    main()
