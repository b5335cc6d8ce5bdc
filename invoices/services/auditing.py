"""Remembering what an audit found."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from accounts.models import Business
from invoices.audit.findings import Finding
from invoices.models import AuditRun

# As many as a person reads; the command prints them all.
SHOWN: Final = 20


@transaction.atomic
def record_audit(
    *, business: Business, documents: int, findings: Sequence[Finding], now: datetime
) -> AuditRun:
    """Keep the outcome in place of the one before. `invoices.audit` does the looking."""
    run, _ = AuditRun.objects.update_or_create(
        business=business,
        defaults={
            "finished_at": now,
            "documents": documents,
            "findings": len(findings),
            "shown": [str(finding) for finding in findings[:SHOWN]],
        },
    )
    return run
