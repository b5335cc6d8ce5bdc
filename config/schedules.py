"""
One function for each schedule in `zappa_settings.json`; each calls one command.

An event or a queue may call these by name, and nothing else: config/events.py.
"""

from django.core.management import call_command


def run_tasks(event: object, context: object) -> None:
    """What was to be done later, could not be done at once, or was cut off."""
    call_command("take_up_tasks")
    call_command("db_worker", batch=True, interval=0, startup_delay=False)


def tidy_up(event: object, context: object) -> None:
    """Forget what nobody needs: sessions that ended, tasks that were done."""
    call_command("clearsessions")
    # Mail of accounts carries links that open them; two weeks are enough to look back.
    call_command("prune_db_task_results", queue_name="*", min_age_days=14)
