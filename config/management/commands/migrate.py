"""
Django's command, one at a time on a database.

Two that run at once would create the same tables; MySQL cannot take back what one of them
has half done. In the end the guards of frozen rows stand as the tables now want them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from invoices import guards

# Seconds: of one question, below the driver's time-out; and of them all.
ASK: Final = 5
WAIT: Final = 600


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if connection.vendor == "mysql":
            with self._turn(connection):
                super().handle(*args, **options)
                guards.put_up(connection)
            return
        # SQLite changes a table by making it anew, which no trigger may name meanwhile.
        guards.take_down(connection)
        try:
            super().handle(*args, **options)
        finally:
            guards.put_up(connection)

    @contextmanager
    def _turn(self, connection: BaseDatabaseWrapper) -> Iterator[None]:
        """:raises CommandError: if another one does not end"""
        # The server's locks have no database, and names of 64 characters at most.
        name = f"migrate {connection.settings_dict['NAME']}"[:64]
        with connection.cursor() as cursor:
            for waited in range(0, WAIT, ASK):
                cursor.execute("SELECT GET_LOCK(%s, %s)", [name, ASK])
                if cursor.fetchone() == (1,):
                    break
                if not waited:
                    self.stdout.write("Another migrate is running; waiting for it.")
            else:
                raise CommandError(
                    f"Another migrate has been running for {WAIT} seconds: see what it "
                    "waits for (SHOW PROCESSLIST), then run this again."
                )
        # Held by the connection: whoever loses it, or is killed, lets go of it.
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT RELEASE_LOCK(%s)", [name])
