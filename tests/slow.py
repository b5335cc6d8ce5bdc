"""What takes long as a whole, and is therefore left out of `make test-fast`."""

from functools import cache
from pathlib import Path
from typing import Final

# Folders and files below tests/. A single test carries the mark `thorough` itself.
SLOW: Final = (
    # Processes are started, templates read, packages looked into.
    "deployment",
    "config/test_addresses.py",
    "config/test_commands.py",
    "config/test_events.py",
    "config/test_invocations.py",
    "config/test_lambda_handler.py",
    "config/test_later.py",
    "config/test_logs.py",
    "config/test_mocks.py",
    "config/test_settings.py",
    "test_database.py",
    "test_import_budget.py",
    "test_mysql9.py",
    # Each page of the back office, with its frame around it.
    "accounts/admin",
    "billing/test_admin.py",
    "billing/test_desk.py",
    "billing/test_dispute_pages.py",
    "blog/test_admin.py",
    "invoices/admin",
    # Documents, published invoices, and faults planted one by one.
    "config/test_audit_books.py",
    "invoices/api/test_bad_input.py",
    "invoices/api/test_vectors.py",
    "invoices/pdf",
    "invoices/test_guards.py",
    # Stories with Stripe in them.
    "billing/test_disputing.py",
    "billing/test_findings.py",
    "billing/test_receivers.py",
    "billing/test_reconciling.py",
    "billing/test_refunding.py",
    "billing/test_runs.py",
    "billing/test_scenarios.py",
    "billing/test_thin_events.py",
    "journeys",
)

TESTS: Final = Path(__file__).parent


@cache
def is_slow(test: Path) -> bool:
    """Whether a file of tests is, or is in, one of these."""
    return any(test.is_relative_to(TESTS / name) for name in SLOW)
