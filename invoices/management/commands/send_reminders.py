import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from invoices.exceptions import TooMuchMail
from invoices.services import reminding

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Mail the reminders that are due. May be run at any time, and twice at once: "
        "each is mailed once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="Only list what would be mailed."
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        if dry_run:
            for wanted in reminding.wanted(timezone.now()):
                if wanted.is_mailed:
                    self.stdout.write(f"{wanted.invoice}: {wanted.step}")
            return
        mailed, failed = self._remind()
        self.stdout.write(f"{mailed} reminders")
        if failed:
            raise CommandError(f"{failed} invoices failed; the log says why.")

    def _remind(self) -> tuple[int, int]:
        mailed = failed = 0
        stopped = set()
        now = timezone.now()
        for wanted in reminding.wanted(now):
            business_id = wanted.invoice.business_id
            if business_id in stopped:
                continue
            try:
                mailed += reminding.remind(wanted=wanted, now=now)
            except TooMuchMail:
                logger.warning("Business %s mails no more today", business_id)
                stopped.add(business_id)
            except Exception:
                # One invoice must not keep all others waiting; the command fails for it
                # in the end.
                logger.exception("Invoice %s was not reminded of", wanted.invoice.pk)
                failed += 1
        return mailed, failed
