"""`make run` starts everything, ends everything, and says why it cannot."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests import laptop, minutely
from tests.laptop import CannotRun, Program

IGNORES_TERM = (
    "import signal, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf', flush=True); time.sleep(600)"
)


@contextmanager
def make_run(port, **variables):
    """The supervisor as `make run` starts it, and its output up to now."""
    command = [sys.executable, "-m", "tests.laptop", "--port", str(port)]
    with subprocess.Popen(
        command,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as supervisor:
        try:
            yield supervisor
        finally:
            # Does nothing to one that has ended.
            supervisor.send_signal(signal.SIGTERM)


def read_until(stream, words):
    text = ""
    for line in stream:
        text += line
        if words in line:
            return text
    raise AssertionError(f"{words!r} never came:\n{text}")


def processes_with(variable):
    """Ids of the processes whose environment has this `NAME=value`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # Processes of others, and those that have just ended, cannot be read.
        with suppress(OSError):
            if variable in (process / "environ").read_text().split("\0"):
                found.append(int(process.name))
    return found


@pytest.mark.browser
def test_make_run_serves_the_demo_and_ends_without_a_trace(tmp_path):
    port = laptop.claim(0)
    with make_run(port, VAR_DIR=str(tmp_path)) as supervisor:
        told = read_until(supervisor.stdout, "Ctrl-C ends all of it.")
        mailed = list((tmp_path / "mail").iterdir())
        with urllib.request.urlopen(f"http://localhost:{port}/") as page:
            answer = page.status
        running = processes_with(f"VAR_DIR={tmp_path}")
        supervisor.send_signal(signal.SIGINT)
        read_until(supervisor.stdout, "All ended.")
        supervisor.wait(timeout=10)

    assert f"sign in as         {laptop.DEMO_EMAIL}\n" in told
    assert f"Mail lands in        {tmp_path / 'mail'}\n" in told
    # So that the worker says nothing that takes the password off the screen.
    assert mailed
    assert (answer, supervisor.returncode) == (200, 0)
    assert len(running) >= 5
    assert processes_with(f"VAR_DIR={tmp_path}") == []


def test_make_run_says_that_a_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with make_run(port, VAR_DIR=str(tmp_path)) as supervisor:
            told = supervisor.stdout.read()

    assert told == (
        f"Port {port}: address already in use. "
        "Choose another, as in: make run PORT=8765\n"
    )
    assert supervisor.returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_ends_ends_the_run_with_its_exit_code(capsys):
    program = Program(
        "worker", "-c", "print('tired'); raise SystemExit(3)", variables={}
    )
    program.wait()

    with pytest.raises(CannotRun, match="The worker ended with exit code 3") as caught:
        laptop.watch([program])

    assert caught.value.code == 3
    assert capsys.readouterr().out == "  worker | tired\n"


def test_a_program_that_a_signal_ended_has_the_code_a_shell_gives():
    program = Program("site", "-c", "import time; time.sleep(600)", variables={})
    program.send(signal.SIGKILL)
    program.wait()

    assert program.exit_code() == 128 + signal.SIGKILL


def test_a_program_that_ignores_the_polite_signal_is_killed(monkeypatch, capfd):
    monkeypatch.setattr(laptop, "STOP_SECONDS", 0.1)
    program = Program("stripe", "-c", IGNORES_TERM, variables={})
    deadline = time.monotonic() + 30
    told = ""
    while "deaf" not in told and time.monotonic() < deadline:
        time.sleep(0.05)
        told += capfd.readouterr().out

    laptop.stop([program])

    assert "deaf" in told
    assert program.process.returncode == -signal.SIGKILL
    assert capfd.readouterr().out == "The stripe does not end: killed.\n"


def test_a_new_database_is_removed_when_the_demo_cannot_be_loaded(
    monkeypatch, tmp_path
):
    def half_done(command, *arguments, variables):
        (tmp_path / "db.sqlite3").write_text(command)
        (tmp_path / "db.sqlite3-wal").write_text(command)
        if command == "load_demo":
            raise CannotRun("manage.py load_demo failed.")

    monkeypatch.setattr(laptop, "VAR", tmp_path)
    monkeypatch.setattr(laptop, "DATABASE", tmp_path / "db.sqlite3")
    monkeypatch.setattr(laptop, "manage", half_done)

    with pytest.raises(CannotRun):
        laptop.prepare({})

    assert list(tmp_path.iterdir()) == []


def test_an_old_database_is_migrated_and_gets_no_demo(monkeypatch, tmp_path):
    database = tmp_path / "db.sqlite3"
    database.write_text("mine")
    commands = []
    monkeypatch.setattr(laptop, "VAR", tmp_path)
    monkeypatch.setattr(laptop, "DATABASE", database)
    monkeypatch.setattr(laptop, "manage", lambda *words, **_: commands.append(words))

    laptop.prepare({})

    assert [words[0] for words in commands] == ["migrate"]
    assert database.read_text() == "mine"


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_port_number_refuses_what_is_no_port(port):
    with pytest.raises(laptop.argparse.ArgumentTypeError):
        laptop.port_number(port)


# Connections that other tests left are looked at.
@pytest.mark.django_db
def test_what_one_command_raises_keeps_no_other_from_its_minute(monkeypatch, caplog):
    called = []

    def call(command, **options):
        called.append(command)
        raise OSError("database is locked")

    monkeypatch.setattr(minutely, "call_command", call)

    minutely.look()

    assert called == ["take_up_tasks", "deliver_webhooks"]
    assert caplog.text.count("Traceback") == 2
