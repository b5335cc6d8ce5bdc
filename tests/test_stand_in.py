import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests
import stripe

from tests.stand_in import POLL, StandIn, remember

VERSION = "2026-10-28.endive"
SECRET = "whsec_stand_in"
SUCCESS = "https://shop.example/return?session={CHECKOUT_SESSION_ID}"
CANCEL = "https://shop.example/invoice?a=1&b=2"


class Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Merchant:
    """A webhook endpoint that checks signatures, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.events: list[Any] = []
        self._server = make_server("127.0.0.1", 0, self, handler_class=Silent)
        self.url = f"http://127.0.0.1:{self._server.server_port}/stripe/webhook/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL,))

    def __enter__(self) -> "Merchant":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        signature = environ["HTTP_STRIPE_SIGNATURE"]
        self.events.append(stripe.Webhook.construct_event(body, signature, SECRET))
        status = self.answers.pop(0) if self.answers else 200
        start_response(f"{status} told so", [("Location", "/elsewhere")])
        return [b""]

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with Merchant() as merchant:
        yield merchant


@pytest.fixture
def stand_in(merchant: Merchant) -> Iterator[StandIn]:
    with StandIn(
        webhook_url=merchant.url, secret=SECRET, retry_delays=(0, 0)
    ) as stand_in:
        yield stand_in


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[stripe.StripeClient]:
    http = stripe.RequestsClient(timeout=(3, 8))
    yield stripe.StripeClient(
        "sk_test_fake",
        stripe_version=VERSION,
        max_network_retries=1,
        http_client=http,
        base_addresses={"api": stand_in.url},
    )
    http.close()


@pytest.fixture
def create(client: stripe.StripeClient) -> Callable[..., Any]:
    def create_session(
        amount: int = 12_000, currency: str = "eur", name: str = "Invoice 2026-0001"
    ) -> Any:
        price = {
            "currency": currency,
            "unit_amount": amount,
            "product_data": {"name": name, "description": "Atelier Nørd & Söhne"},
        }
        return client.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "success_url": SUCCESS,
                "cancel_url": CANCEL,
                "line_items": [{"price_data": price, "quantity": 1}],
            }
        )

    return create_session


def choose(session: Any, choice: str) -> requests.Response:
    """Press a button of the page, without following where it leads."""
    return requests.post(session.url, {"do": choice}, timeout=5, allow_redirects=False)


def success_url(session: Any) -> str:
    return SUCCESS.replace("{CHECKOUT_SESSION_ID}", session.id)


PAID = ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


def test_a_payer_pays_and_the_merchant_is_told(stand_in, merchant, client, create):
    session = create()

    answer = choose(session, "pay")
    stand_in.courier.wait()

    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        success_url(session),
    )
    assert merchant.types == PAID
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert client.v1.events.list({"delivery_success": False}).data == []


@pytest.mark.parametrize(
    ("choice", "delivered"),
    [("twice", PAID * 2), ("reversed", PAID[::-1]), ("silent", [])],
)
def test_webhooks_misbehave_when_told_to(
    stand_in, merchant, client, create, choice, delivered
):
    session = create()

    answer = choose(session, choice)
    stand_in.courier.wait()

    assert answer.headers["Location"] == success_url(session)
    assert merchant.types == delivered
    undelivered = client.v1.events.list({"delivery_success": False}).data
    assert len(undelivered) == (3 if choice == "silent" else 0)


def test_a_declined_payer_is_told_and_may_try_again(stand_in, merchant, create):
    session = create()

    answer = choose(session, "decline")
    page = requests.get(answer.headers["Location"], timeout=5).text
    again = choose(session, "pay")
    stand_in.courier.wait()

    assert answer.headers["Location"] == session.url
    assert "Your card has insufficient funds." in page
    assert again.headers["Location"] == success_url(session)
    assert sorted(merchant.types) == sorted(
        ["charge.failed", "payment_intent.payment_failed", *PAID]
    )


@pytest.mark.parametrize(
    ("choice", "event", "said"),
    [
        ("succeed", "checkout.session.async_payment_succeeded", "This is paid."),
        ("fail", "checkout.session.async_payment_failed", "Nothing was paid."),
    ],
)
def test_a_bank_debit_is_settled_on_the_same_page(
    stand_in, merchant, create, choice, event, said
):
    session = create()

    begun = choose(session, "bank")
    waiting = requests.get(session.url, timeout=5).text
    stand_in.courier.wait()
    settled = choose(session, choice)
    stand_in.courier.wait()

    assert begun.headers["Location"] == session.url
    assert "The debit succeeds" in waiting
    assert merchant.types[-1] == event
    assert said in requests.get(session.url, timeout=5).text
    assert settled.headers["Location"] == (
        success_url(session) if choice == "succeed" else session.url
    )


def test_an_expired_session_says_so_and_links_back(stand_in, merchant, create):
    session = create()

    choose(session, "expire")
    page = requests.get(session.url, timeout=5).text
    late = choose(session, "pay")
    stand_in.courier.wait()

    assert "This session has expired." in page
    assert 'href="https://shop.example/invoice?a=1&amp;b=2"' in page
    assert late.headers["Location"] == session.url
    assert merchant.types == ["checkout.session.expired"]


def test_what_the_api_causes_is_delivered_too(stand_in, merchant, client, create):
    session = create()
    choose(session, "silent")
    intent = client.v1.checkout.sessions.retrieve(session.id).payment_intent

    client.v1.refunds.create({"payment_intent": intent, "amount": 100})
    stand_in.courier.wait()

    assert merchant.types == ["refund.created", "charge.refunded"]


@pytest.mark.parametrize("answer", [500, 404, 302])
def test_a_failed_delivery_is_tried_again(stand_in, merchant, create, answer):
    merchant.answers = [answer]

    choose(create(), "pay")
    stand_in.courier.wait()

    assert merchant.types == [*PAID, "charge.succeeded"]
    assert stand_in.courier.attempts[0] == ("charge.succeeded", answer)


def test_a_merchant_that_is_down_is_given_up(create, client, stand_in, merchant):
    merchant.answers = [500] * 9

    choose(create(), "pay")
    stand_in.courier.wait()

    assert merchant.types == PAID * 3
    assert len(client.v1.events.list({"delivery_success": False}).data) == 3


def test_nobody_at_the_webhook_url_is_a_failed_delivery(merchant):
    with StandIn(
        webhook_url="http://127.0.0.1:9/", secret=SECRET, retry_delays=()
    ) as stand_in:
        stand_in.courier.send([stand_in.stripe.event("charge.succeeded", {})])
        stand_in.courier.wait()

    assert stand_in.courier.attempts == [("charge.succeeded", None)]


def test_stopping_does_not_wait_for_the_next_try(merchant):
    merchant.answers = [500]
    begun = time.monotonic()

    with StandIn(
        webhook_url=merchant.url, secret=SECRET, retry_delays=(60,)
    ) as stand_in:
        stand_in.courier.send([stand_in.stripe.event("charge.succeeded", {})])

    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (123_450, "eur", "EUR 1,234.50"),
        (500, "jpy", "JPY 500"),
        (5_120, "kwd", "KWD 5.120"),
    ],
)
def test_the_page_shows_what_is_asked_for(create, amount, currency, shown):
    session = create(amount, currency)

    page = requests.get(session.url, timeout=5)

    assert f"Pay {shown}" in page.text
    assert "Invoice 2026-0001" in page.text
    assert "Atelier Nørd &amp; Söhne" in page.text
    assert "No money moves" in page.text
    assert "<script" not in page.text


def test_the_page_escapes_what_the_merchant_wrote(create):
    session = create(name="<script>alert('$total')</script>")

    page = requests.get(session.url, timeout=5).text

    assert "<script" not in page
    assert "&lt;script&gt;alert(&#x27;$total&#x27;)&lt;/script&gt;" in page


def test_an_unknown_page_is_not_found(stand_in):
    session = requests.get(f"{stand_in.url}/pay/cs_test_none", timeout=5)
    page = requests.get(f"{stand_in.url}/none", timeout=5)

    assert (session.status_code, page.status_code) == (404, 404)
    assert requests.get(stand_in.url, timeout=5).status_code == 200


def test_an_unknown_button_changes_nothing(stand_in, create):
    session = create()

    answer = choose(session, "steal")

    assert answer.headers["Location"] == session.url
    assert stand_in.stripe.events == []


def test_idempotency_holds_over_http(stand_in, client):
    price = {"currency": "eur", "unit_amount": 100, "product_data": {"name": "A"}}
    params = {
        "mode": "payment",
        "success_url": SUCCESS,
        "line_items": [{"price_data": price}],
    }

    for _ in range(2):
        session = client.v1.checkout.sessions.create(params, {"idempotency_key": "k"})

    assert list(stand_in.stripe.sessions) == [session.id]
    assert session.last_response.headers["Idempotent-Replayed"] == "true"


def test_a_request_stripe_does_not_document_is_answered_400(client, create):
    with pytest.raises(stripe.InvalidRequestError, match="payment_method_types"):
        client.v1.checkout.sessions.create(
            {"success_url": SUCCESS, "payment_method_types": ["card"]}
        )


def test_the_command_announces_where_it_is(tmp_path: Path):
    announced = tmp_path / "address"
    command = [
        *(sys.executable, "-m", "tests.stand_in", "--announce", str(announced)),
        *("--webhook-url", "http://127.0.0.1:9/", "--secret", SECRET),
    ]

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline()
            page = requests.get(announced.read_text(), timeout=5)
        finally:
            process.terminate()

    assert said == f"Stand-in for Stripe: {announced.read_text()}\n"
    assert page.status_code == 200


def test_what_was_paid_before_it_ran_can_go_back_once(tmp_path, stand_in, client):
    books = tmp_path / "books of a laptop.sqlite3"
    with closing(sqlite3.connect(books)) as database:
        database.executescript("""
            CREATE TABLE billing_payment (id, payment_intent, charge, amount, currency);
            CREATE TABLE billing_refund (payment_id, amount, status);
            INSERT INTO billing_payment VALUES (1, 'pi_demo', 'ch_demo', 5000, 'EUR');
            INSERT INTO billing_refund VALUES (1, 1000, 'succeeded'), (1, 9, 'failed');
        """)
    remember(stand_in.stripe, books)

    refund = client.v1.refunds.create({"payment_intent": "pi_demo"})

    assert (refund.amount, refund.currency, refund.status) == (4000, "eur", "succeeded")
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        client.v1.refunds.create({"payment_intent": "pi_demo"})
