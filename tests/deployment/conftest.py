import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from deploy import package
from tests.database import private_mariadb
from tests.journeys.shop import Shop
from tests.rehearsal.environments import Configuration, Function
from tests.rehearsal.gateway import gateway
from tests.rehearsal.world import mails_in, session_through
from tests.stand_in import StandIn

DOMAIN = "pay.example.com"
SITE = f"https://{DOMAIN}"
SECRET = "whsec_package"
SCHEDULE = {
    "detail-type": "Scheduled Event",
    "resources": ["arn:aws:events:x:1:rule/fn-config.schedules.run_tasks"],
}


@pytest.fixture(scope="session")
def zip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("package") / "lambda.zip"
    package.build(output)
    return output


@pytest.fixture(scope="session")
def task(zip_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, unpacked as Lambda unpacks it."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(zip_file) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def shipped(task: Path) -> set[Path]:
    """What was there before anything ran."""
    return set(task.rglob("*"))


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    """An S3 on loopback with the stage's bucket; the variables that lead to it."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    place = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}"}
    # All of moto's servers in a process share what they keep.
    requests.post(f"{place['AWS_ENDPOINT_URL_S3']}/moto-api/reset", timeout=10)
    client = boto3.client(
        "s3",
        endpoint_url=place["AWS_ENDPOINT_URL_S3"],
        region_name="eu-central-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_bucket(
        Bucket="media",
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
    )
    yield place | {"MEDIA_BUCKET": "media"}
    server.stop()


@pytest.fixture(scope="module")
def stage(
    task: Path,
    shipped: set[Path],
    bucket: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SimpleNamespace]:
    """
    The stage `dev`: the function on a MariaDB of its own, migrated and with the demo
    loaded as an operator does it, and the stand-in for Stripe.
    """
    folder = tmp_path_factory.mktemp("stage")
    door = SimpleNamespace(function=None)
    with (
        private_mariadb() as database_url,
        gateway(lambda event: door.function.invoke(event), DOMAIN) as address,
        StandIn(
            webhook_url=f"{address}/stripe/webhook/", secret=SECRET, retry_delays=(0,)
        ) as stripe,
    ):
        variables = bucket | {
            "ALLOWED_HOSTS": DOMAIN,
            "DATABASE_URL": database_url,
            "EMAIL_URL": f"filemail:///{folder / 'mail'}",
            # Python says then which file it read each module from.
            "PYTHONVERBOSE": "1",
            "SECRET_KEY": "only-for-this-test-" * 4,
            "SITE_URL": SITE,
            "STAGE": "dev",
            "STRIPE_API_BASE": stripe.url,
            "STRIPE_API_KEY": "sk_test_package",
            "STRIPE_WEBHOOK_SECRETS": SECRET,
        }
        door.function = Function(task, Configuration(variables, timeout=120), folder)
        for command in ("migrate --no-input", "createcachetable", "load_demo"):
            door.function.invoke({"manage": command})
        yield SimpleNamespace(
            function=door.function,
            database_url=database_url,
            shop=Shop(
                SITE,
                stripe,
                lambda: door.function.invoke(SCHEDULE),
                lambda: mails_in(folder / "mail"),
                lambda: session_through(address, SITE),
            ),
        )
        door.function.stop()


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def moto(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty AWS on loopback, which boto3 finds by its own variables."""
    requests.post(f"{moto_endpoint}/moto-api/reset", timeout=10)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
