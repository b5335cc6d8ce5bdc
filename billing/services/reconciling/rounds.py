"""What the steps of a run share: its window, its clock, and what came of each row."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from billing.exceptions import PaymentPending, PaymentRejected, UnknownStatus
from billing.models import ReconciliationRun
from billing.services.reconciling import findings, runs
from invoices.models import Invoice

logger = logging.getLogger(__name__)

KEY: Final = "key"

_BREATH: Final = timedelta(seconds=30)


class OutOfTime(Exception):
    """The run is paused, for another process to go on with."""


class TakenOver(Exception):
    """Another process took this one for dead, and goes on with the run."""


class Round:
    """One process at work on a run. In a dry run it reads, and changes nothing."""

    def __init__(
        self,
        run: ReconciliationRun,
        *,
        is_dry: bool,
        clock: Callable[[], datetime],
        ends_at: datetime,
        tell: Callable[[str], None],
    ) -> None:
        self.run = run
        self.is_dry = is_dry
        self.clock = clock
        self.tell = tell
        # Payments that this day's sessions were about: the steps after leave them alone.
        self.handled: set[str] = set()
        self.found = 0
        self._ends_at = ends_at
        self._breathed_at = clock()

    def breathe(self) -> None:
        """
        Call it before every page and every row.

        :raises OutOfTime: if the time is up
        :raises TakenOver: if this process was so slow that another took over
        """
        now = self.clock()
        if now >= self._ends_at:
            raise OutOfTime
        if now - self._breathed_at > _BREATH:
            self.save()

    def save(self) -> None:
        """Keep where the run is. :raises TakenOver: as above"""
        self._breathed_at = now = self.clock()
        if not self.is_dry and not runs.renew(run=self.run, now=now):
            raise TakenOver

    def look(self, check: str, rows: int = 1) -> None:
        self._count(check, "looked", rows)

    def mend(
        self,
        check: str,
        subject: str,
        words: str,
        act: Callable[[], object],
        *,
        invoice: Invoice | None = None,
        about: datetime | None = None,
    ) -> None:
        """
        Do what is unambiguous, or in a dry run say what would be done. What Stripe
        refuses is for a person; what cannot be asked now, for the next run.

        :param words: what is done
        :param act: does it; False says that there was nothing to do
        """
        self.breathe()
        try:
            if not self.is_dry and act() is False:
                return
        except PaymentPending:
            logger.warning("%s %s could not be asked for", check, subject)
            self.run.missed += 1
        except Exception as error:
            # One row must not keep all others from their money: a person is told.
            self._tell_of(error, check, subject, invoice, about)
        else:
            self._count(check, "mended", 1)
            self.tell(f"  {check}: {subject}: {words}")

    @contextmanager
    def each(
        self,
        check: str,
        subject: str,
        *,
        invoice: Invoice | None = None,
        about: datetime | None = None,
    ) -> Iterator[None]:
        """What is wrong with one row is for a person, and keeps no other waiting."""
        try:
            yield
        except (OutOfTime, TakenOver, PaymentPending):
            raise
        except Exception as error:
            self._tell_of(error, check, subject, invoice, about)

    def refused(self, what: str, error: PaymentRejected) -> None:
        """All of this kind could not be looked at, so the run does not count as good."""
        logger.error("Stripe refuses to list %s: %s", what, error.reason)
        self.run.missed += 1
        self.find(KEY, what, f"Stripe refuses to list {what}: {error.reason}.")

    def _tell_of(
        self,
        error: Exception,
        check: str,
        subject: str,
        invoice: Invoice | None,
        about: datetime | None,
    ) -> None:
        if isinstance(error, PaymentRejected):
            words = f"Stripe refuses: {error.reason}."
        elif isinstance(error, UnknownStatus):
            words = str(error)
        else:
            logger.error("%s %s was not mended", check, subject, exc_info=error)
            words = f"It could not be mended: {type(error).__name__}. The log says why."
        self.find(check, subject, words, invoice=invoice, about=about)

    def find(
        self,
        check: str,
        subject: str,
        words: str,
        *,
        invoice: Invoice | None = None,
        about: datetime | None = None,
    ) -> None:
        """Have a person look at it."""
        self.found += 1
        self._count(check, "found", 1)
        self.tell(f"! {check}: {subject}: {words}")
        if not self.is_dry:
            findings.keep_finding(
                run=self.run,
                check=check,
                subject=subject,
                words=words,
                invoice=invoice,
                about=about,
                now=self.clock(),
            )

    def _count(self, check: str, what: str, rows: int) -> None:
        none = {"looked": 0, "mended": 0, "found": 0}
        self.run.counts.setdefault(check, none)[what] += rows
