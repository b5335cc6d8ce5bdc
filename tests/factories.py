"""One factory per model; each makes the smallest valid row."""

from datetime import UTC, datetime
from decimal import Decimal

import factory
from allauth.account.models import EmailAddress
from factory.django import DjangoModelFactory

from accounts.models import (
    Business,
    Membership,
    TaxRounding,
    User,
    WebhookEndpoint,
)
from accounts.roles import Role
from blog.models import Comment, Post, Tag
from blog.states import CommentStatus, PostStatus
from invoices.models import Customer, Invoice, InvoiceLine, TaxRate


class EmailAddressFactory(DjangoModelFactory):
    class Meta:
        model = EmailAddress

    email = factory.SelfAttribute("user.email")
    primary = True
    verified = True


class UserFactory(DjangoModelFactory):
    """With `proven=True`, somebody whose address is known to be theirs."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    class Params:
        proven = factory.Trait(
            address=factory.RelatedFactory(
                EmailAddressFactory, factory_related_name="user"
            )
        )

    email = factory.Sequence(lambda n: f"user{n}@example.com")
    username = factory.Sequence(lambda n: f"user{n}")
    full_name = factory.Sequence(lambda n: f"User {n}")
    password = factory.django.Password("correct horse")


class BusinessFactory(DjangoModelFactory):
    class Meta:
        model = Business

    name = factory.Sequence(lambda n: f"Business {n}")
    email = factory.Sequence(lambda n: f"business{n}@example.com")
    address = "High Street 1, 10115 Berlin"
    country = "DE"
    publishes = True


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    business = factory.SubFactory(BusinessFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.OWNER


class WebhookEndpointFactory(DjangoModelFactory):
    """Listens for everything."""

    class Meta:
        model = WebhookEndpoint

    business = factory.SubFactory(BusinessFactory)
    url = "https://hooks.example.com/"
    types = ["*"]
    secret = "whsec_of_the_tests"


class CustomerFactory(DjangoModelFactory):
    class Meta:
        model = Customer

    business = factory.SubFactory(BusinessFactory)
    name = factory.Sequence(lambda n: f"Customer {n}")
    email = factory.Sequence(lambda n: f"customer{n}@example.com")


class TaxRateFactory(DjangoModelFactory):
    class Meta:
        model = TaxRate

    business = factory.SubFactory(BusinessFactory)
    name = "VAT 19 %"
    percent = Decimal(19)


class InvoiceFactory(DjangoModelFactory):
    """A draft without lines."""

    class Meta:
        model = Invoice

    business = factory.SubFactory(BusinessFactory)
    customer = factory.SubFactory(
        CustomerFactory, business=factory.SelfAttribute("..business")
    )
    currency = "EUR"
    tax_rounding = TaxRounding.TOTAL


class InvoiceLineFactory(DjangoModelFactory):
    class Meta:
        model = InvoiceLine

    invoice = factory.SubFactory(InvoiceFactory)
    description = "Work"
    unit_price = Decimal(100)
    tax_rate = factory.SubFactory(
        TaxRateFactory, business=factory.SelfAttribute("..invoice.business")
    )


class TagFactory(DjangoModelFactory):
    class Meta:
        model = Tag

    name = factory.Sequence(lambda n: f"tag {n}")
    slug = factory.Sequence(lambda n: f"tag-{n}")


class PostFactory(DjangoModelFactory):
    """A draft; with `published=True`, what readers see."""

    class Meta:
        model = Post

    class Params:
        published = factory.Trait(
            status=PostStatus.PUBLISHED,
            published_at=datetime(2026, 2, 1, 8, 0, tzinfo=UTC),
        )

    author = factory.SubFactory(UserFactory)
    title = factory.Sequence(lambda n: f"Post {n}")
    slug = factory.Sequence(lambda n: f"post-{n}")
    body = "Text."
    body_html = "<p>Text.</p>"
    summary = "Text."
    revised_at = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)


class CommentFactory(DjangoModelFactory):
    """Held; with `approved=True`, what readers see."""

    class Meta:
        model = Comment

    class Params:
        approved = factory.Trait(status=CommentStatus.APPROVED)

    post = factory.SubFactory(PostFactory, published=True)
    author = factory.SubFactory(UserFactory)
    body = factory.Sequence(lambda n: f"Comment {n}.")
    body_html = factory.LazyAttribute(lambda comment: f"<p>{comment.body}</p>")
    posted_at = datetime(2026, 2, 2, 8, 0, tzinfo=UTC)
    status_changed_at = datetime(2026, 2, 2, 8, 0, tzinfo=UTC)
