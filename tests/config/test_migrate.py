"""Two deployments at once: their `migrate` take turns."""

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

pytestmark = [pytest.mark.django_db, pytest.mark.mysql]


def migrate():
    output = StringIO()
    call_command("migrate", "--no-input", stdout=output)
    return output.getvalue()


@pytest.fixture
def another_migrates():
    """Another connection has the turn, as one whose tables are being made would."""
    other = connection.copy()
    other.inc_thread_sharing()
    name = f"migrate {connection.settings_dict['NAME']}"
    with other.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, 0)", [name])
        assert cursor.fetchone() == (1,)
    yield other
    other.close()


def test_migrate_waits_for_another_that_runs(another_migrates, monkeypatch):
    monkeypatch.setattr("config.management.commands.migrate.ASK", 1)
    threading.Timer(1.5, another_migrates.close).start()

    output = migrate()

    assert "Another migrate is running; waiting for it." in output
    assert "No migrations to apply." in output


def test_migrate_gives_up_on_another_that_does_not_end(another_migrates, monkeypatch):
    monkeypatch.setattr("config.management.commands.migrate.ASK", 1)
    monkeypatch.setattr("config.management.commands.migrate.WAIT", 2)

    with pytest.raises(CommandError, match="Another migrate has been running for 2 s"):
        migrate()


def test_migrate_leaves_its_turn_to_others():
    migrate()

    assert "waiting" not in migrate()
    with connection.cursor() as cursor:
        name = f"migrate {connection.settings_dict['NAME']}"
        cursor.execute("SELECT IS_FREE_LOCK(%s)", [name])
        assert cursor.fetchone() == (1,)
