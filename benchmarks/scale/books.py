"""
Books of one business, of as many invoices as are asked for.

Into an empty, migrated database, in bulk and with the guards lifted. No service is called,
and all is as they would have written it: arithmetic, taxes, numbers, seals and their
chain, payments, ledger and events. `audit_books` is what proves it.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Model

from accounts.models import Business, Event, Membership, User
from accounts.roles import Role
from benchmarks.scale.inserting import insert
from invoices import guards, seals, selectors
from invoices.arithmetic import Totals
from invoices.models import (
    Counter,
    CreditNote,
    CreditNoteLine,
    CreditNoteTax,
    Customer,
    Invoice,
    InvoiceLine,
    LedgerEntry,
    ManualPayment,
    Seal,
    Series,
    TaxRate,
    TaxTotal,
)
from invoices.money import portion
from invoices.states import InvoiceStatus

CHUNK: Final = 1_000
# A business that has written invoices for four years.
SPAN: Final = timedelta(days=4 * 365)
TERMS: Final = timedelta(days=14)
# Of the latest in a hundred, these are drafts; of those before, every second is not paid
# yet, and the others were within the week. Of 200, so many that they fill a page.
DRAFTS, YOUNG = 1, 3
LEAST_DRAFTS, LEAST_YOUNG = 55, 120
UNPAID: Final = 50
INVOICES_OF_A_CUSTOMER: Final = 50
LEAST_CUSTOMERS: Final = 55
ZONE: Final = ZoneInfo("Europe/Berlin")
FIRST: Final = ("Northwind", "Kaffeehaus", "Sakura", "Harbor", "Werkstatt", "Linden")
SECOND: Final = ("Traders", "am Markt", "Press", "& Finch", "Wien", "Studio", "Works")
GOODS: Final = ("Design", "Print proofs", "Workshop", "Retainer", "Illustrations")
PRICES: Final = ("86.50", "120", "640", "1.95", "980", "24.5", "149.99", "72")
CURRENCIES: Final = {7: "USD", 13: "CHF"}
# In the order in which keys refer to each other.
TABLES: Final[Sequence[type[Model]]] = (
    *(Invoice, InvoiceLine, TaxTotal, CreditNote, CreditNoteLine, CreditNoteTax),
    *(Seal, ManualPayment, LedgerEntry, Event),
)

# Of each line: how many, at which of the prices, at which of the rates.
type Spec = tuple[tuple[int, int, int], ...]


def found_business(many: int) -> None:
    """Who writes as many invoices, to whom, and by what numbers."""
    owner = User.objects.create(
        email="owner@example.com", username="owner", full_name="Owner of the books"
    )
    business = Business.objects.create(
        name="Studio Nordlicht",
        email="hello@nordlicht.example",
        address="Lindenstraße 12\n10969 Berlin",
        country="DE",
        tax_id="DE123456788",
        time_zone=ZONE.key,
    )
    Membership.objects.create(business=business, user=owner, role=Role.OWNER)
    for rate in (19, 7):
        TaxRate.objects.create(
            business=business, name=f"VAT {rate} %", percent=Decimal(rate)
        )
    customers = range(max(LEAST_CUSTOMERS, many // INVOICES_OF_A_CUSTOMER))
    Customer.objects.bulk_create(
        (_customer(business, place) for place in customers), CHUNK
    )
    for kind, prefix in (
        (Series.Kind.INVOICE, "INV-"),
        (Series.Kind.CREDIT_NOTE, "CN-"),
    ):
        Series.objects.create(
            business=business,
            kind=kind,
            prefix=prefix,
            pattern="{prefix}{year}-{seq:05}",
            resets_yearly=True,
        )


def _customer(business: Business, place: int) -> Customer:
    first, second = FIRST[place % len(FIRST)], SECOND[place % len(SECOND)]
    return Customer(
        business=business,
        name=f"{first} {second} {place:05}",
        email=f"accounts{place}@{first.lower()}.example",
        address=f"Market Square {place}",
        country="DE",
    )


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
    books = _Books(_Firm.there(), now, part[0])
    with guards.lifted(connection, "books of a benchmark"), _unchecked():
        for done, place in enumerate(range(*part), start=1):
            books.write(place, many)
            if done % CHUNK == 0:
                books.store()
                progress(done)
        books.store()
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


@dataclass(frozen=True)
class _Firm:
    business: Business
    owner: User
    customers: Sequence[Customer]
    rates: Sequence[TaxRate]
    series: Mapping[str, Series]
    seller: dict[str, str]
    buyers: Mapping[int, dict[str, str]]

    @classmethod
    def there(cls) -> "_Firm":
        business = Business.objects.get()
        customers = list(Customer.objects.order_by("pk"))
        return cls(
            business=business,
            owner=User.objects.get(),
            customers=customers,
            rates=list(TaxRate.objects.order_by("pk")),
            series={series.kind: series for series in Series.objects.all()},
            seller=selectors.seller_details(business),
            buyers={row.pk: selectors.buyer_details(row) for row in customers},
        )


class _Books:
    """Writes document after document, oldest first."""

    def __init__(self, firm: _Firm, now: datetime, first: int) -> None:
        self.firm, self.now = firm, now
        self.rows: dict[type[Model], list[Any]] = {table: [] for table in TABLES}
        # No invoice has more rows in a table than ten.
        self.keys = {table: count(first * 10 + 1) for table in TABLES}
        self.keys[Invoice] = count(first + 1)
        self.counters: dict[tuple[str, int], Counter] = {}
        self.chains: dict[int, str] = {}
        self.totals = cache(self._totals)

    def store(self) -> None:
        with transaction.atomic():
            for rows in self.rows.values():
                insert(rows)
                rows.clear()

    def write(self, place: int, many: int) -> None:
        issued_at = _issued_at(place, many, self.now)
        spec = _spec(place)
        invoice = self._draft(place, many)
        lines = self._lines(invoice, spec)
        self._tell("invoice.created", invoice, issued_at)
        drafts = max(LEAST_DRAFTS, many * DRAFTS // 100)
        young = max(LEAST_YOUNG, many * YOUNG // 100)
        if place < many - drafts:
            self._finalize(invoice, lines, spec, issued_at)
            is_young = place >= many - drafts - young
            self._go_on(place, invoice, lines, issued_at, is_young=is_young)

    def _add(self, row: Any) -> Any:
        table = type(row)
        row.pk = next(self.keys[table])
        self.rows[table].append(row)
        return row

    def _tell(self, type_: str, subject: Any, at: datetime, **data: Any) -> None:
        self._add(
            Event(
                business=self.firm.business,
                actor=self.firm.owner,
                type=type_,
                subject_type=subject._meta.model_name,
                subject_id=str(subject.public_id),
                data=data,
                occurred_at=at,
            )
        )

    # Its rows

    def _draft(self, place: int, many: int) -> Invoice:
        # Neighbors go to customers who are none; as many to one of them at every size.
        index = (place * 2_654_435_761 >> 8) % len(self.firm.customers)
        if place % max(1, many // INVOICES_OF_A_CUSTOMER) == 0:
            index = 1
        invoice: Invoice = self._add(
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
            self._add(
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
            self._add(tax)
        self._number(Series.Kind.INVOICE, invoice)
        content = seals.of_invoice(invoice, lines, [], taxes)
        self._seal(content, invoice, invoice=invoice)
        said = {"total": invoice.total, "currency": invoice.currency}
        self._tell("invoice.finalized", invoice, at, number=invoice.number, **said)
        self._tell("invoice.sent", invoice, at, to=invoice.customer.email)

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
        self._add(
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
                self._pay(invoice, (invoice.payable or 0) // 3, at + TERMS)
            case 53:
                self._credit(invoice, lines[0], at)
            case 54 | 55 | 56 | 57:
                invoice.status, invoice.voided_at = InvoiceStatus.VOID, at
                self._tell("invoice.voided", invoice, at)
            case 58 | 59:
                invoice.status = InvoiceStatus.UNCOLLECTIBLE
                self._tell("invoice.given_up", invoice, at)
            case _:
                self._pay(invoice, invoice.payable or 0, paid_at)
                invoice.status, invoice.paid_at = InvoiceStatus.PAID, paid_at
                self._tell("invoice.paid", invoice, paid_at)

    def _pay(self, invoice: Invoice, amount: int, at: datetime) -> None:
        day = at.astimezone(ZONE).date()
        payment = self._add(
            ManualPayment(
                invoice=invoice,
                amount=amount,
                currency=invoice.currency,
                received_on=day,
                reference=str(invoice.number),
                recorded_by=self.firm.owner,
                recorded_at=at,
            )
        )
        noon = min(datetime.combine(day, time(12), ZONE), at)
        self._book(invoice, "payment", f"manual:{payment.public_id}", amount, noon)

    def _book(
        self, invoice: Invoice, kind: str, source: str, amount: int, at: datetime
    ) -> None:
        self._add(
            LedgerEntry(
                invoice=invoice,
                business=self.firm.business,
                kind=kind,
                source=source,
                amount=amount,
                currency=invoice.currency,
                occurred_at=at,
            )
        )
        said = {"source": source, "amount": amount, "currency": invoice.currency}
        self._tell(f"invoice.{kind}_booked", invoice, at, **said)

    def _credit(self, invoice: Invoice, line: InvoiceLine, at: datetime) -> None:
        """Its first line goes back, which was not paid."""
        net = line.net or 0
        tax = next(
            row
            for row in self.rows[TaxTotal]
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
        self._number(Series.Kind.CREDIT_NOTE, self._add(note))
        credited = self._add(
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
        self._add(taxes[0])
        self._seal(
            seals.of_credit_note(note, [credited], taxes), note, credit_note=note
        )
        self._book(invoice, "credit", f"credit_note:{note.public_id}", note.total, at)
        said = {"invoice": invoice.number, "total": note.total}
        self._tell("credit_note.issued", note, at, number=note.number, **said)


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
