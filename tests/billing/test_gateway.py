import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import stripe as sdk
from django.conf import settings as django_settings
from django.utils import timezone
from stripe._api_version import _ApiVersion

from billing import gateway
from billing.exceptions import (
    AmountNotPayable,
    InvalidSignature,
    PaymentPending,
    PaymentRejected,
)
from invoices.money import EXPONENTS
from tests.billing.world import SECRET, start
from tests.stripe.currencies import SUPPORTED, step

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def signed(body: object, secret: str = SECRET, at: datetime | None = None):
    text = body if isinstance(body, str) else json.dumps(body)
    timestamp = int((at or timezone.now()).timestamp())
    header = sdk.WebhookSignature.generate_signature_header(text, secret, timestamp)
    return text.encode(), header


def event(**more):
    return {
        "object": "event",
        "id": "evt_1",
        "type": "checkout.session.completed",
        "livemode": False,
        "api_version": gateway.API_VERSION,
        "data": {"object": {"id": "cs_test_1", "object": "checkout.session"}},
    } | more


@pytest.fixture
def parse(settings):
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    return lambda body, header: gateway.parse_event(body, header, now=timezone.now())


@pytest.mark.parametrize(
    ("amount", "currency", "charged"),
    [
        (1234, "USD", 1234),
        (500, "JPY", 500),
        (5, "UGX", 500),
        (7, "ISK", 700),
        (5120, "KWD", 5120),
        (20_000, "HUF", 20_000),
        (1200, "MGA", 12),
        (99_999_999, "EUR", 99_999_999),
        (999_999, "ISK", 99_999_900),
    ],
)
def test_amounts_are_converted_both_ways(amount, currency, charged):
    assert gateway.to_stripe(amount, currency) == charged
    assert gateway.from_stripe(charged, currency) == amount


@pytest.mark.parametrize(
    ("amount", "currency", "sentence"),
    [
        (5124, "KWD", "Only steps of KWD\xa00.010 can be paid here."),
        (1250, "MGA", "Only steps of MGA\xa01.00 can be paid here."),
        (100_000_000, "EUR", "€999,999.99 is the most that can be paid at once."),
        (1_000_000, "UGX", "UGX\xa0999,999 is the most that can be paid at once."),
    ],
)
def test_what_stripe_cannot_charge_exactly_is_refused(amount, currency, sentence):
    with pytest.raises(AmountNotPayable, match=f"^{sentence}$"):
        gateway.to_stripe(amount, currency)


def test_whatever_stripe_takes_of_a_currency_comes_back_the_same():
    for currency in sorted(EXPONENTS.keys() & {code.upper() for code in SUPPORTED}):
        charged = 1000 * step(currency.lower())
        amount = gateway.from_stripe(charged, currency)

        assert gateway.to_stripe(amount, currency) == charged, currency


def test_money_in_a_currency_iso_has_not_keeps_the_figures_of_stripe():
    assert gateway.from_stripe(1234, "ZZZ") == 1234


@pytest.mark.parametrize(
    ("currency", "least"), [("EUR", 50), ("JPY", 50), ("KWD", 10), ("MGA", 100)]
)
def test_the_smallest_charge_is_one_that_can_be_charged(currency, least):
    assert gateway.smallest_charge(currency) == least
    assert gateway.to_stripe(least, currency) > 0


def test_a_signed_event_is_parsed(parse):
    assert parse(*signed(event())) == gateway.Event(
        id="evt_1",
        type="checkout.session.completed",
        object_id="cs_test_1",
        livemode=False,
        api_version="2026-10-28.endive",
    )


def test_an_event_about_an_object_without_an_id_is_parsed(parse):
    balance = event(type="balance.available", data={"object": {}}, api_version=None)

    parsed = parse(*signed(balance))

    assert (parsed.object_id, parsed.api_version) == ("", "")


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        [1, 2],
        "null",
        {"object": "v2.core.event", "id": "evt_1"},
        {"object": "event"},
        event(data=None),
        event(data={"object": "cs_test_1"}),
        event(account="acct_1"),
        event(context="acct_1"),
    ],
    ids=str,
)
@pytest.mark.scenario(49)
def test_what_is_signed_but_no_event_for_us_is_refused(parse, body):
    with pytest.raises(InvalidSignature, match=r"^The body is no event\.$"):
        parse(*signed(body))


@pytest.mark.scenario(56)
def test_a_signature_of_the_future_is_refused(parse):
    now = timezone.now()

    assert parse(*signed(event(), at=now + timedelta(minutes=9)))
    with pytest.raises(InvalidSignature, match="future"):
        parse(*signed(event(), at=now + timedelta(minutes=11)))


@pytest.mark.scenario(57)
def test_a_body_larger_than_any_event_is_refused_before_it_is_checked(parse):
    with pytest.raises(InvalidSignature, match="larger than any event"):
        parse(*signed(event(padding="x" * 65_536)))


def test_without_a_secret_nothing_is_believed(parse, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []

    with pytest.raises(InvalidSignature):
        parse(*signed(event(), secret=""))


def test_the_sdk_is_pinned_to_the_version_we_ask_for():
    assert gateway.API_VERSION == _ApiVersion.CURRENT


@pytest.fixture
def fresh_clients():
    gateway.client.cache_clear()
    yield
    gateway.client.cache_clear()


@pytest.mark.parametrize(
    ("quick", "timeout", "retries"), [(False, (3, 8), 1), (True, (2, 6), 0)]
)
def test_every_call_ends_before_the_gateway_of_lambda_gives_up(
    fresh_clients, quick, timeout, retries
):
    client = gateway.client(quick=quick)

    assert client._requestor._options.max_network_retries == retries
    assert client._requestor._client._timeout == timeout
    assert (sum(timeout) + 0.5) * (retries + 1) < 29
    assert sdk.enable_telemetry is False


def test_the_stand_in_is_asked_where_one_is_named(fresh_clients, settings):
    assert gateway.client()._requestor._options.base_addresses["api"] == (
        "https://api.stripe.com"
    )
    gateway.client.cache_clear()
    settings.STRIPE_API_BASE = "http://localhost:12111"

    client = gateway.client()

    assert client._requestor._options.base_addresses["api"] == "http://localhost:12111"
    assert gateway.client() is client


def ours(caplog) -> list[str]:
    return [row.levelname for row in caplog.records if row.name == "billing.gateway"]


@pytest.mark.django_db
class TestErrors:
    def ask(self):
        return gateway.create_refund(
            payment_intent="pi_1", amount=100, currency="EUR", key=uuid4()
        )

    @pytest.mark.scenario(39)
    @pytest.mark.parametrize("kind", ["timeout_before", "500_before", "429"])
    def test_what_nobody_knows_is_pending(self, stripe, kind):
        stripe.fault("POST", "/v1/refunds", kind, 2)

        with pytest.raises(PaymentPending, match="nothing was charged"):
            self.ask()

    def test_what_stripe_refuses_is_rejected_with_its_reason(self, stripe):
        with pytest.raises(PaymentRejected) as rejected:
            self.ask()

        assert rejected.value.reason == "resource_missing"

    def test_a_refusal_without_a_code_names_its_kind(self, stripe, monkeypatch):
        def forbid(*args, **kwargs):
            return '{"error": {"message": "No."}}', 403, {}

        monkeypatch.setattr(stripe, "request", forbid)

        with pytest.raises(PaymentRejected) as rejected:
            self.ask()

        assert rejected.value.reason == "PermissionError"

    def test_a_key_stripe_does_not_know_is_loud_and_pending(
        self, stripe, monkeypatch, caplog
    ):
        def unknown_key(*args, **kwargs):
            return '{"error": {"message": "Invalid API Key provided"}}', 401, {}

        monkeypatch.setattr(stripe, "request", unknown_key)

        with pytest.raises(PaymentPending):
            self.ask()

        assert ours(caplog) == ["CRITICAL"]

    def test_other_parameters_under_a_key_are_loud_and_never_sent_anew(
        self, stripe, invoice, caplog
    ):
        checkout = start(invoice)
        changed = checkout.params | {"client_reference_id": "another"}

        with pytest.raises(PaymentPending):
            gateway.create_session(changed, checkout.key)

        assert ours(caplog) == ["CRITICAL"]
        assert len(stripe.sessions) == 1


@pytest.mark.django_db
def test_a_session_tells_nothing_of_metadata_that_is_not_ours(stripe, invoice):
    session_id = start(invoice).session_id
    stripe.sessions[session_id]["metadata"] = {"checkout": "written by hand"}

    assert gateway.retrieve_session(session_id).checkout_key is None


@pytest.mark.scenario(64)
@pytest.mark.django_db
@pytest.mark.thorough
def test_stripe_is_not_loaded_by_a_page_that_takes_no_money(tmp_path):
    script = (
        "import sys, django; django.setup();"
        "from django.core.management import call_command;"
        "call_command('migrate', verbosity=0);"
        "from django.test import Client;"
        "assert Client(headers={'host': 'localhost'}).get('/').status_code == 200;"
        "print('stripe' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=django_settings.BASE_DIR,
        env={
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr[-2000:]) == ("False\n", "")
