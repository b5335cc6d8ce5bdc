"""What reaches the function beside HTTP: commands, schedules, queues."""

import io
import logging
import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any, Final, cast

from django.conf import settings
from django.core.management import call_command
from django.db import close_old_connections, connection
from django.template.loader import get_template
from django.urls import resolve

type Event = Mapping[str, Any]

# Imported when one is called: a request needs none of what they bring.
SCHEDULES: Final = "config.schedules"
# Zappa names a rule after its function, and this is the function of its own.
KEEP_WARM: Final = "handler.keep_warm_callback"
# Whoever may invoke the function may run commands, but for these; and why not. A person
# with the stage's database and a reason has other ways to do what they do.
REFUSED_COMMANDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("dbshell", "shell"), "runs code from outside"),
    **dict.fromkeys(("db_worker", "runserver"), "never ends"),
    **dict.fromkeys(("test", "testserver"), "makes a database of its own"),
    "flush": "deletes every row",
    "loaddata": "writes over rows that are there",
    "diffsettings": "would print the stage's secrets into its log",
    "dumpdata": "would print everybody's data into the log",
}
# Init loads what every request needs, and a warm-up also what most of them need: addresses
# whose code, and templates which, the first request for them would have to load.
VISITED: Final = ("/", "/api/v1/posts/", "/i/a-token/", "/accounts/login/")
SHOWN: Final = ("blog/index.html", "blog/post.html", "billing/invoice.html")
# Characters of a command's output that are returned: the last ones. The log has all.
LARGEST_OUTPUT: Final = 1_000_000

logger = logging.getLogger(__name__)


class UnroutableEvent(RuntimeError):
    """Nobody here handles this event. Raised, so that its sender keeps it."""


class CommandFailed(RuntimeError):
    """A command ended with an exit code other than 0."""


def kind_of(event: Event) -> str:
    """:raises UnroutableEvent: if nothing here handles such an event"""
    if event.get("raw_command"):
        raise UnroutableEvent("Code in an event is not executed here.")
    if event.get("detail-type") == "Scheduled Event":
        return "keep-warm" if _function_of_rule(event) == KEEP_WARM else "schedule"
    for key, kind in (
        ("manage", "manage"),
        ("command", "command"),
        ("Records", "queue"),
    ):
        if event.get(key):
            return kind
    raise UnroutableEvent(f"No function for an event of {sorted(event)}.")


def handle(event: Event, context: object) -> Any:
    """
    Do what the event asks for, on connections that answer.

    What fails is raised: Lambda tells whoever sent the event, who keeps it or asks again.

    :raises UnroutableEvent: if nothing here handles it
    :raises CommandFailed: if a command said that it failed
    """
    handler = HANDLERS[kind_of(event)]
    # Requests do the same by Django's signals, which no other event sends.
    close_old_connections()
    try:
        return handler(event, context)
    finally:
        close_old_connections()


def _manage(event: Event, context: object) -> dict[str, str]:
    name, *arguments = shlex.split(event["manage"])
    if reason := REFUSED_COMMANDS.get(name):
        raise UnroutableEvent(f"The command {name} is not run here: it {reason}.")
    output = _Copied()
    try:
        with redirect_stdout(output):
            call_command(name, *arguments)
    except SystemExit as error:
        # Let through, it would end the runtime instead of the invocation.
        if error.code:
            raise CommandFailed(f"{name} ended with {error.code}.") from error
    return {"output": output.getvalue()[-LARGEST_OUTPUT:]}


class _Copied(io.StringIO):
    """Output that is kept, and still seen in the log, whose tail Zappa shows."""

    def __init__(self) -> None:
        super().__init__()
        self._seen = sys.stdout

    def write(self, text: str) -> int:
        self._seen.write(text)
        return super().write(text)


def _command(event: Event, context: object) -> Any:
    return _schedule(event["command"])(event, context)


def _scheduled(event: Event, context: object) -> Any:
    return _schedule(_function_of_rule(event))(event, context)


def _keep_warm(event: Event, context: object) -> None:
    """Load what the next request would wait for; it is never loaded twice."""
    for path in VISITED:
        resolve(path)
    for template in SHOWN:
        get_template(template)
    # A database that is to sleep when nobody asks would be kept awake by this.
    if settings.KEEP_WARM_DATABASE:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


def _queue(event: Event, context: object) -> dict[str, list[dict[str, str]]]:
    """
    Call the queue's function for each message; those that failed come again.

    Of a FIFO queue, so do those after the first that failed: they must not overtake it.
    The event source needs `ReportBatchItemFailures`; without, SQS takes all as done.
    """
    again: list[str] = []
    for record in event["Records"]:
        is_stopped = again and str(record.get("eventSourceARN")).endswith(".fifo")
        if is_stopped or not _is_done(record, context):
            again.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": number} for number in again]}


def _is_done(record: Event, context: object) -> bool:
    function = _function_of_queue(record)
    # A connection that broke under the message before is not used for this one.
    close_old_connections()
    try:
        function(record, context)
    except Exception:
        logger.exception("Message %s failed and comes again", record["messageId"])
        return False
    return True


def messages_again(answer: object) -> int:
    """How many messages of a queue come again, as the answer to their event says."""
    return len(answer.get("batchItemFailures", ())) if isinstance(answer, dict) else 0


HANDLERS: Final[Mapping[str, Callable[[Event, object], Any]]] = {
    "command": _command,
    "keep-warm": _keep_warm,
    "manage": _manage,
    "queue": _queue,
    "schedule": _scheduled,
}


def _function_of_rule(event: Event) -> str:
    resources = event.get("resources") or [""]
    return str(resources[0]).rpartition("-")[2]


def _function_of_queue(record: Event) -> Callable[[Event, object], Any]:
    source = str(record.get("eventSourceARN"))
    name = settings.SQS_FUNCTIONS.get(source.rpartition(":")[2])
    if name is None:
        raise UnroutableEvent(f"No function for {source}: set SQS_FUNCTIONS.")
    return _schedule(name)


def _schedule(path: str) -> Callable[[Event, object], Any]:
    """:raises UnroutableEvent: unless it names a function of `config.schedules`"""
    module, _, name = path.rpartition(".")
    if module == SCHEDULES:
        function = vars(import_module(SCHEDULES)).get(name)
        # What that module imported from others is not meant.
        if getattr(function, "__module__", None) == SCHEDULES:
            return cast("Callable[[Event, object], Any]", function)
    raise UnroutableEvent(f"{path} is no function of {SCHEDULES}.")
