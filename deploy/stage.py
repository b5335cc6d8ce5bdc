"""
A stage as AWS has it: two functions of one zip, and what Zappa is told about them.

`qa` answers HTTP; `qa_worker` migrates and runs the schedules. Zappa creates, updates,
asks and removes them, by its own command; what it leaves out is asked of AWS here.
"""

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from deploy import rendering
from deploy.bucket import Bucket

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "release"
ZAPPA = Path(sys.executable).with_name("zappa")
# Of a stack that never stood: of some, CloudFormation keeps no more than the name.
NEVER_MADE = (
    "",
    "CREATE_FAILED",
    "DELETE_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
)
# Seconds between two looks at what AWS has not finished, and in all: less than a lock
# lasts.
PAUSE = 3
PATIENCE = 15 * 60

# What `install` did, of which the first two gave the stage an address.
NEW = CREATED, MADE_ANEW = ("created", "made anew")
UPDATED = "updated"
# A line of an exception, of Zappa's own refusal, of one of Django's checks, or of Lambda's
# end of an invocation; not the one that only says that there was one.
ERROR = re.compile(
    r"(?:\[ERROR\]\s+)?(?!Error: Unhandled)"
    r"([\w.]*(?:Error|Exception|Failed)\b: .+"
    r"|\S+: \(\w+\.[EC]\d+\) .+|.*\bTask timed out after .+)"
)

type Settings = Mapping[str, Mapping[str, Any]]


class ZappaFailed(Exception):
    """Zappa refused, or what it ran failed; the message carries the reason it gave."""


@dataclass(frozen=True)
class Stage:
    """
    :param settings: Zappa's for `name` and for its worker, complete, without `extends`
    :param address: where the stage answers
    """

    name: str
    settings: Settings
    address: str
    bucket: Bucket

    @property
    def worker(self) -> str:
        return f"{self.name}_worker"

    @property
    def parts(self) -> tuple[str, str]:
        return self.worker, self.name

    @property
    def log(self) -> Path:
        """What Zappa printed, of every run."""
        return FOLDER / f"{self.name}.log"

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=self.settings[self.name]["aws_region"])

    def function_name(self, part: str) -> str:
        project = self.settings[part]["project_name"]
        return f"{project}-{part}".replace("_", "-")

    def configuration(self, part: str) -> dict[str, Any] | None:
        """What AWS says of the function; None if there is none."""
        try:
            found: dict[str, Any] = self.client("lambda").get_function_configuration(
                FunctionName=self.function_name(part)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        found.pop("ResponseMetadata", None)
        return found

    @staticmethod
    def zip_of(configuration: Mapping[str, Any]) -> str:
        """The SHA-256 of the zip that a function has."""
        return base64.b64decode(configuration["CodeSha256"]).hex()

    def has(self, part: str, digest: str, settings: Settings) -> bool:
        """Whether the function is what this zip and these settings make of it."""
        there = self.configuration(part)
        return (
            there is not None
            and self.zip_of(there) == digest
            and _is_configured(there, settings[part])
            and self._is_whole(part, self.stack_status(part))
        )

    def install(self, part: str, digest: str, settings: Settings) -> str:
        """
        Give a function this zip and these settings. What was done, in a word.

        :raises ZappaFailed: if Zappa could not, or would leave the gateway as it is
        :raises NotInBucket: if the zip is gone
        """
        source = ("--zip", self.bucket.zip_address(digest))
        if self._settled(part) is None:
            self.zappa("deploy", part, *source, settings=settings)
            return CREATED
        status = self.stack_status(part)
        if self._is_half_made(part, status):
            # `zappa update` leaves out the gateway, and `zappa deploy` refuses. It
            # cannot have served anybody.
            self.zappa("undeploy", part, "--yes", settings=settings)
            self.zappa("deploy", part, *source, settings=settings)
            return MADE_ANEW
        if status.endswith("_FAILED"):
            raise ZappaFailed(
                f"the stack {self.function_name(part)} is {status}: let CloudFormation"
                " finish what failed (its console says what that is), then deploy again"
            )
        self.zappa("update", part, *source, settings=settings)
        return UPDATED

    def renew(self, part: str, mark: str) -> None:
        """
        Let Lambda replace the function's environments, which any change of its variables
        makes it do. Zappa keeps a variable that it does not know.

        :raises ClientError: if there is no function
        """
        there = self._settled(part) or {}
        variables = there.get("Environment", {}).get("Variables", {})
        self.client("lambda").update_function_configuration(
            FunctionName=self.function_name(part),
            Environment={"Variables": variables | {"RESTARTED_AT": mark}},
        )
        self._settled(part)

    def manage(self, command: str) -> str:
        """
        Run a management command in the worker.

        :raises ZappaFailed: if it fails there
        """
        return self.zappa("manage", self.worker, command, settings=self.settings)

    def zappa(
        self, verb: str, part: str, *arguments: str, settings: Settings | None = None
    ) -> str:
        """
        What Zappa printed.

        :raises ZappaFailed: if it ended with an error
        """
        FOLDER.mkdir(parents=True, exist_ok=True)
        file = FOLDER / f"{self.name}.json"
        file.write_text(json.dumps(settings or self.settings, indent=2))
        run = subprocess.run(
            [str(ZAPPA), verb, part, *arguments, "--settings_file", str(file)],
            # It leaves files where it stands.
            cwd=FOLDER,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with self.log.open("a") as log:
            log.write(f"$ zappa {verb} {part} {' '.join(arguments)}\n{run.stdout}\n")
        if run.returncode != 0:
            said = [word for word in arguments if not word.startswith(("-", "s3://"))]
            command = " ".join(["zappa", verb, part, *said])
            raise ZappaFailed(
                f"`{command}` failed: {_reason(run.stdout)}"
                f" (its whole output is in {self.log.relative_to(ROOT)})"
            )
        return run.stdout

    def stack_status(self, part: str) -> str:
        """Of the stack in which Zappa keeps the gateway; empty if there is none."""
        if not self._has_gateway(part):
            # Nor may whoever deploys ask for one.
            return ""
        try:
            answer = self.client("cloudformation").describe_stacks(
                StackName=self.function_name(part)
            )
        except ClientError as error:
            # CloudFormation's way of saying that there is no such stack.
            if error.response["Error"]["Code"] == "ValidationError":
                return ""
            raise
        return str(answer["Stacks"][0]["StackStatus"])

    def _settled(self, part: str) -> dict[str, Any] | None:
        """
        The function, once nothing that was interrupted is still going on in AWS.

        :raises ZappaFailed: if that takes longer than `PATIENCE`
        """
        until = time.monotonic() + PATIENCE
        while True:
            status, there = self.stack_status(part), self.configuration(part)
            if not _is_moving(status, there or {}):
                return there
            if time.monotonic() > until:
                raise ZappaFailed(
                    f"AWS is still busy with {self.function_name(part)} after"
                    f" {PATIENCE // 60} minutes: deploy again when it is done"
                )
            time.sleep(PAUSE)

    def _is_half_made(self, part: str, status: str) -> bool:
        """Whether there is a function that should have a gateway, and never had one."""
        return self._has_gateway(part) and status in NEVER_MADE

    def _is_whole(self, part: str, status: str) -> bool:
        is_there = status.endswith("_COMPLETE") and status not in NEVER_MADE
        return is_there or not self._has_gateway(part)

    def _has_gateway(self, part: str) -> bool:
        return bool(self.settings[part].get("apigateway_enabled", True))


def load(name: str) -> Stage:
    """
    The stage as this checkout and this account describe it.

    `EXECUTE_API_URL` is where API Gateway's stages are found when it is not Amazon's.

    :raises rendering.Unrendered: if something about the account is not known
    """
    file = rendering.fill(name, rendering.load(), rendering.values(name))
    # Zappa would fill in by its callback what is filled in here, or was by then.
    settings = {
        part: {key: value for key, value in file[part].items() if key != "callbacks"}
        for part in (name, f"{name}_worker")
    }
    web = settings[name]
    address = web["aws_environment_variables"]["SITE_URL"]
    if gateway := os.environ.get("EXECUTE_API_URL"):
        address = f"{gateway}/{name}"
    return Stage(
        name,
        settings,
        address,
        Bucket(boto3.client("s3", region_name=web["aws_region"]), web["s3_bucket"]),
    )


def _is_moving(status: str, there: Mapping[str, Any]) -> bool:
    return (
        (status.endswith("IN_PROGRESS") and status not in NEVER_MADE)
        or there.get("State") == "Pending"
        or there.get("LastUpdateStatus") == "InProgress"
    )


def _is_configured(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    # Zappa keeps variables that the settings no longer name.
    variables = there.get("Environment", {}).get("Variables", {})
    return bool(
        there["Handler"] == wanted["lambda_handler"]
        and there["Runtime"] == wanted["runtime"]
        and there["MemorySize"] == wanted["memory_size"]
        and there["Timeout"] == wanted["timeout_seconds"]
        and variables == variables | wanted.get("aws_environment_variables", {})
    )


def _reason(output: str) -> str:
    """What Zappa, or the command that it ran, says is wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [found[1] for line in lines if (found := ERROR.match(line))]
    return (errors or lines or ["it said nothing"])[-1].rstrip(".")
