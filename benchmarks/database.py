"""One private MariaDB with a database for each target, seeded with the same rows."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import MySQLdb  # type: ignore[import-untyped] # it has no types

from benchmarks import rows
from benchmarks.targets import ROOT, Target
from tests.database import private_mariadb

SCHEMA = Path(__file__).resolve().parent / "peers" / "schema.sql"
# Counters of the server, by the names that we give them. MariaDB counts a ping, which is
# a round trip too, among what an administrator does.
COUNTERS = {
    "Questions": "statements",
    "Com_admin_commands": "pings",
    "Connections": "connections",
}
INSERTS = {
    "users": "INSERT INTO users VALUES (%s, %s, %s, %s)",
    "posts": "INSERT INTO posts VALUES "
    "(%s, %s, %s, 'published', %s, %s, %s, %s, %s, %s, '', 1, %s, %s, %s)",
    "comments": "INSERT INTO comments VALUES (%s, %s, %s, %s, %s)",
}


@dataclass(frozen=True)
class Server:
    """The database server, asked over a connection that belongs to nobody we measure."""

    url: str
    connection: Any
    pid: int

    def url_of(self, database: str) -> str:
        return f"{self.url.rpartition('/')[0]}/{database}"

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def counters(self) -> dict[str, int]:
        """Each reading is itself one statement."""
        names = ", ".join(f"'{name}'" for name in COUNTERS)
        read = self.ask(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({names})")
        return {COUNTERS[name]: int(value) for name, value in read}

    def since(self, before: dict[str, int]) -> dict[str, int]:
        """What others did since a reading."""
        now = self.counters()
        used = {name: now[name] - before[name] for name in now}
        return used | {"statements": used["statements"] - 1}

    def connections_to(self, database: str) -> int:
        held = self.ask("SHOW PROCESSLIST")
        return sum(line[3] == database for line in held)

    def analyze(self, database: str, tables: Iterable[str]) -> None:
        for table in tables:
            self.ask(f"ANALYZE TABLE {database}.{table}")

    def posts_of(self, database: str) -> str:
        """The table of posts, whose columns have the same names wherever we use them."""
        return f"{database}.{'blog_post' if database == 'ours' else 'posts'}"

    def rename_newest(self, database: str, title: str) -> None:
        update = f"UPDATE {self.posts_of(database)} SET title = %s WHERE id = %s"  # noqa: S608 - a name of ours
        self.ask(update, title, rows.POSTS)

    def forget_drafts(self, database: str) -> None:
        """Delete what calls wrote, so that every round finds the same tables."""
        if database == "ours":
            self.ask("DELETE FROM ours.accounts_event WHERE type LIKE 'post.%%'")
        delete = f"DELETE FROM {self.posts_of(database)} WHERE id > %s"  # noqa: S608 - a name of ours
        self.ask(delete, rows.POSTS)


@contextmanager
def server() -> Iterator[Server]:
    """
    :raises tests.database.DatabaseError: see `tests.database.private_mariadb`
    """
    with private_mariadb() as url:
        connection = connected(url)
        with connection.cursor() as cursor:
            # As a server has it that nobody made for tests: plans rest on statistics.
            cursor.execute("SET GLOBAL innodb_stats_persistent = ON")
            cursor.execute("SELECT @@pid_file")
            pid = int(Path(cursor.fetchone()[0]).read_text())
        yield Server(url, connection, pid)
        connection.close()


def keys_for(server: Server, targets: Iterable[Target]) -> list[str]:
    """Load the rows for each target; the keys with which all of their APIs are written."""
    targets = list(targets)
    # Only we make keys ourselves: where we do not take part, any will do.
    keys = [f"{word}-key" for word in rows.WORDS[: rows.WRITERS]]
    for target in targets:
        if target.name == "ours":
            keys = seed_ours(server, target)
    for target in targets:
        if target.name != "ours":
            seed_peer(server, target.name, keys)
    return keys


def seed_ours(server: Server, target: Target) -> list[str]:
    """Fill the database `ours` with the package's own migrations and models; the keys."""
    server.ask("CREATE DATABASE ours")
    environment = target.surroundings(server.url_of("ours"))
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    environment["PYTHONPATH"] += f":{ROOT}"
    for command in (
        "manage.py migrate --no-input --verbosity=0",
        "manage.py createcachetable",
        "-m benchmarks.seed_ours",
    ):
        said = subprocess.run(
            [sys.executable, "-S", *command.split()],
            cwd=target.folder,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
    server.analyze("ours", ("accounts_user", "blog_post", "blog_comment"))
    keys: list[str] = json.loads(said)
    return keys


def seed_peer(server: Server, database: str, keys: list[str]) -> None:
    """Fill a database of three tables."""
    server.ask(f"CREATE DATABASE {database}")
    connection = connected(server.url_of(database))
    with connection.cursor() as cursor:
        for statement in SCHEMA.read_text().split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        for table, values in peer_rows(keys):
            cursor.executemany(INSERTS[table], values)
    connection.close()
    server.analyze(database, INSERTS)


def peer_rows(keys: list[str]) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    digests = [hashlib.sha512(key.encode()).hexdigest() for key in keys]
    by_id = dict(enumerate(digests, start=1))
    yield (
        "users",
        [(a.id, a.username, a.full_name, by_id.get(a.id)) for a in rows.authors()],
    )
    yield "posts", list(_posts(rows.posts()))
    yield (
        "comments",
        [
            (c.id, c.post_id, c.author_id, c.body, c.posted_at.replace(tzinfo=None))
            for c in rows.comments()
        ],
    )


def _posts(posts: Iterable[rows.Post]) -> Iterator[tuple[object, ...]]:
    for post in posts:
        moment = post.published_at.replace(tzinfo=None)
        yield (
            post.id,
            str(post.public_id),
            post.author_id,
            post.title,
            post.slug,
            post.excerpt,
            post.excerpt,
            post.body,
            post.body_html,
            moment,
            moment,
            moment,
        )


def connected(url: str) -> Any:
    place = urlsplit(url)
    return MySQLdb.connect(
        host=place.hostname,
        port=place.port,
        user=place.username,
        password=place.password,
        database=place.path.strip("/"),
        charset="utf8mb4",
        autocommit=True,
    )
