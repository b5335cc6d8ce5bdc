"""Rows that wait to be stored, and what is told of them."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any, Final

from django.db import transaction
from django.db.models import Model

from accounts.models import Event
from benchmarks.scale.firm import Firm
from benchmarks.scale.inserting import insert
from billing.models import (
    BalanceTransaction,
    Checkout,
    Payment,
    Refund,
    StripeEvent,
)
from invoices.models import (
    CreditNote,
    CreditNoteLine,
    CreditNoteTax,
    Invoice,
    InvoiceLine,
    LedgerEntry,
    ManualPayment,
    Seal,
    TaxTotal,
)

# In the order in which keys refer to each other.
TABLES: Final[Sequence[type[Model]]] = (
    *(Invoice, InvoiceLine, TaxTotal, CreditNote, CreditNoteLine, CreditNoteTax),
    *(Seal, ManualPayment, Checkout, Payment, Refund, BalanceTransaction, StripeEvent),
    *(LedgerEntry, Event),
)
# No invoice has more rows in a table.
MOST: Final = 20


class Pile:
    """Gives keys as it takes rows, from those of the first invoice on."""

    def __init__(self, firm: Firm, first: int) -> None:
        self.firm = firm
        self.rows: dict[type[Model], list[Any]] = {table: [] for table in TABLES}
        self._keys = {table: count(first * MOST + 1) for table in TABLES}
        self._keys[Invoice] = count(first + 1)

    def add(self, row: Any) -> Any:
        table = type(row)
        row.pk = next(self._keys[table])
        self.rows[table].append(row)
        return row

    def tell(
        self,
        type_: str,
        subject: Any,
        at: datetime,
        *,
        by_itself: bool = False,
        **data: Any,
    ) -> None:
        """:param by_itself: a customer did it, or Stripe"""
        self.add(
            Event(
                business=self.firm.business,
                actor=None if by_itself else self.firm.owner,
                type=type_,
                subject_type=subject._meta.model_name,
                subject_id=str(subject.public_id),
                data=data,
                occurred_at=at,
            )
        )

    def store(self) -> None:
        with transaction.atomic():
            for rows in self.rows.values():
                insert(rows)
                rows.clear()
