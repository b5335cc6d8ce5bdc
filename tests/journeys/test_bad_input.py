"""
What bad input gets: a sentence that says what is wrong, a 4xx, and nothing changed.

Each request comes as a stranger's would: with a token, a session or a link, and nothing
but that.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest
from django.apps import apps
from django.conf import settings
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Business, User
from accounts.services.tokens import create_token
from blog.models import Comment, Post
from invoices.models import Invoice, TaxRate
from invoices.services.correcting import void_invoice
from invoices.services.finalizing import finalize_invoice
from tests.factories import (
    InvoiceFactory,
    InvoiceLineFactory,
    PostFactory,
    TaxRateFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

KEPT: Final = ("accounts", "blog", "invoices", "billing", "django_tasks_database")


@dataclass
class Desk:
    """
    An owner's program and a reader's browser, and what they have before them.

    :param draft: with one line of 100.00 EUR and tax
    """

    script: Client
    reader: Client
    rate: TaxRate
    draft: Invoice
    empty: Invoice
    post: Post

    def send(self, path: str, body: Any, method: str = "post") -> Any:
        return getattr(self.script, method)(
            f"/api/v1/{path}",
            body if isinstance(body, bytes) else json.dumps(body),
            content_type="application/json",
        )

    def invoice(self, **line: Any) -> dict[str, Any]:
        """The body of a good invoice, but for what is said of its line."""
        usual = {
            "description": "Work",
            "unit_price": "1",
            "tax_rate": str(self.rate.public_id),
        }
        customer = str(self.draft.customer.public_id)
        return {"customer": customer, "lines": [usual | line]}

    def act(self, invoice: Invoice, action: str) -> Any:
        return self.send(f"invoices/{invoice.public_id}/{action}/", {})


@pytest.fixture
def desk(business: Business, owner: User) -> Desk:
    _, key = create_token(user=owner, name="Script", now=timezone.now())
    reader = Client()
    reader.force_login(UserFactory(), "django.contrib.auth.backends.ModelBackend")
    rate = TaxRateFactory(business=business)
    draft = InvoiceFactory(business=business)
    InvoiceLineFactory(invoice=draft, tax_rate=rate)
    return Desk(
        script=Client(headers={"Authorization": f"Token {key}"}),
        reader=reader,
        rate=rate,
        draft=draft,
        empty=InvoiceFactory(business=business, customer=draft.customer),
        post=PostFactory(author=owner),
    )


def everything() -> dict[str, Any]:
    """All rows of ours, and all mail."""
    rows = {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for label in KEPT
        for model in apps.get_app_config(label).get_models()
    }
    return rows | {"mail": list(mail.outbox)}


def webhook(*, secret: str, age: int = 0) -> Any:
    body = json.dumps({"object": "event", "id": "evt_1", "livemode": False})
    at = int(time.time()) - age
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256)
    return Client().post(
        "/stripe/webhook/",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": f"t={at},v1={digest.hexdigest()}"},
    )


def finalized(desk: Desk) -> Invoice:
    return finalize_invoice(invoice=desk.draft, actor=None, now=timezone.now())


def void(desk: Desk) -> Invoice:
    return void_invoice(invoice=finalized(desk), actor=None, now=timezone.now())


def expired(desk: Desk) -> Invoice:
    invoice = finalized(desk)
    invoice.link_expires_at = timezone.now() - timedelta(seconds=1)
    invoice.save()
    return invoice


def told(response: Any) -> str:
    """All that the answer says, as one text."""
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize(
    ("send", "status", "sentence"),
    [
        pytest.param(
            lambda desk: desk.send("invoices/", b'{"customer": '),
            400,
            "JSON parse error - Expecting value: line 1 column 14",
            id="malformed JSON",
        ),
        pytest.param(
            lambda desk: desk.send("invoices/", desk.invoice() | {"currency": "EUX"}),
            400,
            '"currency":["“EUX” is no currency; write its ISO 4217 code',
            id="unknown currency",
        ),
        pytest.param(
            lambda desk: desk.send("invoices/", desk.invoice(quantity="0")),
            400,
            '{"quantity":["A quantity is above zero, or below for what is returned."]}',
            id="quantity of nothing",
        ),
        pytest.param(
            lambda desk: desk.send("invoices/", desk.invoice(unit_price="9" * 100)),
            400,
            '"unit_price":["Ensure that there are no more than 18 digits in total."]',
            id="price of a hundred digits",
        ),
        pytest.param(
            lambda desk: desk.send("invoices/", desk.invoice(quantity="9" * 100)),
            400,
            '"quantity":["Ensure that there are no more than 14 digits in total."]',
            id="quantity of a hundred digits",
        ),
        pytest.param(
            lambda desk: desk.send(
                "invoices/",
                desk.invoice(quantity="9999999999", unit_price="999999999999"),
            ),
            400,
            "This amount is larger than the books can hold.",
            id="more than the books hold",
        ),
        pytest.param(
            lambda desk: desk.send("tax-rates/", {"name": "VAT", "percent": "500"}),
            400,
            '"percent":["Ensure this value is less than or equal to 100."]',
            id="tax rate of 500 %",
        ),
        pytest.param(
            lambda desk: desk.act(desk.empty, "finalize"),
            409,
            "Add a line first: an invoice without lines is none.",
            id="invoice without lines",
        ),
        pytest.param(
            lambda desk: desk.send(
                "comments/", {"post": desk.post.slug, "body": "First!"}
            ),
            409,
            "This post takes no comments.",
            id="comment of its author on a draft",
        ),
        pytest.param(
            lambda desk: desk.reader.post(
                f"/blog/{desk.post.slug}/comments/", {"body": "First!"}
            ),
            404,
            "There is no page here",
            id="comment of a reader on a draft",
        ),
        pytest.param(
            lambda desk: desk.script.post(
                "/api/v1/posts/",
                {
                    "title": "Trip",
                    "cover": SimpleUploadedFile("beach.png", b"MZ"),
                    "cover_alt": "A beach.",
                },
            ),
            400,
            "This file is no picture that can be read; upload a JPEG, PNG or WebP.",
            id="upload that is no image",
        ),
        pytest.param(
            lambda desk: webhook(secret="whsec_of_somebody_else"),
            400,
            "The signature is not Stripe's, or too old.",
            id="forged webhook",
        ),
        pytest.param(
            lambda desk: webhook(secret=settings.STRIPE_WEBHOOK_SECRETS[0], age=301),
            400,
            "The signature is not Stripe's, or too old.",
            id="stale webhook",
        ),
        pytest.param(
            lambda desk: Client().get("/i/of-nobody/"),
            404,
            "There is no page here",
            id="wrong link",
        ),
    ],
)
def test_bad_input_gets_a_sentence_and_changes_nothing(
    desk: Desk, send: Callable[[Desk], Any], status: int, sentence: str
):
    before = everything()

    response = send(desk)

    assert response.status_code == status
    assert sentence in told(response)
    assert everything() == before


@pytest.mark.parametrize(
    ("make", "send", "status", "sentence"),
    [
        pytest.param(
            finalized,
            lambda desk, invoice: desk.act(invoice, "finalize"),
            409,
            "This invoice is open already; only a draft can be finalized.",
            id="finalize twice",
        ),
        pytest.param(
            finalized,
            lambda desk, invoice: desk.send(
                f"invoices/{invoice.public_id}/", {"lines": []}, "patch"
            ),
            409,
            "This invoice is open; only a draft can be changed or deleted.",
            id="change what is finalized",
        ),
        pytest.param(
            void,
            lambda desk, invoice: Client().post(f"/i/{invoice.link_token}/pay/"),
            409,
            "This invoice is void: nothing is owed on it.",
            id="pay a void invoice",
        ),
        pytest.param(
            expired,
            lambda desk, invoice: Client().get(f"/i/{invoice.link_token}/"),
            410,
            "This link has expired",
            id="expired link",
        ),
        pytest.param(
            expired,
            lambda desk, invoice: Client().post(f"/i/{invoice.link_token}/pay/"),
            410,
            "This link has expired",
            id="pay by an expired link",
        ),
    ],
)
def test_what_an_invoice_is_past_is_refused_and_changes_nothing(
    desk: Desk,
    make: Callable[[Desk], Invoice],
    send: Callable[[Desk, Invoice], Any],
    status: int,
    sentence: str,
):
    invoice = make(desk)
    before = everything()

    response = send(desk, invoice)

    assert response.status_code == status
    assert sentence in told(response)
    assert everything() == before


def test_a_script_in_markdown_is_not_kept(desk: Desk):
    post = {"title": "Trip", "body": "Hello <script>alert(1)</script>*there*"}

    response = desk.send("posts/", post)

    assert response.status_code == 201
    written = Post.objects.get(title="Trip")
    assert written.body_html == "<p>Hello <em>there</em></p>\n"


def test_a_script_in_a_comment_is_shown_as_text(desk: Desk):
    shown = PostFactory(published=True)

    response = desk.reader.post(
        f"/blog/{shown.slug}/comments/",
        {"body": "<script>alert(1)</script> [x](javascript:alert(1))"},
    )

    assert response.status_code == 302
    html = Comment.objects.get().body_html
    assert html.startswith("<p>&lt;script&gt;alert(1)&lt;/script&gt;")
    assert "href" not in html
