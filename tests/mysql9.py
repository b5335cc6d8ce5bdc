"""
A MySQL 9 of our own, as `tests.database` has a MariaDB.

    python -m tests.mysql9 -- pytest

runs a command with `DATABASE_URL` pointing at one. Debian's unstable suite alone carries
it. So the server and the libraries it was linked with, libc included, are fetched from
the mirror that this machine's apt is set up with, checked by apt's own signatures, and
unpacked under `.cache/`; nothing is installed. The server runs through the loader that
came with it. That takes 300 MB once, and no root.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.database import DatabaseError, Engine, main, mariadb, private_server

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
PACKAGE = "mysql-server-core"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@contextmanager
def private_mysql9() -> Iterator[str]:
    """The URL of an empty database whose user may create others beside it.

    :raises DatabaseError: if MySQL cannot be fetched, or does not start
    """
    with private_server(mysql9()) as server:
        yield server.url


def mysql9() -> Engine:
    """:raises DatabaseError: if MySQL is not there yet and cannot be fetched"""
    system = fetched(CACHE / "mysql9")
    loader = next(system.glob("usr/lib/*-linux-gnu*/ld-linux-*.so.*"))
    run = [str(loader), "--library-path", str(loader.parent)]
    server = [*run, str(system / "usr/sbin/mysqld"), "--no-defaults"]
    # Where it has its messages, character sets and plugins.
    base = f"--basedir={system / 'usr'}"
    return Engine(
        name="MySQL9",
        create=[*server, base, "--initialize-insecure"],
        serve=[
            *(*server, base),
            "--innodb-redo-log-capacity=32M",
            "--mysqlx=OFF",
            "--secure-file-priv=",
            "--skip-log-bin",
        ],
        zones=[*run, str(system / "usr/bin/mysql_tzinfo_to_sql")],
    )


def chosen() -> Engine:
    """MySQL 9 where the variable `MYSQL` asks for it, MariaDB elsewhere.

    :raises DatabaseError: see `mysql9` and `tests.database.mariadb`
    """
    return mysql9() if os.environ.get("MYSQL") == "9" else mariadb()


def fetched(system: Path) -> Path:
    """The folder that stands for `/` of a Debian with the server in it; made once."""
    system.parent.mkdir(parents=True, exist_ok=True)
    # Several may ask at once: one fetches, the others wait for it.
    with system.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not system.is_dir():
            work = system.with_suffix(".work")
            shutil.rmtree(work, ignore_errors=True)
            _fetch(work)
            (work / "system").rename(system)
            shutil.rmtree(work)
    return system


def _fetch(work: Path) -> None:
    mirror = _mirror()
    for folder in ("state/lists/partial", "cache/archives/partial", "system"):
        (work / folder).mkdir(parents=True)
    # No package is installed yet, so all that the server needs is fetched with it.
    (work / "status").touch()
    (work / "sources.list").write_text(
        f"deb [signed-by={KEYRING}] {mirror} unstable main\n"
    )
    _say(f"Fetching {PACKAGE} of Debian unstable, about 70 MB, into {CACHE}.")
    apt = ["apt-get", "--quiet=2", "--yes", *_places(work)]
    _run([*apt, "update"])
    _run([*apt, "install", "--download-only", "--no-install-recommends", PACKAGE])
    packages = sorted((work / "cache/archives").glob("*.deb"))
    _say(f"Unpacking {len(packages)} packages.")
    for package in packages:
        _run(["dpkg-deb", "--extract", str(package), str(work / "system")])


def _mirror() -> str:
    """Where this machine's apt finds Debian's packages."""
    if not (shutil.which("apt-get") and KEYRING.is_file()):
        raise DatabaseError(
            "MySQL 9 comes from Debian's packages, and this is not a Debian: "
            "run its server yourself and name it in DATABASE_URL."
        )
    targets = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)"])
    for target in targets.splitlines():
        if target.rstrip("/").endswith("/debian"):
            return target
    raise DatabaseError(
        "apt has no mirror of Debian's packages to fetch MySQL 9 from: "
        "name one in /etc/apt/sources.list.d, or run a server yourself."
    )


def _places(work: Path) -> list[str]:
    """Options that make apt forget the packages of this machine."""
    settings = {
        "Dir::State": work / "state",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        # Another user could not write here.
        "APT::Sandbox::User": "",
        "APT::Keep-Downloaded-Packages": "true",
    }
    return [part for name, value in settings.items() for part in _option(name, value)]


def _option(name: str, value: object) -> tuple[str, str]:
    return "-o", f"{name}={value}"


def _run(command: list[str]) -> str:
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        raise DatabaseError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}")
    return done.stdout


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], private_mysql9, "tests.mysql9"))
