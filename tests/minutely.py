"""
What a stage's schedule does about work that could not be done: on a laptop, each minute.

    python -m tests.minutely
"""

import logging
import os
import time
from io import StringIO
from typing import Final

import django
from django.core.management import call_command
from django.db import close_old_connections

# The worker beside it does what the first takes up.
logger = logging.getLogger(__name__)

COMMANDS: Final = ("take_up_tasks", "deliver_webhooks")
EVERY: Final = 60


def look() -> None:
    for command in COMMANDS:
        try:
            call_command(command, stdout=StringIO())
        except Exception:
            # Such as a database that is locked: the next minute is soon.
            logger.exception("%s failed", command)
    close_old_connections()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    while True:
        time.sleep(EVERY)
        look()


if __name__ == "__main__":
    main()
