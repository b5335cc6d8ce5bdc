"""
A MariaDB of our own: its own files, its own free port, gone when we are done.

    python -m tests.database -- pytest

runs a command with `DATABASE_URL` pointing at one. `TEST_DATABASE_URL` names a server
that already runs; then nothing is started.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "paymyinvoice"
HOST = "127.0.0.1"
START_SECONDS = 60
# Debian keeps servers out of an ordinary user's PATH.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
# Program to the Debian package that has it.
PROGRAMS = {
    "mariadb-install-db": "mariadb-server-core",
    "mariadbd": "mariadb-server-core",
    "mariadb": "mariadb-client-core",
    "mariadb-tzinfo-to-sql": "mariadb-client",
}
# Nobody needs these files after a power cut, so nothing waits for a disk.
SCRATCH = [
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
    "--innodb-log-file-size=16M",
    "--innodb-stats-persistent=0",
]


class DatabaseError(Exception):
    """A sentence for the person who waits for the database."""


@contextmanager
def database_url() -> Iterator[str]:
    """The server `TEST_DATABASE_URL` names, or a private one.

    :raises DatabaseError: see `private_mariadb`
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with private_mariadb() as url:
        yield url


@contextmanager
def private_mariadb() -> Iterator[str]:
    """The URL of an empty database whose user may create others beside it.

    :raises DatabaseError: if MariaDB is not installed, or does not start
    """
    programs = {name: _find(name) for name in PROGRAMS}
    password = secrets.token_hex(16)
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="paymyinvoice-mariadb-") as place:
        directory = Path(place)
        _create_files(programs, directory, password)
        server = _start(programs, directory, port)
        try:
            _wait_until_it_answers(server, port, directory / "log")
            _load_time_zones(programs, port, password)
            yield f"mysql://{NAME}:{password}@{HOST}:{port}/{NAME}"
        finally:
            # Its files go with it: there is nothing to shut down cleanly.
            server.kill()
            server.wait()


def _find(program: str) -> str:
    found = shutil.which(program, path=PATH)
    if not found:
        package = PROGRAMS[program]
        raise DatabaseError(
            f"{program} is missing: install the Debian package {package}, "
            "or name a server in TEST_DATABASE_URL."
        )
    return found


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _as_root() -> list[str]:
    """MariaDB refuses to run as root unless told that this is meant."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _create_files(programs: dict[str, str], directory: Path, password: str) -> None:
    (directory / "init.sql").write_text(
        f"CREATE DATABASE {NAME};\n"
        f"CREATE USER '{NAME}'@'{HOST}' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON *.* TO '{NAME}'@'{HOST}';\n"
    )
    done = subprocess.run(
        [
            programs["mariadb-install-db"],
            "--no-defaults",
            *_as_root(),
            f"--datadir={directory / 'data'}",
            "--skip-test-db",
            *SCRATCH,
        ],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise DatabaseError(f"MariaDB cannot create its files:\n{done.stdout}")


def _start(
    programs: dict[str, str], directory: Path, port: int
) -> subprocess.Popen[bytes]:
    """Start the server; it ends with us even if we are killed."""
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL"),
                programs["mariadbd"],
                "--no-defaults",
                *_as_root(),
                f"--datadir={directory / 'data'}",
                f"--socket={directory / 'socket'}",
                f"--pid-file={directory / 'pid'}",
                f"--init-file={directory / 'init.sql'}",
                f"--bind-address={HOST}",
                f"--port={port}",
                "--skip-name-resolve",
                "--max-connections=100",
                "--character-set-server=utf8mb4",
                "--collation-server=utf8mb4_unicode_ci",
                *SCRATCH,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C is for us: the command still needs the server while it ends.
            start_new_session=True,
        )


def _wait_until_it_answers(
    server: subprocess.Popen[bytes], port: int, log: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        if _greets(port):
            return
        time.sleep(0.05)
    raise DatabaseError(f"MariaDB does not start:\n{log.read_text()[-4000:]}")


def _greets(port: int) -> bool:
    """The server speaks first, and only after it has run the init file."""
    try:
        with socket.create_connection((HOST, port), timeout=START_SECONDS) as line:
            return bool(line.recv(1))
    except OSError:
        return False


def _load_time_zones(programs: dict[str, str], port: int, password: str) -> None:
    """Dates in a business's time zone are worked out by the server too."""
    zones = subprocess.run(
        [programs["mariadb-tzinfo-to-sql"], "--skip-write-binlog", _zone_info()],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        [
            programs["mariadb"],
            "--no-defaults",
            f"--host={HOST}",
            f"--port={port}",
            f"--user={NAME}",
            "mysql",
        ],
        check=True,
        input=zones.stdout,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"MYSQL_PWD": password},
    )


def _zone_info() -> str:
    place = Path("/usr/share/zoneinfo")
    if not place.is_dir():
        raise DatabaseError(f"{place} is missing: install the Debian package tzdata.")
    return str(place)


def run(command: list[str]) -> int:
    """Run the command with `DATABASE_URL` set; answer with its exit code.

    :raises DatabaseError: see `private_mariadb`
    """
    with database_url() as url:
        # A terminal sends Ctrl-C to the command as well: let it end in its own way.
        signal.signal(signal.SIGINT, lambda *_: None)
        process = subprocess.Popen(command, env=os.environ | {"DATABASE_URL": url})
        try:
            code = process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    return code if code >= 0 else 128 - code


def _stop(number: int, frame: object) -> None:
    """Leave by way of every `finally`, with the shell's code for the signal."""
    sys.exit(128 + number)


def main(arguments: list[str]) -> int:
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        sys.stderr.write("Usage: python -m tests.database -- COMMAND…\n")
        return 2
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        return run(command)
    except (DatabaseError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
