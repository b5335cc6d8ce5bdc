"""
What a statement of account says, and how it is worked out.

A customer's account is what it was invoiced, less what was credited and what it paid.
Money that it has to its credit, or that is held for a decision, counts as paid: so the
closing balance is the sum of what is due, less both of these. What was paid back without
a credit note, or withdrawn for a dispute, is not owed again, and so no part of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate, chain
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, Sum
from django.utils.text import slugify

from accounts.models import Business
from invoices import mail_wording, wording
from invoices.exceptions import TooManyRows
from invoices.models import BalanceEntry, CreditNote, Customer, Invoice, LedgerEntry
from invoices.states import InvoiceStatus

_KINDS = LedgerEntry.Kind
# Money that came or was taken back. What left again for a credit note is in the note's
# own row; moving money to the balance and from it changes nothing that is owed.
_MONEY: Final = (
    _KINDS.PAYMENT,
    _KINDS.PAYMENT_REVERSED,
    _KINDS.HELD,
    _KINDS.HELD_REFUND,
    _KINDS.HELD_REFUND_FAILED,
    _KINDS.HELD_DISPUTE,
    _KINDS.HELD_DISPUTE_BACK,
)
# More than anyone reads.
MAX_ROWS: Final = 5000
_OVERPAID: Final = (BalanceEntry.Kind.OVERPAYMENT, BalanceEntry.Kind.RETURNED)


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

    @property
    def document_name(self) -> str:
        """What the PDF is called where it is saved."""
        language = self.customer.language or self.business.language
        name = slugify(wording.say(language, "statement"), allow_unicode=True)
        return f"{name}-{self.currency}-{self.start}-{self.end}.pdf"


@dataclass(frozen=True, slots=True)
class _Move:
    """A row before its balance is known; sorted by its moment, then as written."""

    at: datetime
    day: date
    document: str
    charge: int
    payment: int

    @property
    def change(self) -> int:
        return self.charge - self.payment


def currencies(customer: Customer) -> list[str]:
    """Those in which the customer was invoiced, in the order of their codes."""
    issued = Invoice.objects.filter(customer=customer, number__isnull=False)
    return list(
        issued.values_list("currency", flat=True).distinct().order_by("currency")
    )


def statement_of(
    customer: Customer, currency: str, *, start: date, end: date
) -> Statement:
    """
    The account in one currency from a day to another, both in, by the business's
    calendar. Eleven queries, whatever there is.

    :raises TooManyRows: if there are more than `MAX_ROWS`
    """
    business = customer.business
    account = _Account(customer, currency, ZoneInfo(business.time_zone))
    opening = account.balance(start)
    moves = list(account.moves(start, end + timedelta(days=1)))
    if len(moves) > MAX_ROWS:
        raise TooManyRows(
            f"There are more than {MAX_ROWS} rows: ask for a shorter period."
        )
    moves.sort(key=lambda move: move.at)
    balances = accumulate((move.change for move in moves), initial=opening)
    next(balances)
    return Statement(
        business=business,
        customer=customer,
        currency=currency,
        start=start,
        end=end,
        opening=opening,
        rows=[
            StatementRow(move.day, move.document, move.charge, move.payment, balance)
            for move, balance in zip(moves, balances, strict=True)
        ],
    )


class _Account:
    """Everything that changes what a customer owes in one currency."""

    def __init__(self, customer: Customer, currency: str, zone: ZoneInfo) -> None:
        self.language = customer.language or customer.business.language
        self.zone = zone
        self.invoices = Invoice.objects.filter(
            customer=customer, currency=currency, number__isnull=False
        )
        self.void = self.invoices.filter(status=InvoiceStatus.VOID)
        self.notes = CreditNote.objects.filter(customer=customer, currency=currency)
        ledger = LedgerEntry.objects.filter(
            invoice__customer=customer, currency=currency
        )
        self.money = ledger.filter(kind__in=_MONEY)
        # Not what notes say: with the last of an invoice goes what was rounded of it.
        self.settled = ledger.filter(kind=_KINDS.CREDIT)
        self.overpaid = BalanceEntry.objects.filter(
            customer=customer, currency=currency, kind__in=_OVERPAID
        )

    def balance(self, day: date) -> int:
        """What is owed when that day begins."""
        before, moment = Q(issue_date__lt=day), self._begin(day)
        occurred = Q(occurred_at__lt=moment)
        invoiced = self.invoices.filter(before).aggregate(sum=Sum("payable", default=0))
        void = self.void.filter(voided_at__lt=moment)
        taken_back = void.aggregate(sum=Sum("payable", default=0))
        kept = self.notes.filter(before).aggregate(sum=Sum("to_balance", default=0))
        money = self.money | self.settled
        came = money.filter(occurred).aggregate(sum=Sum("amount", default=0))
        more = self.overpaid.filter(occurred).aggregate(sum=Sum("amount", default=0))
        less = (taken_back, kept, came, more)
        return int(invoiced["sum"] - sum(part["sum"] for part in less))

    def moves(self, start: date, end: date) -> Iterator[_Move]:
        """From a day to before another."""
        issued = Q(issue_date__gte=start, issue_date__lt=end)
        since, until = self._begin(start), self._begin(end)
        occurred = Q(occurred_at__gte=since, occurred_at__lt=until)
        void = self.void.filter(voided_at__gte=since, voided_at__lt=until)
        money = self.money.filter(occurred).select_related("invoice")
        overpaid = self.overpaid.filter(occurred).select_related("invoice")
        return chain(
            self._invoiced(self.invoices.filter(issued).order_by("pk")[: MAX_ROWS + 1]),
            self._credited(
                self.notes.filter(issued).order_by("pk")[: MAX_ROWS + 1],
                self.settled.filter(occurred).order_by("pk")[: MAX_ROWS + 1],
            ),
            self._voided(void.order_by("pk")[: MAX_ROWS + 1]),
            self._paid(money.order_by("pk")[: MAX_ROWS + 1]),
            self._paid(overpaid.order_by("pk")[: MAX_ROWS + 1]),
        )

    def _begin(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)

    def _say(self, key: str, number: str | None) -> str:
        return f"{wording.say(self.language, key)} {number}"

    def _invoiced(self, invoices: Iterable[Invoice]) -> Iterator[_Move]:
        for invoice in invoices:
            # A day has no hour: what is of it comes before what happened on it.
            day = invoice.issue_date or date.min
            document = self._say("invoice", invoice.number)
            yield _Move(self._begin(day), day, document, invoice.payable or 0, 0)

    def _credited(
        self, notes: Iterable[CreditNote], settled: QuerySet[LedgerEntry]
    ) -> Iterator[_Move]:
        settles = dict(settled.values_list("source", "amount"))
        for note in notes:
            document = self._say("credit_note", note.number)
            paid_back = note.refunds + note.out_of_band
            rounded = settles.get(f"credit_note:{note.public_id}", 0) - note.reduces
            credited = note.total + rounded
            yield _Move(note.issued_at, note.issue_date, document, paid_back, credited)

    def _voided(self, invoices: Iterable[Invoice]) -> Iterator[_Move]:
        for invoice in invoices:
            at = invoice.voided_at or self._begin(date.min)
            document = mail_wording.say(
                self.language,
                "voided",
                document=self._say("invoice", invoice.number),
            )
            day = at.astimezone(self.zone).date()
            yield _Move(at, day, document, 0, invoice.payable or 0)

    def _paid(self, entries: Iterable[LedgerEntry | BalanceEntry]) -> Iterator[_Move]:
        for entry in entries:
            back = entry.amount < 0
            document = self._of_money(entry)
            charge, payment = (-entry.amount, 0) if back else (0, entry.amount)
            day = entry.occurred_at.astimezone(self.zone).date()
            yield _Move(entry.occurred_at, day, document, charge, payment)

    def _of_money(self, entry: LedgerEntry | BalanceEntry) -> str:
        number = str(entry.invoice.number)
        if entry.kind in {_KINDS.PAYMENT_REVERSED, BalanceEntry.Kind.RETURNED}:
            return mail_wording.say(self.language, "taken_back", number=number)
        return self._say("refund" if entry.amount < 0 else "payment", number)
