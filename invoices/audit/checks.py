"""All that is asked of the books of one business, but for its documents."""

from collections.abc import Sequence
from typing import Final

from invoices.audit.belonging import belonging
from invoices.audit.findings import Check
from invoices.audit.money import balances, drafts, payments
from invoices.audit.numbers import numbers

CHECKS: Final[Sequence[Check]] = (
    numbers,
    payments,
    balances,
    drafts,
    belonging,
)
