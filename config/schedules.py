"""
One function for each schedule in `zappa_settings.json`; each calls one command.

Zappa calls again with fewer arguments on a TypeError, so each takes exactly these two.
"""

from django.core.management import call_command


def run_tasks(event: object, context: object) -> None:
    """Mail, refunds and whatever else the last minute wrote down to be done."""
    call_command("db_worker", batch=True, interval=0, startup_delay=False)
