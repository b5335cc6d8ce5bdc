"""
The door Lambda knocks on: loads everything at init, then leaves HTTP to Zappa.

What it corrects, each seen in Zappa 0.63: Django loaded in the first request rather than
at init; the client's address taken from a header the client wrote; cookies multiplied;
code executed from an event (`raw_command`); events that nobody handles reported as done;
connections that died while the environment was frozen, outside of HTTP.
"""

import os
from pathlib import Path
from typing import Any

# Read by Zappa when it is imported: load Django now, at init, not in the first request.
os.environ["INSTANTIATE_LAMBDA_HANDLER_ON_IMPORT"] = "1"

# Where deploy/native.py put what the MySQL client logs in with. It knows no other way.
PLUGINS = Path(__file__).resolve().parent.parent / "MySQLdb" / "plugins"
if PLUGINS.is_dir():
    os.environ["MARIADB_PLUGIN_DIR"] = str(PLUGINS)

from django.core.checks import ERROR, Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections
from zappa import handler as zappa

type Event = dict[str, Any]


class UnroutableEvent(RuntimeError):
    """Nobody here handles this event. Raised, so that its sender keeps it."""


def check_stage() -> None:
    """
    Ask what `manage.py` asks before a command: whether this stage may take money.

    :raises ImproperlyConfigured: if its keys are another stage's, or a stand-in's
    """
    checks = run_checks(tags=[Tags.security])
    if errors := [str(check) for check in checks if check.level >= ERROR]:
        raise ImproperlyConfigured("\n".join(errors))


check_stage()


def handler(event: Event, context: object) -> Any:
    """
    Answer one Lambda event of any shape.

    :raises UnroutableEvent: if nothing here handles it; for a queue that means retry
    """
    if _is_http(event):
        _believe_the_gateway(event)
        return _with_each_cookie_once(zappa.lambda_handler(event, context))
    _check_route(event)
    close_old_connections()
    try:
        return zappa.lambda_handler(event, context)
    finally:
        close_old_connections()


def _is_http(event: Event) -> bool:
    return "httpMethod" in event or "http" in event.get("requestContext", {})


def _believe_the_gateway(event: Event) -> None:
    """Put the address the gateway saw where Zappa looks for the client's."""
    context = event.get("requestContext") or {}
    seen_by = context.get("identity") or context.get("http") or {}
    address = seen_by.get("sourceIp")
    if not address:
        return
    for name, value in (("headers", address), ("multiValueHeaders", [address])):
        headers = event.get(name)
        if headers:
            for key in [key for key in headers if key.lower() == "x-forwarded-for"]:
                del headers[key]
            headers["X-Forwarded-For"] = value


def _with_each_cookie_once(response: Event) -> Event:
    if "cookies" in response:
        response["cookies"] = list(dict.fromkeys(response["cookies"]))
    headers = response.get("multiValueHeaders")
    if headers is None:
        return response
    cookies = [
        cookie
        for key in [key for key in headers if key.lower() == "set-cookie"]
        for cookie in headers.pop(key)
    ]
    if cookies:
        headers["Set-Cookie"] = list(dict.fromkeys(cookies))
        # The single-value form can carry one cookie only; API Gateway would add it.
        for key in list(response.get("headers", {})):
            if key.lower() == "set-cookie":
                del response["headers"][key]
    return response


def _check_route(event: Event) -> None:
    if event.get("raw_command"):
        raise UnroutableEvent("Code in an event is not executed here.")
    records = event.get("Records")
    if records and not zappa.global_handler.get_function_for_aws_event(records[0]):
        raise UnroutableEvent(f"No function for {records[0].get('eventSourceARN')}.")
    known = ("Records", "command", "manage")
    scheduled = event.get("detail-type") == "Scheduled Event"
    if not scheduled and not any(event.get(name) for name in known):
        raise UnroutableEvent(f"No function for an event of {sorted(event)}.")
