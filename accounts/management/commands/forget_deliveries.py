from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.services import deliveries


class Command(BaseCommand):
    help = "Delete the log of webhooks that ended a month ago and more."

    def handle(self, *args: Any, **options: Any) -> None:
        forgotten = deliveries.forget_deliveries(now=timezone.now())
        self.stdout.write(f"{forgotten} deliveries forgotten")
