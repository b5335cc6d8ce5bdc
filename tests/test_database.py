"""The private MariaDB answers, is nobody else's, and leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import MySQLdb
import pytest

from tests.database import DatabaseError, database_url, main, private_mariadb

# One worker starts them all: a server is not small.
pytestmark = [pytest.mark.mysql, pytest.mark.xdist_group("mariadb")]

SHOW = "import os, sys; print(os.environ['DATABASE_URL'], flush=True);"


@pytest.fixture(scope="module")
def url():
    with private_mariadb() as url:
        yield url


def connect(url, **changes):
    parts = urlsplit(url)
    arguments = {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username,
        "password": parts.password,
        "database": parts.path[1:],
    }
    return MySQLdb.connect(**(arguments | changes))


def ask(url, question):
    connection = connect(url)
    cursor = connection.cursor()
    cursor.execute(question)
    answer = cursor.fetchall()
    connection.close()
    return answer


def is_listening(url):
    try:
        socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def stops_listening(url, *, seconds):
    deadline = time.monotonic() + seconds
    while is_listening(url) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_listening(url)


def run_runner(*command, **variables):
    """Start `python -m tests.database` as a shell would."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.database", "--", *command],
        stdout=subprocess.PIPE,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "TEST_DATABASE_URL"}
        | variables,
    )


def test_private_mariadb_speaks_utf8mb4_and_compares_without_case(url):
    assert ask(url, "SELECT '🧾', 'A@x.org' = 'a@X.org'") == (("🧾", 1),)


def test_private_mariadb_knows_time_zones(url):
    [[hour]] = ask(url, "SELECT HOUR(CONVERT_TZ('2026-01-01', 'UTC', 'Asia/Tokyo'))")

    assert hour == 9


def test_private_mariadb_lets_its_user_create_databases(url):
    ask(url, "CREATE DATABASE test_another")

    assert ("test_another",) in ask(url, "SHOW DATABASES")


def test_private_mariadb_lets_nobody_else_in(url):
    for changes in ({"password": "guess"}, {"user": "root", "password": ""}):
        with pytest.raises(MySQLdb.OperationalError, match="Access denied"):
            connect(url, **changes)


def test_private_mariadb_keeps_its_files_in_a_directory_of_its_own(url):
    [[directory]] = ask(url, "SELECT @@datadir")
    parent = Path(directory).parent

    assert parent.name.startswith("paymyinvoice-mariadb-")
    assert parent.stat().st_mode & 0o077 == 0


def test_private_mariadb_is_gone_afterwards():
    with private_mariadb() as url:
        [[directory]] = ask(url, "SELECT @@datadir")
        was_listening, was_there = is_listening(url), Path(directory).exists()

    assert (was_listening, was_there) == (True, True)
    assert (is_listening(url), Path(directory).parent.exists()) == (False, False)


def test_private_mariadb_says_which_package_is_missing(monkeypatch):
    monkeypatch.setattr("tests.database.PATH", "/nonexistent")

    with pytest.raises(DatabaseError, match="Debian package mariadb-server-core"):
        private_mariadb().__enter__()


def test_database_url_starts_nothing_when_a_server_is_named(monkeypatch):
    monkeypatch.setenv("TEST_DATABASE_URL", "mysql://named")
    monkeypatch.setattr("tests.database.PATH", "/nonexistent")

    with database_url() as url:
        assert url == "mysql://named"


def test_runner_answers_with_the_exit_code_of_a_failed_command_and_stops():
    with run_runner(sys.executable, "-c", f"{SHOW} sys.exit(7)") as runner:
        url = runner.stdout.readline().strip()

    assert url.startswith("mysql://paymyinvoice:")
    assert runner.returncode == 7
    assert not is_listening(url)


def test_runner_stops_command_and_server_when_it_is_told_to_end():
    sleep = f"{SHOW} import time; time.sleep(600)"
    with run_runner(sys.executable, "-c", sleep) as runner:
        url = runner.stdout.readline().strip()
        was_listening = is_listening(url)
        runner.send_signal(signal.SIGTERM)

    assert was_listening
    assert runner.returncode == 128 + signal.SIGTERM
    assert not is_listening(url)


def test_server_ends_with_a_runner_that_is_killed():
    wait = f"{SHOW} import time; time.sleep(5)"
    with run_runner(sys.executable, "-c", wait) as runner:
        url = runner.stdout.readline().strip()
        [[directory]] = ask(url, "SELECT @@datadir")
        runner.kill()

    assert stops_listening(url, seconds=10)
    shutil.rmtree(Path(directory).parent)


def test_main_wants_a_command(capsys):
    assert main(["--"]) == 2
    assert capsys.readouterr().err == "Usage: python -m tests.database -- COMMAND…\n"
