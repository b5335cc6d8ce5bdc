"""
The deployed function, while its database goes and comes.

On a MariaDB of its own, or on MySQL with `MYSQL=9`, over verified TLS.
"""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import MySQLdb
import pytest

from tests.certificates import write_certificates
from tests.database import HOST, NAME, Server, private_server
from tests.mysql9 import chosen
from tests.rehearsal.environments import Configuration, Function, FunctionError
from tests.rehearsal.gateway import Answer, content_of, headers_of, rest_event

pytestmark = [pytest.mark.package, pytest.mark.xdist_group("package")]

SITE = "pay.example.com"
RUN_TASKS = {"command": "config.schedules.run_tasks"}
# What a connection of the function looks like to the server.
OTHERS = (
    "FROM information_schema.processlist"
    f" WHERE id <> CONNECTION_ID() AND user = '{NAME}'"
)


class Stage:
    """The function, asked as API Gateway and an operator ask it."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, headers)

    def post(self, path: str, body: bytes = b"", **headers: str) -> Answer:
        return self._ask("POST", path, headers, body)

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        sent = {"Host": SITE, "X-Forwarded-Proto": "https", **headers}
        return self.function.invoke(rest_event(method, path, headers=sent, body=body))

    def manage(self, command: str) -> str:
        output: str = self.function.invoke({"manage": command})["output"]
        return output

    def errors(self) -> list[str]:
        """Messages of the log's ERROR lines."""
        lines = re.findall(r"^\{.*\}$", self.function.output(), re.MULTILINE)
        return [
            line["message"]
            for line in map(json.loads, lines)
            if line.get("level") == "ERROR"
        ]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with private_server(chosen()) as server:
        yield server


@pytest.fixture(scope="module")
def place(
    server: Server,
    task: Path,
    bucket: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Function]:
    """Makes a function that has not started; variables and limits may be others."""
    variables = bucket | {
        "ALLOWED_HOSTS": SITE,
        "DATABASE_URL": server.url,
        "DATABASE_SSL_CA": str(server.authority),
        "EMAIL_URL": f"filemail:///{tmp_path_factory.mktemp('mail')}",
        "SECRET_KEY": "only-for-this-test-" * 4,
        "SITE_URL": f"https://{SITE}",
        "STAGE": "dev",
        "STRIPE_API_KEY": "sk_test_package",
        "STRIPE_WEBHOOK_SECRETS": "whsec_package",
    }

    def make(timeout: int = 60, **changes: str) -> Function:
        configuration = Configuration(variables | changes, timeout=timeout)
        return Function(task, configuration, tmp_path_factory.mktemp("logs"))

    return make


@pytest.fixture(scope="module")
def migrated(server: Server, place: Callable[..., Function]) -> None:
    function = place(timeout=300)
    for command in ("migrate --no-input", "createcachetable", "load_demo"):
        function.invoke({"manage": command})
    function.stop()


@pytest.fixture
def stage(migrated: None, place: Callable[..., Function]) -> Iterator[Stage]:
    function = place()
    yield Stage(function)
    function.stop()


@contextmanager
def connected(server: Server, database: str = NAME) -> Iterator[Any]:
    """A cursor of somebody else, whose statements count at once."""
    connection = MySQLdb.connect(
        host=HOST,
        port=server.port,
        user=NAME,
        password=server.password,
        database=database,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        yield cursor


def ask(server: Server, question: str) -> Any:
    with connected(server) as cursor:
        cursor.execute(question)
        return cursor.fetchall()


def kill_connections(server: Server) -> None:
    with connected(server) as cursor:
        cursor.execute(f"SELECT id {OTHERS}")
        killed = [cursor.execute(f"KILL {number}") for (number,) in cursor.fetchall()]
    assert killed


def comes_true(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def gone(server: Server) -> Iterator[None]:
    server.kill()
    yield
    server.start()


def test_a_function_starts_without_its_database(gone, stage):
    assert stage.get("/healthz")["statusCode"] == 200
    assert stage.get("/readyz")["statusCode"] == 503


def test_everybody_is_told_calmly_while_the_database_is_gone(gone, stage):
    page = stage.get("/")
    problem = stage.get("/api/v1/posts/")
    # Of which the signature is looked at before the database.
    signature = "t=1,v1=forged"
    webhook = stage.post("/stripe/webhook/", b"{}", **{"Stripe-Signature": signature})

    assert (page["statusCode"], problem["statusCode"]) == (503, 503)
    assert b"One moment, please" in content_of(page)
    assert ("Retry-After", "15") in headers_of(page)
    assert json.loads(content_of(problem))["code"] == "database_unavailable"
    assert webhook["statusCode"] == 400
    assert stage.errors() == [
        "Service Unavailable: /",
        "Service Unavailable: /api/v1/posts/",
    ]


def test_the_next_request_after_a_restart_is_answered(server, stage):
    before = stage.get("/")["statusCode"]
    server.kill()
    meanwhile = stage.get("/")["statusCode"]
    server.start()

    assert (before, meanwhile, stage.get("/")["statusCode"]) == (200, 503, 200)
    assert len(stage.function.environments) == 1


def test_a_restart_between_two_requests_is_not_seen(server, stage):
    stage.get("/")
    server.kill()
    server.start()

    assert stage.get("/")["statusCode"] == 200


def test_a_connection_killed_between_two_requests_is_not_seen(server, stage):
    stage.get("/")
    kill_connections(server)

    assert stage.get("/")["statusCode"] == 200


def test_a_connection_that_was_idle_too_long_is_not_seen(server, stage):
    ask(server, "SET GLOBAL wait_timeout = 1")
    stage.get("/")
    alone = comes_true(lambda: ask(server, f"SELECT COUNT(*) {OTHERS}") == ((0,),))
    ask(server, "SET GLOBAL wait_timeout = 28800")

    assert alone
    assert stage.get("/")["statusCode"] == 200


def test_a_connection_killed_while_the_function_is_frozen_is_not_seen(server, stage):
    stage.get("/")
    stage.function.freeze()
    kill_connections(server)
    stage.function.thaw()

    assert stage.get("/")["statusCode"] == 200
    assert stage.errors() == []


@pytest.fixture
def forgetful(migrated: None, place: Callable[..., Function]) -> Iterator[Stage]:
    """A function to which a second is as long as five minutes are to others."""
    function = place(CONN_MAX_AGE="1")
    yield Stage(function)
    function.stop()


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_connection_that_grew_old_while_frozen_is_not_used(
    server, forgetful, is_killed
):
    forgetful.get("/")
    before = ask(server, f"SELECT id {OTHERS}")
    forgetful.function.freeze()
    if is_killed:
        kill_connections(server)
    # Signals stop the function, and the clock that it measures ages by goes on.
    time.sleep(1.2)
    forgetful.function.thaw()

    assert forgetful.get("/")["statusCode"] == 200

    after = ask(server, f"SELECT id {OTHERS}")
    assert len(before) == len(after) == 1
    assert before != after
    assert forgetful.errors() == []


def test_a_schedule_fails_without_its_database_and_so_comes_again(server, stage):
    stage.function.invoke(RUN_TASKS)
    server.kill()
    with pytest.raises(FunctionError, match="OperationalError"):
        stage.function.invoke(RUN_TASKS)
    server.start()

    assert stage.function.invoke(RUN_TASKS) is None


def test_a_schedule_does_not_see_a_killed_connection(server, stage):
    stage.function.invoke(RUN_TASKS)
    kill_connections(server)

    assert stage.function.invoke(RUN_TASKS) is None


def test_a_command_fails_without_its_database_and_says_why(gone, stage):
    with pytest.raises(FunctionError, match=r"OperationalError.*connect"):
        stage.manage("migrate --check")


def test_a_command_does_not_see_a_killed_connection(server, stage):
    stage.manage("migrate --check")
    kill_connections(server)

    assert stage.manage("migrate --check") == ""


class SlowDoor:
    """Stands before a server that sleeps: takes connections, and passes them on later."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.awake = threading.Event()
        self._lines: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.awake.set()
        for line in self._lines:
            line.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self._lines.append(line)
            threading.Thread(target=self._pass_on, args=[line], daemon=True).start()

    def _pass_on(self, line: socket.socket) -> None:
        self.awake.wait()
        server = socket.create_connection((HOST, self._port))
        self._lines.append(server)
        back = threading.Thread(target=_pump, args=[server, line], daemon=True)
        back.start()
        _pump(line, server)


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def sleeping(server: Server) -> Iterator[SlowDoor]:
    door = SlowDoor(server.port)
    yield door
    door.close()


def behind(door: SlowDoor, server: Server) -> str:
    return server.url.replace(f":{server.port}/", f":{door.port}/")


@pytest.mark.usefixtures("migrated")
def test_a_request_waits_for_a_database_that_wakes(sleeping, server, place):
    stage = Stage(
        place(DATABASE_URL=behind(sleeping, server), DATABASE_CONNECT_TIMEOUT="25")
    )
    threading.Timer(6, sleeping.awake.set).start()

    assert stage.get("/")["statusCode"] == 200
    stage.function.stop()


@pytest.mark.usefixtures("migrated")
def test_nobody_waits_for_a_database_that_sleeps_on(sleeping, server, place):
    stage = Stage(
        place(DATABASE_URL=behind(sleeping, server), DATABASE_CONNECT_TIMEOUT="2")
    )
    stage.get("/healthz")

    started = time.monotonic()
    page = stage.get("/")
    waited = time.monotonic() - started
    sleeping.awake.set()

    assert page["statusCode"] == 503
    assert 1.5 < waited < 5
    assert stage.get("/")["statusCode"] == 200
    stage.function.stop()


@pytest.mark.usefixtures("migrated")
def test_a_server_that_another_authority_vouches_for_is_refused(
    server, place, tmp_path
):
    write_certificates(tmp_path, HOST)
    stage = Stage(place(DATABASE_SSL_CA=str(tmp_path / "ca.pem")))

    assert stage.get("/readyz")["statusCode"] == 503
    assert stage.get("/")["statusCode"] == 500
    assert "certificate" in stage.function.output()
    stage.function.stop()


@pytest.fixture
def tls_alone(server: Server) -> Iterator[None]:
    """The server refuses what is not encrypted, as RDS is told to."""
    with connected(server) as cursor:
        cursor.execute("SET GLOBAL require_secure_transport = ON")
        yield
        cursor.execute("SET GLOBAL require_secure_transport = OFF")


def test_a_server_that_wants_tls_is_content(server, stage, tls_alone):
    with pytest.raises(MySQLdb.OperationalError, match=r"secure|Access denied"):
        ask(server, "SELECT 1")

    assert stage.get("/")["statusCode"] == 200


@pytest.mark.usefixtures("migrated")
def test_what_times_out_in_a_transaction_leaves_nothing(server, place):
    ask(server, "CREATE DATABASE half")
    url = re.sub(r"/\w+$", "/half", server.url)
    function = place(timeout=300, DATABASE_URL=url)
    function.invoke({"manage": "migrate --no-input"})
    function.stop()
    hasty = place(timeout=25, DATABASE_URL=url)
    waiting = f"SELECT COUNT(*) {OTHERS} AND state LIKE '%metadata lock%'"
    with connected(server, "half") as locking, ThreadPoolExecutor(1) as pool:
        # Far into the one transaction of load_demo, after accounts and invoices.
        locking.execute("LOCK TABLES blog_post WRITE")
        loading = pool.submit(hasty.invoke, {"manage": "load_demo"})
        assert comes_true(lambda: ask(server, waiting) == ((1,),), seconds=24)
        with pytest.raises(FunctionError, match="timed out"):
            loading.result()
    hasty.stop()

    assert comes_true(
        lambda: ask(server, f"SELECT COUNT(*) {OTHERS} AND db = 'half'") == ((0,),)
    )
    assert ask(server, "SELECT COUNT(*) FROM half.accounts_user") == ((0,),)
    again = place(DATABASE_URL=url)
    assert "Sign in as" in again.invoke({"manage": "load_demo"})["output"]
    again.stop()


def test_two_migrations_at_once_both_end_well(server, place):
    ask(server, "CREATE DATABASE twice")
    url = re.sub(r"/\w+$", "/twice", server.url)
    function = place(timeout=300, DATABASE_URL=url)

    with ThreadPoolExecutor(2) as pool:
        events = [{"manage": "migrate --no-input"}] * 2
        outputs = [answer["output"] for answer in pool.map(function.invoke, events)]
    function.stop()

    assert len(function.environments) == 2
    first, second = sorted(outputs, key=lambda output: "waiting for it" in output)
    assert "Applying invoices.0001_initial... OK" in first
    assert "Another migrate is running; waiting for it." in second
    assert "No migrations to apply." in second


@pytest.mark.usefixtures("migrated")
def test_a_schedule_delivered_twice_at_once_does_each_task_once(
    server, place, tmp_path
):
    function = place(EMAIL_URL=f"filemail:///{tmp_path}")
    with connected(server) as cursor:
        for number in range(30):
            write_task(cursor, to=f"reader-{number}@example.com")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(function.invoke, [RUN_TASKS] * 2))
    tidied = [function.invoke({"command": "config.schedules.tidy_up"})] * 2
    function.stop()

    mails = "".join(file.read_text() for file in tmp_path.glob("*.log"))
    assert len(function.environments) == 2
    assert sorted(re.findall(r"^To: reader-(\d+)@", mails, re.MULTILINE), key=int) == [
        str(number) for number in range(30)
    ]
    assert tidied == [None, None]


def write_task(cursor: Any, *, to: str) -> None:
    """A row as `mail_later` writes it, by somebody whose process ended thereafter."""
    mail = {"to": to, "subject": "Hello", "text": "Hello", "html": "<p>Hello</p>"}
    cursor.execute(
        "INSERT INTO django_tasks_database_dbtaskresult (id, status, enqueued_at, args_kwargs,"
        " priority, task_path, worker_ids, queue_name, backend_name, run_after,"
        " exception_class_path, traceback)"
        " VALUES (REPLACE(UUID(), '-', ''), 'READY', UTC_TIMESTAMP(6), %s, 0,"
        " 'accounts.services.mailing._mail', '[]', 'default', 'default',"
        " '9999-01-01 00:00:00', '', '')",
        [json.dumps({"args": [], "kwargs": mail})],
    )
