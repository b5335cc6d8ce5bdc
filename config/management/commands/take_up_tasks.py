from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from config.tasks import take_up_again


class Command(BaseCommand):
    help = (
        "Let tasks that were begun and cut off be tried again. May be run at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        take_up_again(timezone.now())
