"""Whose books they are: one business, its customers and what its documents are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from accounts.models import Business, Membership, User
from accounts.roles import Role
from benchmarks.scale.inserting import CHUNK
from billing.models import ReconciliationRun
from invoices import selectors
from invoices.models import Customer, Series, TaxRate

# A business that has written invoices for four years.
SPAN: Final = timedelta(days=4 * 365)
INVOICES_OF_A_CUSTOMER: Final = 50
LEAST_CUSTOMERS: Final = 55
# As often the books were held against Stripe.
HOURS: Final = 24 * SPAN.days
ZONE: Final = ZoneInfo("Europe/Berlin")
FIRST: Final = ("Northwind", "Kaffeehaus", "Sakura", "Harbor", "Werkstatt", "Linden")
SECOND: Final = ("Traders", "am Markt", "Press", "& Finch", "Wien", "Studio", "Works")


def found_business(many: int, now: datetime) -> None:
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
    ReconciliationRun.objects.bulk_create(
        (
            _run(now - timedelta(hours=hours))
            for hours in reversed(range(min(many, HOURS)))
        ),
        CHUNK,
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


def _run(at: datetime) -> ReconciliationRun:
    looked = {"looked": 100, "mended": 0, "found": 0}
    return ReconciliationRun(
        started_at=at,
        finished_at=at,
        since=at - timedelta(days=3),
        until=at,
        events_since=at - timedelta(hours=1),
        status=ReconciliationRun.Status.FINISHED,
        busy_until=at,
        counts=dict.fromkeys(("sessions", "payments", "balance", "books"), looked),
    )


@dataclass(frozen=True)
class Firm:
    business: Business
    owner: User
    customers: Sequence[Customer]
    rates: Sequence[TaxRate]
    series: Mapping[str, Series]
    seller: dict[str, str]
    buyers: Mapping[int, dict[str, str]]

    @classmethod
    def there(cls) -> "Firm":
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
