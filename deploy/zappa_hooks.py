"""
What `zappa` does our way, also typed by hand: zappa_settings.json names `prepare` as the
callback that follows the reading of a stage's settings.

`package`, `deploy` and `update` then take the one zip of `deploy.package`, and Zappa's own
is never built.
"""

import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

# Zappa loads this file by its path, from wherever its program lies.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from click import ClickException
from zappa.cli import ZappaCLI

from deploy import package, rendering
from deploy.checks import Unfit

# What writes an account's bucket, role and network into AWS.
OF_AN_ACCOUNT = ("deploy", "update", "template")


def prepare(cli: ZappaCLI) -> None:
    """:raises ClickException: if what differs per account is not to be found"""
    # Zappa insists on the environment that it would have packaged.
    os.environ.setdefault("VIRTUAL_ENV", sys.prefix)
    cli.create_package = partial(create_package, cli)
    if cli.command in OF_AN_ACCOUNT and "role_arn" not in cli.stage_config:
        fill(cli)


def create_package(cli: ZappaCLI, output: str | None = None) -> None:
    """
    :raises ClickException: if there is no package that could run on Lambda
    """
    # Zappa deletes what it uploaded; what `make package` built stays.
    path = Path(output or package.BUILD / f"{cli.lambda_name}.zip").resolve()
    try:
        package.build(path)
    except Unfit as error:
        raise ClickException(f"No package: {error}") from error
    cli.zip_path = str(path)


def fill(cli: ZappaCLI) -> None:
    """Have Zappa read its settings anew, with the account's values in them."""
    stage = rendering.web_stage(cli.api_stage)
    try:
        filled = rendering.fill(stage, cli.zappa_settings, rendering.values(stage))
    except rendering.Unrendered as error:
        raise ClickException(str(error)) from error
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(filled, file)
        file.flush()
        cli.load_settings(file.name)
