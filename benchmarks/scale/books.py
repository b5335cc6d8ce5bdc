"""
Books of one business, of as many invoices as are asked for.

Into an empty, migrated database, in bulk and with the guards lifted. No service is called,
and all is as they would have written it: arithmetic, taxes, numbers, seals and their
chain, payments, ledger and events. `audit_books` is what proves it.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final

from django.db import connection

from benchmarks.scale.firm import INVOICES_OF_A_CUSTOMER, SPAN, ZONE, Firm
from benchmarks.scale.inserting import CHUNK
from benchmarks.scale.pile import Pile
from benchmarks.scale.till import Till
from invoices import guards, seals, selectors
from invoices.arithmetic import Totals
from invoices.models import (
    Counter,
    CreditNote,
    CreditNoteLine,
    CreditNoteTax,
    Invoice,
    InvoiceLine,
    Seal,
    Series,
    TaxTotal,
)
from invoices.money import portion
from invoices.states import InvoiceStatus

TERMS: Final = timedelta(days=14)
# Of the latest in a hundred, these are drafts; of those before, every second is not paid
# yet, and the others were within the week. Of 200, so many that they fill a page.
DRAFTS, YOUNG = 1, 3
LEAST_DRAFTS, LEAST_YOUNG = 55, 120
UNPAID: Final = 50
GOODS: Final = ("Design", "Print proofs", "Workshop", "Retainer", "Illustrations")
PRICES: Final = ("86.50", "120", "640", "1.95", "980", "24.5", "149.99", "72")
CURRENCIES: Final = {7: "USD", 13: "CHF"}

# Of each line: how many, at which of the prices, at which of the rates.
type Spec = tuple[tuple[int, int, int], ...]


def parts(many: int, now: datetime) -> Sequence[tuple[int, int]]:
    """
    Two parts of the books that can be written at once: numbers begin anew with a year,
    and so do their chains.
    """
    year = _issued_at(many // 2, many, now).astimezone(ZONE).year
    middle = next(
        place
        for place in range(many // 2, many + 1)
        if place == many or _issued_at(place, many, now).astimezone(ZONE).year > year
    )
    return (0, middle), (middle, many)


def write_part(
    part: tuple[int, int], many: int, now: datetime, progress: Callable[[int], None]
) -> None:
    """
    :param many: how many there are in all
    :param progress: told how many are written, now and then
    """
    books = _Books(Firm.there(), now, part[0])
    with guards.lifted(connection, "books of a benchmark"), _unchecked():
        for done, place in enumerate(range(*part), start=1):
            books.write(place, many)
            if done % CHUNK == 0:
                books.pile.store()
                progress(done)
        books.pile.store()
    for counter in books.counters.values():
        counter.save(update_fields=["next_value"])


def _issued_at(place: int, many: int, now: datetime) -> datetime:
    return now - SPAN * (1 - place / many)


@contextmanager
def _unchecked() -> Iterator[None]:
    """Keys that we count ourselves need not be looked up with every row."""
    with connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0, unique_checks = 0")
        yield
        cursor.execute("SET foreign_key_checks = 1, unique_checks = 1")


def analyze() -> None:
    """Plans rest on statistics, which a server makes in a moment of its own."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"ANALYZE TABLE {table}")
            cursor.fetchall()


class _Books:
    """Writes document after document, oldest first."""

    def __init__(self, firm: Firm, now: datetime, first: int) -> None:
        self.firm, self.now = firm, now
        self.pile = Pile(firm, first)
        self.till = Till(self.pile, now)
        self.counters: dict[tuple[str, int], Counter] = {}
        self.chains: dict[int, str] = {}
        self.totals = cache(self._totals)

    def write(self, place: int, many: int) -> None:
        issued_at = _issued_at(place, many, self.now)
        spec = _spec(place)
        invoice = self._draft(place, many)
        lines = self._lines(invoice, spec)
        self.pile.tell("invoice.created", invoice, issued_at)
        drafts = max(LEAST_DRAFTS, many * DRAFTS // 100)
        young = max(LEAST_YOUNG, many * YOUNG // 100)
        if place < many - drafts:
            self._finalize(invoice, lines, spec, issued_at)
            is_young = place >= many - drafts - young
            self._go_on(place, invoice, lines, issued_at, is_young=is_young)

    # Its rows

    def _draft(self, place: int, many: int) -> Invoice:
        # Neighbors go to customers who are none; as many to one of them at every size.
        index = (place * 2_654_435_761 >> 8) % len(self.firm.customers)
        if place % max(1, many // INVOICES_OF_A_CUSTOMER) == 0:
            index = 1
        invoice: Invoice = self.pile.add(
            Invoice(
                business=self.firm.business,
                customer=self.firm.customers[index],
                currency=CURRENCIES.get(place % 20, "EUR"),
                reference=f"PO-{place * 7919 % 10**6:06}" if place % 4 == 0 else "",
                tax_rounding=self.firm.business.tax_rounding,
                created_by=self.firm.owner,
            )
        )
        return invoice

    def _lines(self, invoice: Invoice, spec: Spec) -> list[InvoiceLine]:
        return [
            self.pile.add(
                InvoiceLine(
                    invoice=invoice,
                    position=position,
                    description=GOODS[price % len(GOODS)],
                    quantity=Decimal(quantity),
                    unit_price=Decimal(PRICES[price]),
                    tax_rate=self.firm.rates[rate],
                )
            )
            for position, (quantity, price, rate) in enumerate(spec)
        ]

    def _totals(self, spec: Spec, currency: str) -> Totals:
        business = self.firm.business
        invoice = Invoice(currency=currency, tax_rounding=business.tax_rounding)
        lines = [
            InvoiceLine(
                quantity=Decimal(quantity),
                unit_price=Decimal(PRICES[price]),
                tax_rate=self.firm.rates[rate],
            )
            for quantity, price, rate in spec
        ]
        return selectors.draft_totals(invoice, lines, [])

    # What becomes of it

    def _finalize(
        self, invoice: Invoice, lines: list[InvoiceLine], spec: Spec, at: datetime
    ) -> None:
        totals = self.totals(spec, invoice.currency)
        for line, net in zip(lines, totals.line_nets, strict=True):
            line.net, line.tax_name = net, line.tax_rate.name
            line.tax_category = line.tax_rate.category
            line.tax_percent = line.tax_rate.percent
        taxes = selectors.tax_totals(invoice, lines, totals)
        invoice.status = InvoiceStatus.OPEN
        invoice.issue_date = at.astimezone(ZONE).date()
        invoice.due_date = invoice.issue_date + TERMS
        invoice.seller = self.firm.seller
        invoice.buyer = self.firm.buyers[invoice.customer_id]
        for name in ("subtotal", "discount", "net", "tax", "total", "prepaid"):
            setattr(invoice, name, getattr(totals, name))
        invoice.rounding, invoice.payable = totals.rounding, totals.payable
        invoice.language = "en"
        invoice.finalized_at = invoice.sent_at = at
        invoice.link_token = secrets.token_urlsafe(24)
        invoice.link_expires_at = at + TERMS + timedelta(days=30)
        for tax in taxes:
            self.pile.add(tax)
        self._number(Series.Kind.INVOICE, invoice)
        content = seals.of_invoice(invoice, lines, [], taxes)
        self._seal(content, invoice, invoice=invoice)
        said: dict[str, Any] = {"total": invoice.total, "currency": invoice.currency}
        self.pile.tell("invoice.finalized", invoice, at, number=invoice.number, **said)
        self.pile.tell("invoice.sent", invoice, at, to=invoice.customer.email)

    def _number(self, kind: str, document: Any) -> None:
        year = document.issue_date.year
        if (kind, year) not in self.counters:
            series = self.firm.series[kind]
            self.counters[kind, year] = Counter.objects.create(series=series, year=year)
        counter = self.counters[kind, year]
        document.counter, document.sequence = counter, counter.next_value
        document.number = str(counter)
        counter.next_value += 1

    def _seal(self, content: Any, document: Any, **of: Any) -> None:
        previous = self.chains.get(document.counter_id, "")
        text = seals.numbered(content, document.number, document.sequence)
        own = seals.sha256(text)
        chain = self.chains[document.counter_id] = seals.chained(previous, own)
        self.pile.add(
            Seal(
                counter=document.counter,
                sequence=document.sequence,
                content=text,
                sha256=own,
                previous=previous,
                chain=chain,
                code=secrets.token_urlsafe(16),
                **of,
            )
        )

    def _go_on(
        self,
        place: int,
        invoice: Invoice,
        lines: list[InvoiceLine],
        at: datetime,
        *,
        is_young: bool,
    ) -> None:
        paid_at = at + timedelta(days=place % 20)
        # Of the old, four of 500 are not paid yet.
        fate = place % 500
        if is_young:
            fate = UNPAID if place % 2 else -1
            paid_at = self.now - timedelta(minutes=place % 12)
        match fate:
            case 50 | 51:
                "Nobody has paid it."
            case 52:
                self.till.pay(place, invoice, (invoice.payable or 0) // 3, at + TERMS)
            case 53:
                self._credit(invoice, lines[0], at)
            case 54 | 55 | 56 | 57:
                invoice.status, invoice.voided_at = InvoiceStatus.VOID, at
                self.pile.tell("invoice.voided", invoice, at)
            case 58 | 59:
                invoice.status = InvoiceStatus.UNCOLLECTIBLE
                self.pile.tell("invoice.given_up", invoice, at)
            case _:
                payable = invoice.payable or 0
                invoice.paid_at = self.till.pay(place, invoice, payable, paid_at)
                invoice.status = InvoiceStatus.PAID
                self.pile.tell("invoice.paid", invoice, paid_at)

    def _credit(self, invoice: Invoice, line: InvoiceLine, at: datetime) -> None:
        """Its first line goes back, which was not paid."""
        net = line.net or 0
        tax = next(
            row
            for row in self.pile.rows[TaxTotal]
            if row.invoice is invoice and row.percent == line.tax_percent
        )
        amount = portion(tax.amount, net, tax.net)
        note = CreditNote(
            business=invoice.business,
            customer=invoice.customer,
            invoice=invoice,
            currency=invoice.currency,
            language=invoice.language,
            issue_date=at.astimezone(ZONE).date(),
            reason="Returned",
            seller=invoice.seller,
            buyer=invoice.buyer,
            net=net,
            tax=amount,
            total=net + amount,
            reduces=net + amount,
            issued_at=at,
            created_by=self.firm.owner,
        )
        self._number(Series.Kind.CREDIT_NOTE, self.pile.add(note))
        credited = self.pile.add(
            CreditNoteLine(
                credit_note=note,
                invoice_line=line,
                **{name: getattr(line, name) for name in _TAKEN_BACK},
            )
        )
        taxes = [
            CreditNoteTax(
                credit_note=note,
                category=tax.category,
                percent=tax.percent,
                name=tax.name,
                net=net,
                amount=amount,
            )
        ]
        self.pile.add(taxes[0])
        self._seal(
            seals.of_credit_note(note, [credited], taxes), note, credit_note=note
        )
        self.till.book(
            invoice, "credit", f"credit_note:{note.public_id}", note.total, at
        )
        said: dict[str, Any] = {"invoice": invoice.number, "total": note.total}
        self.pile.tell("credit_note.issued", note, at, number=note.number, **said)


_TAKEN_BACK: Final = (
    *("position", "description", "quantity", "unit_price", "base_quantity"),
    *("net", "gross", "tax_name", "tax_category", "tax_percent"),
)


def _spec(place: int) -> Spec:
    # Two lines at least where one of them is going to be credited.
    several = 2 + place % 2 if place % 500 == 53 else 1 + place % 3
    return tuple(
        (
            1 + (place + line) % 8,
            (place // 8 + line) % len(PRICES),
            (place + line) % 5 // 4,
        )
        for line in range(several)
    )
