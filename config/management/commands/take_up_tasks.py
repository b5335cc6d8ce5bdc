from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from config.tasks import take_up_again
from invoices.services.redelivering import take_up_lost


class Command(BaseCommand):
    help = (
        "Let tasks be tried again that failed or were cut off, and mail that lost its "
        "task. May be run at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        take_up_again(now)
        # Afterwards, so that what has failed by now has failed for good.
        take_up_lost(now=now)
