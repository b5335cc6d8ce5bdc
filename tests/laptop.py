"""
The whole site on one machine: pages, task worker, schedule and a stand-in for Stripe.

    python -m tests.laptop --port 8000

needs no MySQL, no AWS and no key. What it writes is under `var/`, or `VAR_DIR`. Ctrl-C
ends all of it.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, NoReturn
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("VAR_DIR", ROOT / "var"))
DATABASE = VAR / "db.sqlite3"
# What `load_demo` creates.
DEMO_EMAIL = "demo@example.com"
DEMO_PASSWORD = "paymyinvoice"
# Signs nothing but the stand-in's events.
WEBHOOK_SECRET = "whsec_laptop"
START_SECONDS = 60
STOP_SECONDS = 10

# Signals that told us to end.
received: list[int] = []


class CannotRun(Exception):
    """A sentence for the person who typed `make run`, and an exit code."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


class Interrupted(Exception):
    """The person pressed Ctrl-C, or the terminal went away."""


class Program:
    """A child in a process group of its own; its lines are printed with its name."""

    def __init__(self, name: str, *arguments: str, variables: dict[str, str]) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert self.process.stdout
        self.printer = threading.Thread(
            target=self._print, args=[self.process.stdout], daemon=True
        )
        self.printer.start()

    def _print(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                say(f"{self.name:>8} | {line.rstrip()}")

    def send(self, number: signal.Signals) -> None:
        """To its children too: a reloading server is two processes."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    def wait(self) -> None:
        self.process.wait()
        self.printer.join(timeout=1)

    def exit_code(self) -> int:
        """As a shell gives it: a signal's number is above 128."""
        code = self.process.returncode
        return code if code >= 0 else 128 - code


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def pause() -> None:
    """:raises Interrupted: if a signal told us to end"""
    time.sleep(0.1)
    if received:
        raise Interrupted


def claim(port: int) -> int:
    """See that the port is free, or find one for 0.

    :raises OSError: if it is taken, or this user may not have it
    """
    with socket.create_server(("127.0.0.1", port)) as listener:
        number: int = listener.getsockname()[1]
        return number


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def environment(port: int, stripe_port: int) -> dict[str, str]:
    """What config/settings.py reads; nothing of it is a secret."""
    return {
        "PYTHONUNBUFFERED": "1",
        "DJANGO_RUNSERVER_HIDE_WARNING": "true",
        "STAGE": "laptop",
        "DATABASE_URL": f"sqlite:///{quote(str(DATABASE))}",
        "EMAIL_URL": f"filemail:///{quote(str(VAR / 'mail'))}",
        "SITE_URL": f"http://localhost:{port}",
        # The very address the stand-in gives itself: the browser may be sent nowhere else.
        "STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
        "STRIPE_API_KEY": "sk_test_standin",
        "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
    }


def manage(*arguments: str, variables: dict[str, str]) -> None:
    """Run one management command to its end.

    :raises CannotRun: with the command's exit code, if it fails
    """
    program = Program("setup", "manage.py", *arguments, variables=variables)
    try:
        while program.process.poll() is None:
            pause()
    finally:
        stop([program])
    if program.process.returncode:
        raise CannotRun(f"manage.py {arguments[0]} failed.", program.exit_code())


def prepare(variables: dict[str, str]) -> None:
    """Migrate; a new database gets the demo data too, or does not come to be."""
    VAR.mkdir(parents=True, exist_ok=True)
    is_new = not DATABASE.exists()
    try:
        manage("migrate", "--verbosity=0", variables=variables)
        if is_new:
            say("Loading the demo data, with its documents and mail.")
            manage("load_demo", variables=variables)
            # Here, or what the worker says of each takes the password off the screen.
            quickly = ["--verbosity=0", "--no-startup-delay", "--interval=0"]
            manage("db_worker", "--batch", *quickly, variables=variables)
    except BaseException:
        if is_new:
            for file in VAR.glob(f"{DATABASE.name}*"):
                file.unlink()
        raise


def start(port: int, stripe_port: int, variables: dict[str, str]) -> list[Program]:
    stripe = [
        *("--port", str(stripe_port)),
        *("--webhook-url", f"http://localhost:{port}/stripe/webhook/"),
        *("--secret", WEBHOOK_SECRET),
        *("--books", str(DATABASE)),
    ]
    return [
        Program("stripe", "-m", "tests.stand_in", *stripe, variables=variables),
        Program("worker", "manage.py", "db_worker", "--reload", variables=variables),
        Program("schedule", "-m", "tests.minutely", variables=variables),
        Program("site", "manage.py", "runserver", str(port), variables=variables),
    ]


def watch(programs: list[Program]) -> None:
    """:raises CannotRun: as soon as one of them has ended, with its exit code"""
    for program in programs:
        if program.process.poll() is not None:
            code = program.exit_code()
            raise CannotRun(
                f"The {program.name} ended with exit code {code}.", code or 1
            )


def wait_for(port: int, programs: list[Program]) -> None:
    """:raises CannotRun: if the site does not answer in time, or a program ends"""
    deadline = time.monotonic() + START_SECONDS
    while not answers(port):
        watch(programs)
        if time.monotonic() > deadline:
            raise CannotRun(f"The site does not answer after {START_SECONDS} s.")
        pause()


def stop(programs: list[Program]) -> None:
    """End them politely; after ten seconds, not politely."""
    for program in programs:
        program.send(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for program in programs:
        try:
            program.process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            say(f"The {program.name} does not end: killed.")
    for program in programs:
        program.send(signal.SIGKILL)
        program.wait()


def banner(variables: dict[str, str]) -> str:
    site = variables["SITE_URL"]
    return f"""
  PayMyInvoice is at   {site}/
  Back office          {site}/admin/
    sign in as         {DEMO_EMAIL}
    password           {DEMO_PASSWORD}
  API                  {site}/api/docs/
  Mail lands in        {VAR / "mail"}
  Stand-in for Stripe  {variables["STRIPE_API_BASE"]}/

  Ctrl-C ends all of it.
"""


def serve(port: int) -> NoReturn:
    """:raises CannotRun: when it cannot go on  :raises Interrupted: when told to end"""
    try:
        claim(port)
    except OSError as error:
        why = os.strerror(error.errno or 0).lower()
        raise CannotRun(
            f"Port {port}: {why}. Choose another, as in: make run PORT=8765"
        ) from error
    stripe_port = claim(0)
    variables = environment(port, stripe_port)
    prepare(variables)
    programs = start(port, stripe_port, variables)
    try:
        wait_for(port, programs)
        say(banner(variables))
        while True:
            watch(programs)
            pause()
    finally:
        stop(programs)


def port_number(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError("a port is a number between 1 and 65535")
    return int(text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the whole site on one machine.")
    parser.add_argument("--port", type=port_number, default=8000)
    port = parser.parse_args().port
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: received.append(number))
    try:
        serve(port)
    except Interrupted:
        say("\nAll ended.")
        return 0
    except CannotRun as error:
        sys.stderr.write(f"{error}\n")
        return error.code


if __name__ == "__main__":
    sys.exit(main())
