"""
The door Lambda knocks on: loads what every request needs at init, then answers one event
at a time.

The code behind an address, its templates and the database's connection wait for the first
request for them, or for a warm-up: `events.VISITED`, `events.SHOWN`.
Zappa deploys this function and has no part in its answers: docs/adr/0013.
"""

import time

STARTED = time.perf_counter()

import gc

# What loads stays, so looking through it for what could go takes time and finds nothing.
gc.disable()

import os
from pathlib import Path
from typing import Any

import django
from django.core.checks import ERROR, Tags, run_checks
from django.core.exceptions import ImproperlyConfigured

from config import events, gateway, invocations, secrets

# Where deploy/native.py put what the MySQL client logs in with. It knows no other way.
PLUGINS = Path(__file__).resolve().parent.parent / "MySQLdb" / "plugins"
if PLUGINS.is_dir():
    os.environ["MARIADB_PLUGIN_DIR"] = str(PLUGINS)


def check_stage() -> None:
    """
    Ask what `manage.py` asks before a command: whether this stage may take money.

    :raises ImproperlyConfigured: if its keys are another stage's, or a stand-in's
    """
    checks = run_checks(tags=[Tags.security])
    if errors := [str(check) for check in checks if check.level >= ERROR]:
        raise ImproperlyConfigured("\n".join(errors))


def warm_up(site: gateway.Gateway) -> None:
    """Do now what the first request would wait for. It asks the database nothing."""
    site.answer({"httpMethod": "GET", "path": "/healthz"})


secrets.load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()
check_stage()
SITE = gateway.Gateway()
warm_up(SITE)
gc.freeze()
gc.enable()
invocations.initialized(time.perf_counter() - STARTED)


def handler(event: dict[str, Any], context: object) -> Any:
    """
    Answer one Lambda event of any shape.

    :raises events.UnroutableEvent: if nothing here handles it; for a queue: retry
    """
    with invocations.recorded(context) as invocation:
        if gateway.is_http(event):
            answer, request = SITE.answer(event)
            invocation.answered(gateway.kind_of(event), request, answer["statusCode"])
            return answer
        invocation.kind = events.kind_of(event)
        answer = events.handle(event, context)
        invocation.messages_again = events.messages_again(answer)
        return answer
