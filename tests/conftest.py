"""Fixtures used by more than one folder."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.core import mail
from django.core.cache import cache
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django_tasks_db.management.commands import db_worker
from django_tasks_db.models import DBTaskResult
from rest_framework.test import APIClient

from accounts.api.throttles import AnonymousThrottle, UserThrottle
from accounts.models import Business, User
from accounts.roles import Role
from billing.gateway.client import stripe_client
from blog.api import reads
from invoices import guards
from tests import migrated
from tests.api import speaking_as
from tests.asking import only_outside_transactions
from tests.factories import BusinessFactory, MembershipFactory
from tests.journeys.shop import Shop
from tests.slow import is_slow
from tests.stand_in import StandIn

RunTasks = Callable[..., int]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item.path):
            item.add_marker(pytest.mark.thorough)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """
    SQLite in a file: in memory, a live server's threads would share one connection, and
    with it each other's transactions.
    """
    database = settings.DATABASES["default"]
    if is_sqlite():
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        migrated.copy_to(file)
        database.setdefault("TEST", {})["NAME"] = str(file)


def is_sqlite() -> bool:
    return settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """A copy of what was migrated before is migrated no further than it needs."""
    return django_db_keepdb or is_sqlite()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Between tests all tables are emptied, of rows as well that nobody may delete."""
    if is_sqlite():
        migrated.keep(Path(connection.settings_dict["NAME"]))
    # Of the class: a browser's thread has a connection for each of its contexts.
    operations: Any = type(connection.ops)
    flush = operations.execute_sql_flush

    def without_guards(self: Any, statements: list[str]) -> None:
        with guards.lifted(self.connection, "between tests"):
            flush(self, statements)

    operations.execute_sql_flush = without_guards


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """A hash worth an attacker's while is not worth ours."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=hashers):
        yield


@pytest.fixture(scope="session", autouse=True)
def no_network_in_transactions() -> Iterator[None]:
    with only_outside_transactions():
        yield


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads and documents of a test stay in its own folder."""
    # Model fields hold the storages themselves, so a changed setting would not do.
    for alias in ("default", "documents"):
        for name in ("base_location", "location"):
            monkeypatch.setitem(vars(storages[alias]), name, str(tmp_path / alias))


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test is throttled for what another asked, or answered as another was."""
    cache.clear()
    for throttle in (AnonymousThrottle, UserThrottle):
        monkeypatch.setattr(throttle, "minute", -1)
    # Factories change what everybody reads without telling. So nothing fits on the
    # shelf, but where a test asks for it.
    reads.SHELF.clear()
    monkeypatch.setattr(reads.SHELF, "largest", 0)


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def run_tasks(monkeypatch: pytest.MonkeyPatch) -> RunTasks:
    """Run all tasks that are ready, and those they cause, as the real worker does."""
    # As in Django's test client: the transaction around the test must not be closed.
    monkeypatch.setattr(db_worker, "close_old_connections", lambda: None)

    def run(*, may_fail: bool = False) -> int:
        failed = set(DBTaskResult.objects.failed().values_list("pk", flat=True))
        worker = db_worker.Worker(
            queue_names=["*"],
            interval=0,
            batch=True,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id="tests",
            excluded_queue_names=[],
        )
        worker.run()
        if not may_fail:
            new = DBTaskResult.objects.failed().exclude(pk__in=failed)
            assert [task.traceback for task in new] == []
        return worker._run_tasks

    return run


@pytest.fixture
def business() -> Business:
    return BusinessFactory()


@pytest.fixture
def owner(business: Business) -> User:
    return MembershipFactory(business=business, role=Role.OWNER).user


@pytest.fixture
def desk(client: Client, owner: User) -> Client:
    """The back office, as the owner of `business` sees it."""
    client.force_login(owner)
    return client


@pytest.fixture
def api(owner: User) -> APIClient:
    """The API, as the owner of `business` speaks to it."""
    return speaking_as(owner)


@pytest.fixture
def shop(live_server, settings: LazySettings, run_tasks: RunTasks) -> Iterator[Shop]:
    """The site on a socket with the demo in it, and a Stripe that believes in it."""
    secret = "whsec_journey"
    webhook = f"{live_server.url}/stripe/webhook/"
    with StandIn(webhook_url=webhook, secret=secret, retry_delays=(0, 0)) as stripe:
        settings.SITE_URL = live_server.url
        settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
        settings.STRIPE_API_BASE = stripe.url
        settings.STRIPE_WEBHOOK_SECRETS = [secret]
        settings.SECURE_CSP = settings.SECURE_CSP | {
            "form-action": [*settings.SECURE_CSP["form-action"], stripe.url]
        }
        stripe_client.cache_clear()
        call_command("load_demo", verbosity=0)
        run_tasks()
        yield Shop(
            live_server.url,
            stripe,
            run_tasks,
            lambda: [sent.message() for sent in mail.outbox],
        )
        stripe_client.cache_clear()
