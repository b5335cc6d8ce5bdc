from itertools import chain
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Business
from billing import audit as billing_audit
from invoices.audit import checks
from invoices.audit.documents import documents
from invoices.audit.findings import Finding
from invoices.audit.orphans import orphans
from invoices.services.auditing import record_audit

CHECKS: Final = (*checks.CHECKS, *billing_audit.CHECKS)


class Command(BaseCommand):
    """Changes nothing but the line on the front page; may be run at any time."""

    help = (
        "Look whether the books add up. Exits with 1, and a table, where they do not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--business", type=UUID, help="The id of one; all without.")
        parser.add_argument(
            "--files",
            action="store_true",
            help="Read every stored PDF as well, and compare its hash.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """:raises CommandError: if anything was found, or there is no such business"""
        businesses = Business.objects.order_by("pk")
        if wanted := options["business"]:
            businesses = businesses.filter(public_id=wanted)
            if not businesses:
                raise CommandError(f"There is no business {wanted}.")
        found = 0 if wanted else self._print([*orphans(), *billing_audit.orphans()])
        for business in businesses.iterator():
            found += self._audit(business, with_files=options["files"])
        if found:
            raise CommandError(f"{found} findings: see docs/runbooks.", returncode=1)
        self.stdout.write("The books agree.")

    def _audit(self, business: Business, *, with_files: bool) -> int:
        looked_at = 0

        def progress(count: int) -> None:
            nonlocal looked_at
            looked_at += count
            if self.stderr.isatty():
                self.stderr.write(f"\r{business}: {looked_at} documents", ending="")

        findings = list(
            chain(
                documents(business, with_files=with_files, progress=progress),
                *(check(business) for check in CHECKS),
            )
        )
        if self.stderr.isatty() and looked_at:
            self.stderr.write("")
        record_audit(
            business=business,
            documents=looked_at,
            findings=findings,
            now=timezone.now(),
        )
        self.stdout.write(
            f"{business}: {looked_at} documents, {len(findings)} findings"
        )
        return self._print(findings)

    def _print(self, findings: list[Finding]) -> int:
        widths = [
            max((len(getattr(row, column)) for row in findings), default=0)
            for column in ("check", "subject")
        ]
        for row in findings:
            self.stdout.write(
                f"  {row.check:{widths[0]}}  {row.subject:{widths[1]}}  {row.words}"
            )
        return len(findings)
