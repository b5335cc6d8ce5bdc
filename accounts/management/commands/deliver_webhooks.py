from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.services import deliveries


class Command(BaseCommand):
    help = (
        "Send events to the endpoints that wait for them. May be run at any time, and "
        "twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--minutes", type=int, default=5, help="Begin no try after as many."
        )

    def handle(self, *args: Any, minutes: int, **options: Any) -> None:
        succeeded, failed = deliveries.deliver_due(
            clock=timezone.now, until=timezone.now() + timedelta(minutes=minutes)
        )
        self.stdout.write(f"{succeeded} sent; {failed} endpoints did not take theirs")
