"""
A MariaDB of our own: its own files, its own free port, gone when we are done.

    python -m tests.database -- pytest

runs a command with `DATABASE_URL` pointing at one. `TEST_DATABASE_URL` names a server
that already runs; then nothing is started. `tests.mysql9` does the same with MySQL.
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
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.certificates import write_certificates

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
    "--innodb-stats-persistent=0",
]


class DatabaseError(Exception):
    """A sentence for the person who waits for the database."""


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True)
class Engine:
    """What one kind of server is told in its own words."""

    name: str
    # Makes the files of a server that has no data yet.
    create: list[str]
    serve: list[str]
    # Prints the SQL that teaches it the time zones of a folder.
    zones: list[str]


def mariadb() -> Engine:
    """:raises DatabaseError: if a program of MariaDB's is missing"""
    return Engine(
        name="MariaDB",
        create=[find("mariadb-install-db"), "--no-defaults", "--skip-test-db"],
        serve=[
            *(find("mariadbd"), "--no-defaults"),
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_unicode_ci",
            "--innodb-log-file-size=16M",
        ],
        zones=[find("mariadb-tzinfo-to-sql"), "--skip-write-binlog"],
    )


@dataclass
class Server:
    """
    One server and its folder, which may be killed and started again.

    It offers TLS, with the certificate of an authority that is in `authority`.
    """

    engine: Engine
    directory: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=_free_port)
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mysql://{NAME}:{self.password}@{HOST}:{self.port}/{NAME}"

    @property
    def authority(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def _scratch(self) -> Path:
        return self.directory / "tmp"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def create_files(self) -> None:
        write_certificates(self.directory, HOST)
        self._scratch.mkdir()
        # It runs at every start.
        (self.directory / "init.sql").write_text(
            f"CREATE DATABASE IF NOT EXISTS {NAME};\n"
            f"CREATE USER IF NOT EXISTS '{NAME}'@'{HOST}' "
            f"IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON *.* TO '{NAME}'@'{HOST}';\n"
        )
        done = subprocess.run(
            [*self.engine.create, *self._place(), *SCRATCH],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise DatabaseError(
                f"{self.engine.name} cannot create its files:\n{done.stdout}"
            )

    def start(self) -> None:
        """Start it, and wait until it answers; it ends with us even if we are killed.

        :raises DatabaseError: if it does not
        """
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL"),
                    *self.engine.serve,
                    *self._place(),
                    f"--socket={self.directory / 'socket'}",
                    f"--pid-file={self.directory / 'pid'}",
                    # A server that starts empties it of what looks like its own.
                    f"--tmpdir={self.directory}",
                    f"--init-file={self.directory / 'init.sql'}",
                    f"--ssl-ca={self.authority}",
                    f"--ssl-cert={self.directory / 'server-cert.pem'}",
                    f"--ssl-key={self.directory / 'server-key.pem'}",
                    f"--bind-address={HOST}",
                    f"--port={self.port}",
                    "--skip-name-resolve",
                    "--max-connections=100",
                    *SCRATCH,
                    *self.options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for us: the command still needs the server while it ends.
                start_new_session=True,
            )
        self._wait_until_it_answers(self.process)

    def kill(self) -> None:
        """End it at once: there is nothing to shut down cleanly."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def load_time_zones(self, client: str) -> None:
        """Dates in a business's time zone are worked out by the server too."""
        zones = subprocess.run(
            [*self.engine.zones, _zone_info()], check=True, capture_output=True
        )
        subprocess.run(
            [
                *(client, "--no-defaults", "--skip-ssl"),
                *(f"--host={HOST}", f"--port={self.port}", f"--user={NAME}", "mysql"),
            ],
            check=True,
            input=zones.stdout,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"MYSQL_PWD": self.password},
        )

    def _place(self) -> list[str]:
        # A server refuses to run as root unless told that this is meant.
        user = ["--user=root"] if os.geteuid() == 0 else []
        # A server that starts deletes the temporary tables that it finds, whoever's.
        return [
            *user,
            f"--datadir={self.directory / 'data'}",
            f"--tmpdir={self._scratch}",
        ]

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if _greets(self.port):
                return
            time.sleep(0.05)
        said = self.log.read_text()[-4000:]
        raise DatabaseError(f"{self.engine.name} does not start:\n{said}")


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
    with private_server(mariadb()) as server:
        yield server.url


@contextmanager
def private_server(engine: Engine, *options: str) -> Iterator[Server]:
    """
    A server that runs, and knows time zones; its files go with it.

    :param options: for the program that serves
    :raises DatabaseError: if it does not start
    """
    client = find("mariadb")
    prefix = f"paymyinvoice-{engine.name.lower()}-"
    with tempfile.TemporaryDirectory(prefix=prefix) as place:
        server = Server(engine, Path(place), options)
        server.create_files()
        server.start()
        try:
            server.load_time_zones(client)
            yield server
        finally:
            server.kill()


def find(program: str) -> str:
    """:raises DatabaseError: with the Debian package to install"""
    found = shutil.which(program, path=PATH)
    if not found:
        package = PROGRAMS[program]
        raise DatabaseError(
            f"{program} is missing: install the Debian package {package}, "
            "or name a server in TEST_DATABASE_URL."
        )
    return found


def _greets(port: int) -> bool:
    """The server speaks first, and only after it has run the init file."""
    try:
        with socket.create_connection((HOST, port), timeout=START_SECONDS) as line:
            return bool(line.recv(1))
    except OSError:
        return False


def _zone_info() -> str:
    place = Path("/usr/share/zoneinfo")
    if not place.is_dir():
        raise DatabaseError(f"{place} is missing: install the Debian package tzdata.")
    return str(place)


type Database = Callable[[], AbstractContextManager[str]]


def run(command: list[str], database: Database = database_url) -> int:
    """Run the command with `DATABASE_URL` set; answer with its exit code.

    :raises DatabaseError: if the database does not start
    """
    with database() as url:
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


def main(
    arguments: list[str],
    database: Database = database_url,
    module: str = "tests.database",
) -> int:
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        sys.stderr.write(f"Usage: python -m {module} -- COMMAND…\n")
        return 2
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        return run(command, database)
    except (DatabaseError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
