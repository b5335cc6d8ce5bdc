"""
The steps of a rehearsal, in their order: from an empty account to a stage that was
deployed, used, updated, taken back and removed. Each says what it saw in a few words.
"""

import base64
import json
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import environ
import MySQLdb
from cfnlint.decode import cfn_yaml

from deploy import rendering
from tests.journeys.main_job import main_job
from tests.rehearsal.aws import ROOT
from tests.rehearsal.schedules import Delivery, deliveries, scheduled_event
from tests.rehearsal.world import (
    DOMAIN,
    PROJECT,
    SITE,
    WEBHOOK_SECRET,
    Readers,
    World,
    digest,
    function_name,
    write_settings,
)

TEMPLATE = ROOT / "deploy" / "infrastructure" / "stage.yaml"
# What moto makes of it. Its databases are names; ours is a server, outside of AWS.
MADE = (
    "Network",
    "PrivateSubnetA",
    "PrivateSubnetB",
    "FunctionGroup",
    "DeployBucket",
    "MediaBucket",
    "ExecutionRole",
    # moto makes none, and lets others refer to it.
    "Secret",
    "WebLog",
    "WorkerLog",
)
SECRET_KEY = "only-for-a-rehearsal-" * 4
KEEP_WARM = "handler.keep_warm_callback"
# Not the API, which strangers may ask so and so often.
PAGES = ("/", "/blog/pricing-a-day-of-work/", "/readyz")
FIRST_SECONDS = 10


class Wrong(Exception):
    """A step saw something else than it should."""


class Step(NamedTuple):
    name: str
    act: Callable[[World], str]


def make_infrastructure(world: World) -> str:
    """The stage's own stack, as far as moto goes, and its secret, to which moto does not."""
    template = json.loads(json.dumps(cfn_yaml.load(str(TEMPLATE)), default=str))
    template.pop("Rules", None)
    del template["Parameters"]["NatImage"]
    template["Resources"] = {name: template["Resources"][name] for name in MADE}
    for name in ("DeployRoleArn", "DatabaseHost", "SecretsArn"):
        del template["Outputs"][name]
    stack = f"{PROJECT}-infra-{world.stage}"
    client = world.aws.client("cloudformation")
    client.create_stack(
        StackName=stack,
        TemplateBody=json.dumps(template),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in (
                ("Stage", world.stage),
                ("Domain", DOMAIN),
                # Always on: connections are kept, and can be lost.
                ("Database", "rds"),
            )
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    made = client.describe_stack_resources(StackName=stack)["StackResources"]
    _make_secret(world, f"{stack}-secret")
    return f"{len(made)} resources of the stage's template"


def render_settings(world: World) -> str:
    settings = rendering.fill(
        world.stage, rendering.load(), rendering.values(world.stage)
    )
    for part in (world.stage, world.worker):
        # It would build the package, which is here already.
        del settings[part]["callbacks"]
        variables = settings[part]["aws_environment_variables"]
        if variables["STAGE"] == "prod":
            # Where a stand-in for Stripe is refused, as it should be.
            variables["STAGE"] = "rehearsal"
    write_settings(world, settings)
    return f"{len(settings[world.stage]['aws_environment_variables'])} variables"


def upload(world: World) -> str:
    first = _upload(world, world.zip_file)
    _upload(world, _another_zip(world))
    return f"{world.zip_file.stat().st_size / 1e6:.1f} MB to {first.split('/')[2]}"


def deploy_worker(world: World) -> str:
    world.zappa("deploy", world.worker, "--zip", _address(world, world.zip_file))
    return _limits(world, world.worker)


def deploy_web(world: World) -> str:
    """And the domain, which a stack of its own brings to a stage once."""
    world.zappa("deploy", world.stage, "--zip", _address(world, world.zip_file))
    client = world.aws.client("apigateway")
    (api,) = client.get_rest_apis()["items"]
    client.create_domain_name(domainName=DOMAIN)
    client.create_base_path_mapping(
        domainName=DOMAIN, restApiId=api["id"], stage=world.stage
    )
    return _limits(world, world.stage)


def manage(command: str) -> Callable[[World], str]:
    def run(world: World) -> str:
        output = world.zappa("manage", world.worker, command)
        lines = [line for line in output.splitlines() if line.startswith("REPORT")]
        return lines[-1].split("\t")[1].strip() if lines else "done"

    return run


def read_first_page(world: World) -> str:
    """From a cold function, on the domain; then once more."""
    session = world.session()
    took = []
    for _ in range(2):
        begun = time.monotonic()
        answer = session.get(f"{SITE}/readyz", timeout=60)
        took.append(time.monotonic() - begun)
        _must(answer.text == "ok", f"/readyz said {answer.status_code} {answer.text}")
    _must(took[0] < FIRST_SECONDS, f"the first answer took {took[0]:.1f} s")
    return f"cold {took[0] * 1000:.0f} ms, then {took[1] * 1000:.0f} ms"


def walk_main_job(world: World) -> str:
    main_job(world.shop())
    return "an owner invoiced, a customer paid"


def send_schedules(world: World) -> str:
    """Each twice, as EventBridge may. And the keep-warm, be it on in this stage or not."""
    events = list(deliveries(world.aws.client("events")))
    expected = sum(
        len(world.settings[part]["events"]) for part in (world.stage, world.worker)
    )
    if world.settings[world.stage]["keep_warm"]:
        expected += 1
    else:
        rule = f"arn:aws:events:x:1:rule/{world.stage}-{KEEP_WARM}"
        name = function_name(world.stage)
        events.append(Delivery(KEEP_WARM, name, scheduled_event(rule)))
        expected += 1
    _must(len(events) == expected, f"{len(events)} rules instead of {expected}")
    for delivery in events * 2:
        world.aws.function(delivery.function).invoke(delivery.event)
    return ", ".join(sorted(delivery.rule.split("-")[-1] for delivery in events))


def sleep_a_night(world: World) -> str:
    """Frozen, while the database closes every connection; then everybody comes back."""
    world.aws.freeze()
    closed = kill_connections(world.database_url)
    world.aws.thaw()
    _must(closed > 0, "no connection was open that could have been closed")
    answer = world.session().get(f"{SITE}/blog/pricing-a-day-of-work/", timeout=60)
    _must(answer.ok, f"a page said {answer.status_code}")
    world.shop().run_tasks()
    return f"{closed} connections closed, made again"


def update_while_read(world: World) -> str:
    other = _another_zip(world)
    with Readers(world, *PAGES) as readers:
        for part in (world.worker, world.stage):
            world.zappa("update", part, "--zip", _address(world, other))
        time.sleep(1)
    return _read_through(readers, world, other)


def roll_back_while_read(world: World) -> str:
    with Readers(world, *PAGES) as readers:
        world.zappa("rollback", world.stage, "-n", "1")
        time.sleep(1)
    return _read_through(readers, world, world.zip_file)


def look_at_memory(world: World) -> str:
    peaks = world.aws.peaks
    over = [name for name, (used, limit) in peaks.items() if used > limit]
    _must(not over, f"{over} took more memory than the stage has")
    return ", ".join(
        f"{name.removeprefix(f'{PROJECT}-')} {used} of {limit} MB"
        for name, (used, limit) in sorted(peaks.items())
    )


def undeploy(world: World) -> str:
    for part in (world.stage, world.worker):
        world.zappa("undeploy", part, "--yes")
    return "web, then worker"


def look_what_is_left(world: World) -> str:
    aws = world.aws
    left = {
        "functions": aws.client("lambda").list_functions()["Functions"],
        "APIs": aws.client("apigateway").get_rest_apis()["items"],
        "rules": aws.client("events").list_rules()["Rules"],
        "stacks": [
            stack["StackName"]
            for stack in aws.client("cloudformation").describe_stacks()["Stacks"]
            if "-infra-" not in stack["StackName"]
        ],
    }
    forgotten = {name: found for name, found in left.items() if found}
    _must(not forgotten, f"still there: {forgotten}")
    buckets = aws.client("s3").list_buckets()["Buckets"]
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    return f"{len(buckets)} buckets, {len(groups)} logs, secret, roles, database"


def steps(stage: str) -> list[Step]:
    worker = f"{stage}_worker"
    return [
        Step("infrastructure", make_infrastructure),
        Step("settings", render_settings),
        Step("upload", upload),
        Step(f"zappa deploy {worker}", deploy_worker),
        *(
            Step(f"zappa manage {worker} {command.split()[0]}", manage(command))
            for command in ("migrate --no-input", "createcachetable", "load_demo")
        ),
        Step(f"zappa deploy {stage}", deploy_web),
        Step("first answers", read_first_page),
        Step("main job", walk_main_job),
        Step("schedules, each twice", send_schedules),
        Step("a night, frozen", sleep_a_night),
        Step("zappa update while pages are read", update_while_read),
        Step("zappa rollback while pages are read", roll_back_while_read),
        Step("memory", look_at_memory),
        Step("zappa undeploy", undeploy),
        Step("what is left", look_what_is_left),
    ]


def kill_connections(database_url: str) -> int:
    """What a failover, or a night, does to the connections of a frozen function."""
    place = environ.Env.db_url_config(database_url)
    connection = MySQLdb.connect(
        host=place["HOST"],
        port=int(place["PORT"] or 3306),
        user=place["USER"],
        passwd=place["PASSWORD"],
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM information_schema.processlist"
            " WHERE id <> CONNECTION_ID() AND user = %s AND db = %s",
            [place["USER"], place["NAME"]],
        )
        numbers = [number for (number,) in cursor.fetchall()]
        for number in numbers:
            cursor.execute(f"KILL {number}")
    return len(numbers)


def _make_secret(world: World, name: str) -> None:
    """And say in the environment what moto's stack does not: where secret and data are."""
    database = _database(world)
    secret = world.aws.client("secretsmanager").create_secret(
        Name=name,
        SecretString=json.dumps(
            database
            | {
                "EMAIL_URL": f"filemail:///{world.folder / 'mail'}",
                "SECRET_KEY": SECRET_KEY,
                "STRIPE_API_BASE": world.stripe.url,
                "STRIPE_API_KEY": "sk_test_rehearsal",
                "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
            }
        ),
    )
    os.environ[rendering.variable_of("SecretsArn")] = secret["ARN"]
    os.environ[rendering.variable_of("DatabaseHost")] = database["DATABASE_HOST"]


def _database(world: World) -> dict[str, str]:
    place = environ.Env.db_url_config(world.database_url)
    return {
        f"DATABASE_{name}": str(place[name])
        for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")
        if place[name]
    }


def _another_zip(world: World) -> Path:
    """The next release: the same site, and a file more."""
    other = world.folder / "next.zip"
    if not other.exists():
        other.write_bytes(world.zip_file.read_bytes())
        with zipfile.ZipFile(other, "a") as archive:
            archive.writestr("next_release.txt", "A file more.\n")
    return other


def _upload(world: World, path: Path) -> str:
    address = _address(world, path)
    _, _, bucket, key = address.split("/", 3)
    world.aws.client("s3").upload_file(str(path), bucket, key)
    return address


def _address(world: World, path: Path) -> str:
    bucket = world.settings[world.stage]["s3_bucket"]
    return f"s3://{bucket}/zips/{digest(path)}.zip"


def _limits(world: World, part: str) -> str:
    found: dict[str, Any] = world.aws.client("lambda").get_function_configuration(
        FunctionName=function_name(part)
    )
    return f"{found['MemorySize']} MB, {found['Timeout']} s"


def _read_through(readers: Readers, world: World, path: Path) -> str:
    now = base64.b64decode(world.zip_of(world.stage)).hex()
    _must(now == digest(path), f"the function has the zip {now[:12]}")
    _must(not readers.failures, f"failed meanwhile: {readers.failures[:5]}")
    _must(readers.answers > 0, "nobody read meanwhile")
    return f"{readers.answers} answers, none failed, slowest {readers.slowest:.1f} s"


def _must(fact: bool, otherwise: str) -> None:
    if not fact:
        raise Wrong(otherwise)
