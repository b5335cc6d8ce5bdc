"""What a statement of account says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from accounts.models import Business
from invoices.models import Customer


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One document or payment, in minor units; the balance is what is owed after it."""

    day: date
    document: str
    charge: int
    payment: int
    balance: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What a customer was charged and paid in a currency from a day to another, both in."""

    business: Business
    customer: Customer
    currency: str
    start: date
    end: date
    opening: int
    rows: Sequence[StatementRow]

    @property
    def closing(self) -> int:
        return self.rows[-1].balance if self.rows else self.opening
