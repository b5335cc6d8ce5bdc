"""An AWS on loopback with three stages, and zips that hold little more than a handler."""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy import changing
from deploy.progress import Progress
from deploy.stage import load
from tests.rehearsal.aws import Aws, emulated_aws

ROLE = "arn:aws:iam::123456789012:role/run"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:s"
HANDLER = """
import json, os, pathlib, time
from urllib.parse import urlsplit

HERE = pathlib.Path(__file__).parent.parent
ODD = json.loads((HERE / "odd.json").read_text())
MANIFEST = json.loads((HERE / "build" / "static" / "staticfiles.json").read_text())
SHEET = "/static/" + MANIFEST["paths"]["css/site.css"]
STAGE = urlsplit(os.environ.get("SITE_URL", "")).path
ANSWERS = {
    "/healthz": "ok",
    "/readyz": "ok",
    "/": f'<link rel="stylesheet" href="{STAGE}{SHEET}"></html>',
    "/api/v1/posts/": '{"results": []}',
}

def handler(event, context):
    if "manage" in event:
        say("INFO", "Ran " + event["manage"])
        if event["manage"] == ODD.get("fails"):
            raise RuntimeError("Table invoices_invoice is locked.")
        return None
    path = event["path"]
    status = ODD.get(path, 200)
    say("ERROR" if status >= 500 else "INFO", "Request", path=path, status=status)
    static = HERE / "build" / path[1:]
    body = ANSWERS.get(path) or static.read_text()
    return {"statusCode": status, "headers": {}, "body": body}

def say(level, message, **fields):
    print(json.dumps({"level": level, "message": message, **fields}))
"""


@contextmanager
def account(variables: Mapping[str, str] | None = None) -> Iterator[Aws]:
    """
    With the outputs of each stage's infrastructure; none has a domain.

    :param variables: of every function, over its own
    """
    with emulated_aws(variables) as aws, pytest.MonkeyPatch.context() as patch:
        for name, value in aws.variables.items():
            patch.setenv(name, value)
        patch.setenv("INFRA_MAIL_FROM", "first@example.com")
        trusted = {"Service": ["lambda.amazonaws.com", "apigateway.amazonaws.com"]}
        statement = {
            "Effect": "Allow",
            "Principal": trusted,
            "Action": "sts:AssumeRole",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        aws.client("iam").create_role(RoleName="run", AssumeRolePolicyDocument=policy)
        for stage in ("dev", "qa", "prod"):
            aws.client("cloudformation").create_stack(
                StackName=f"paymyinvoice-infra-{stage}",
                TemplateBody=json.dumps(infrastructure(stage)),
            )
        yield aws


def infrastructure(stage: str) -> dict[str, object]:
    outputs = {
        "DeployBucket": f"zips-of-{stage}",
        "ExecutionRoleArn": ROLE,
        "SubnetIds": "subnet-a,subnet-b",
        "SecurityGroupIds": "sg-1",
        "SecretsArn": SECRET,
        "DatabaseHost": "db.example.com",
        "MediaBucket": "media",
    }
    bucket = {"BucketName": f"zips-of-{stage}"}
    return {
        "Resources": {"Deploy": {"Type": "AWS::S3::Bucket", "Properties": bucket}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


class Builder:
    """Makes zips that differ in their style sheet and in how they go wrong."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, mark: str, **odd: object) -> Path:
        content = f"/* {mark} */"
        name = f"css/site.{hashlib.sha256(content.encode()).hexdigest()[:12]}.css"
        manifest = json.dumps({"paths": {"css/site.css": name}})
        path = self._folder / f"{mark}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for member, text in (
                ("config/lambda_handler.py", HANDLER),
                ("odd.json", json.dumps(odd)),
                ("build/static/staticfiles.json", manifest),
                (f"build/static/{name}", content),
            ):
                # The same content has the same hash, whenever it is zipped.
                archive.writestr(zipfile.ZipInfo(member), text)
        return path


def deploy(
    stage: str,
    path: Path,
    progress: Progress | None = None,
    commands: Sequence[tuple[str, str]] = (("migrations", "migrate --no-input"),),
) -> Progress:
    progress = progress or Progress()
    with changing.hold(load(stage), progress) as change:
        change.patience, change.commands = 0, commands
        changing.deploy(change, path, f"commit of {path.stem}")
    return progress


def rollback(stage: str) -> None:
    with changing.hold(load(stage), Progress()) as change:
        changing.rollback(change)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def serving(stage: str) -> dict[str, str]:
    """The zip of each function, as Lambda says."""
    here = load(stage)
    there = {part: here.configuration(part) for part in here.parts}
    return {part: here.zip_of(found) for part, found in there.items() if found}


def both(stage: str, path: Path) -> dict[str, str]:
    return dict.fromkeys((f"{stage}_worker", stage), digest(path))


def results(progress: Progress) -> list[str]:
    return [step.result for step in progress.steps]


def has(stage: str, path: Path) -> bool:
    """Whether the stage's release is this zip, with the settings it has now."""
    here = load(stage)
    return here.bucket.record(stage).is_settled() and serving(stage) == both(
        stage, path
    )
