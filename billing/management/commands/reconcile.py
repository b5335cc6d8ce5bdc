from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from billing.models import ReconciliationFinding, ReconciliationRun
from billing.services.reconciling import reconciling
from billing.services.reconciling.reconciling import Outcome, Result
from invoices.money import format_money

# Lambda ends a worker after fifteen.
MINUTES: Final = 12
# Of the command; 0 says that nobody is needed.
SOMEBODY_IS_NEEDED: Final = 1
NOT_DONE: Final = 2

_PAUSED: Final = {
    Outcome.OUT_OF_TIME: "The time is up: the next run goes on from here.",
    Outcome.STRIPE_AWAY: "Stripe cannot be asked: the next run goes on from here.",
    Outcome.TAKEN_OVER: "Another process took over, as this one was too slow.",
}


class Command(BaseCommand):
    help = (
        "Hold the books against Stripe, and mend what is unambiguous. May be run at any "
        "time; of two at once, one leaves. Exits with 1 where somebody is needed, and "
        "with 2 where it could not be finished."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            type=_day,
            help="A day such as 2026-03-01, in UTC: after a restore, that of the copy. "
            "Without, three days before the last good run.",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Change nothing; say what would be mended, and what would be found.",
        )
        parser.add_argument(
            "--minutes", type=int, default=MINUTES, help="Then it pauses."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """:raises CommandError: if somebody is needed, or it could not be finished"""
        is_dry = options["dry_run"]
        result = reconciling.reconcile(
            since=options["since"],
            is_dry=is_dry,
            lasts=timedelta(minutes=options["minutes"]),
            clock=timezone.now,
            tell=self.stdout.write,
        )
        if result.run is None:
            self.stdout.write("Another process is at it.")
            return
        self._print(result.run)
        if result.outcome in _PAUSED:
            raise CommandError(_PAUSED[result.outcome], returncode=NOT_DONE)
        if result.run.missed:
            words = (
                f"{result.run.missed} rows could not be asked for; the log says why."
            )
            raise CommandError(words, returncode=NOT_DONE)
        self._say_who_is_needed(result, is_dry=is_dry)

    def _say_who_is_needed(self, result: Result, *, is_dry: bool) -> None:
        findings = ReconciliationFinding.objects.open()
        waiting = result.found if is_dry else findings.count()
        if waiting:
            raise CommandError(
                f"{waiting} findings wait for a person: see docs/runbooks.",
                returncode=SOMEBODY_IS_NEEDED,
            )
        self.stdout.write("The books agree with Stripe.")

    def _print(self, run: ReconciliationRun) -> None:
        self.stdout.write(f"{run.since:%Y-%m-%d} to {run.until:%Y-%m-%d %H:%M} UTC")
        self.stdout.write(_row("", "looked at", "mended", "for a person"))
        for check, count in run.counts.items():
            numbers = (str(count[name]) for name in ("looked", "mended", "found"))
            self.stdout.write(_row(check, *numbers))
        if run.sums:
            self.stdout.write("")
            self.stdout.write(_row("day", "Stripe", "books", "fees"))
        for sums in run.sums:
            amounts = (sums[name] for name in ("moved", "booked", "fee"))
            said = (format_money(amount, sums["currency"]) for amount in amounts)
            self.stdout.write(_row(sums["day"], *said))


def _row(name: str, *columns: str) -> str:
    return f"{name:<12}" + "".join(f"{column:>16}" for column in columns)


def _day(text: str) -> datetime:
    """:raises ValueError: if it is no day"""
    day = date.fromisoformat(text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
