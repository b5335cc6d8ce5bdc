from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import Business, User
from accounts.services.businesses import update_business
from accounts.services.signing_up import sign_up
from blog.models import Comment, Post
from blog.services.comments import comment_on_post, moderate_comment
from blog.services.posts import publish_post, write_post
from blog.states import CommentStatus
from config.demo import fates
from config.demo.samples import CONTACTS, CUSTOMERS, MAIL, SAMPLES, Sample
from invoices.models import Customer, InvoiceLine, TaxRate
from invoices.services.contacts import create_contact
from invoices.services.customers import create_customer
from invoices.services.drafting import create_draft
from invoices.services.finalizing import finalize_invoice
from invoices.services.tax_rates import create_tax_rate

EMAIL = "demo@example.com"
PASSWORD = "paymyinvoice"  # noqa: S105 - told to whoever loads it
POSTS = Path(settings.BASE_DIR) / "config" / "demo"


class Command(BaseCommand):
    """Fills an empty site with a business, its books and a blog, for a first look."""

    help = "Load demo data into an empty site. Does nothing where there are users."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.STAGE == "prod":
            raise CommandError("There is no demo in production.")
        if User.objects.exists():
            self.stdout.write("There are users already; nothing was loaded.")
            return
        now = timezone.now()
        # All or nothing, so that a run that was cut off can be repeated.
        with transaction.atomic():
            owner = _person("Demo Owner", EMAIL, now, business_name="Studio Nordlicht")
            _books(owner, now)
            _blog(owner, now)
        self.stdout.write(f"Sign in as {EMAIL} with the password {PASSWORD}.")


def _person(full_name: str, email: str, now: datetime, business_name: str = "") -> User:
    user = User(email=email, full_name=full_name)
    user.set_password(PASSWORD)
    sign_up(user=user, now=now, business_name=business_name)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _books(owner: User, now: datetime) -> None:
    business = update_business(
        business=Business.objects.get(members=owner),
        actor=owner,
        now=now,
        fields={
            "email": "hello@nordlicht.example",
            "address": "Lindenstraße 12\n10969 Berlin",
            "country": "DE",
            "tax_id": "DE123456788",
            "time_zone": "Europe/Berlin",
            # An example that banks give.
            "iban": "DE89370400440532013000",
            "footer": "Studio Nordlicht · nordlicht.example · +49 30 5550 0123",
        },
    )
    rates = _tax_rates(business, owner, now)
    customers = {
        name: create_customer(
            business=business,
            fields={
                "name": name,
                "email": email,
                "country": country,
                "tax_id": tax_id,
                "address": "Market Square 1",
            },
            actor=owner,
            now=now,
        )
        for name, (email, country, tax_id) in CUSTOMERS.items()
    }
    for name, (person, email, gets) in CONTACTS.items():
        create_contact(
            customer=customers[name],
            fields={"name": person, "email": email}
            | {f"gets_{mail}": mail == gets for mail in MAIL},
            actor=owner,
            now=now,
        )
    for sample in SAMPLES:
        _invoice(sample, customers[sample.customer], rates[sample.tax], owner, now)
    fates.forget_stripe(now)


def _tax_rates(business: Business, owner: User, now: datetime) -> dict[str, TaxRate]:
    rates: list[dict[str, Any]] = [
        {"name": "VAT 19 %", "percent": Decimal(19)},
        {"name": "VAT 7 %", "percent": Decimal(7)},
        {
            "name": "Reverse charge",
            "category": "AE",
            "note": "Reverse charge: the recipient owes the tax.",
        },
        {
            "name": "No tax",
            "category": "E",
            "note": "Export: not subject to tax in Germany.",
        },
    ]
    return {
        rate["name"]: create_tax_rate(
            business=business, fields=rate, actor=owner, now=now
        )
        for rate in rates
    }


def _invoice(
    sample: Sample, customer: Customer, rate: TaxRate, owner: User, now: datetime
) -> None:
    issued = now - timedelta(days=sample.age)
    invoice = create_draft(
        business=customer.business,
        customer=customer,
        fields={"currency": sample.currency},
        lines=[
            InvoiceLine(
                description=description,
                quantity=Decimal(quantity),
                unit_price=Decimal(price),
                tax_rate=rate,
            )
            for description, quantity, price in sample.lines
        ],
        actor=owner,
        now=issued,
    )
    if sample.fate == "draft":
        return
    invoice = finalize_invoice(invoice=invoice, actor=owner, now=issued)
    fates.FATES[sample.fate](fates.Story(invoice, owner, issued))


def _blog(owner: User, now: datetime) -> None:
    regular = _person("Regular Reader", "reader@example.com", now)
    curious = _person("Curious Reader", "curious@example.com", now)
    post = _post(owner, "Pricing a day of work", ["Money", "Craft"], now, age=34)
    question = comment_on_post(
        post=post,
        author=regular,
        body="Do you charge travel as days, or as a line of its own?",
        now=now - timedelta(days=33),
    )
    _approve(question, owner, now)
    answer = comment_on_post(
        post=post,
        author=owner,
        parent=question,
        body="A line of its own, at **half** the rate. It reads fairer.",
        now=now - timedelta(days=32),
    )
    _approve(answer, owner, now)
    post = _post(owner, "What reverse charge means", ["Taxes"], now, age=18)
    comment_on_post(
        post=post,
        author=curious,
        body="And when the customer has no tax id at all?",
        now=now - timedelta(days=2),
    )
    post = _post(owner, "Getting paid on time", ["Money"], now, age=5)
    comment_on_post(
        post=post,
        author=regular,
        body="The third day, not the thirtieth. This changed my year.",
        now=now - timedelta(days=4),
    )
    _post(owner, "One site for three jobs", ["Craft"], now, age=None)


def _approve(comment: Comment, owner: User, now: datetime) -> None:
    moderate_comment(
        comment=comment, status=CommentStatus.APPROVED, actor=owner, now=now
    )


def _post(
    owner: User, title: str, tags: list[str], now: datetime, *, age: int | None
) -> Post:
    """:param age: days since it was published, or None for a draft"""
    written = now - timedelta(days=age or 0)
    file = POSTS / f"{title.lower().replace(' ', '-')}.md"
    post = write_post(
        author=owner,
        fields={"title": title, "body": file.read_text()},
        tags=tags,
        actor=owner,
        now=written,
    )
    if age is None:
        return post
    return publish_post(post=post, actor=owner, now=written)
