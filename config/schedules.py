"""
One function for each schedule in `zappa_settings.json`; each calls one command.

An event or a queue may call these by name, and nothing else: config/events.py.
"""

import logging

from django.core.management import CommandError, call_command

logger = logging.getLogger(__name__)


def run_tasks(event: object, context: object) -> None:
    """What was to be done later, could not be done at once, or was cut off."""
    call_command("take_up_tasks")
    call_command("db_worker", batch=True, interval=0, startup_delay=False)
    call_command("deliver_webhooks")


def audit(event: object, context: object) -> None:
    """Look whether the books add up."""
    try:
        call_command("audit_books")
    except CommandError as error:
        # Raised, Lambda would look again, and find the same.
        logger.error("The books do not agree: %s", error)  # noqa: TRY400 - it says all


def tidy_up(event: object, context: object) -> None:
    """Forget what nobody needs: sessions that ended, old answers, tasks that were done."""
    call_command("clearsessions")
    call_command("forget_answers")
    # Mail of accounts carries links that open them; two weeks are enough to look back.
    call_command("prune_db_task_results", queue_name="*", min_age_days=14)
    call_command("forget_deliveries")


def remind(event: object, context: object) -> None:
    """Mail the reminders that businesses have planned. What was missed is caught up."""
    call_command("send_reminders")


def reconcile(event: object, context: object) -> None:
    """Hold the books against Stripe. What it could not finish, the next goes on with."""
    try:
        call_command("reconcile")
    except CommandError as error:
        # Raised, Lambda would look again, and find the same. Whoever is needed has mail.
        logger.warning("Reconciled with Stripe: %s", error)
