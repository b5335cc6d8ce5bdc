from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.models import IdempotencyRecord
from accounts.services import repeating


class Command(BaseCommand):
    help = "Delete the answers that an Idempotency-Key finds no more. May be run twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="Only say how many they are."
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        now = timezone.now()
        if dry_run:
            forgotten = IdempotencyRecord.objects.outdated(now).count()
        else:
            forgotten = repeating.forget_answers(now=now)
        self.stdout.write(f"{forgotten} answers")
