import subprocess
import sys
from uuid import uuid4

import pytest
import stripe as sdk
from django.conf import settings as django_settings
from stripe._api_version import _ApiVersion

from billing.exceptions import PaymentPending, PaymentRejected
from billing.gateway.client import API_VERSION, stripe_client
from billing.gateway.refunds import create_refund
from billing.gateway.sessions import create_session
from tests.billing.world import start


def test_the_sdk_is_pinned_to_the_version_we_ask_for():
    assert API_VERSION == _ApiVersion.CURRENT


@pytest.fixture
def fresh_clients():
    stripe_client.cache_clear()
    yield
    stripe_client.cache_clear()


@pytest.mark.parametrize(
    ("quick", "timeout", "retries"), [(False, (3, 8), 1), (True, (2, 6), 0)]
)
def test_every_call_ends_before_the_gateway_of_lambda_gives_up(
    fresh_clients, quick, timeout, retries
):
    client = stripe_client(quick=quick)

    assert client._requestor._options.max_network_retries == retries
    assert client._requestor._client._timeout == timeout
    assert (sum(timeout) + 0.5) * (retries + 1) < 29
    assert sdk.enable_telemetry is False


def test_the_stand_in_is_asked_where_one_is_named(fresh_clients, settings):
    assert stripe_client()._requestor._options.base_addresses["api"] == (
        "https://api.stripe.com"
    )
    stripe_client.cache_clear()
    settings.STRIPE_API_BASE = "http://localhost:12111"

    client = stripe_client()

    assert client._requestor._options.base_addresses["api"] == "http://localhost:12111"
    assert stripe_client() is client


def ours(caplog) -> list[str]:
    return [
        row.levelname for row in caplog.records if row.name == "billing.gateway.client"
    ]


@pytest.mark.django_db
class TestErrors:
    def ask(self):
        return create_refund(
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
            create_session(changed, checkout.key)

        assert ours(caplog) == ["CRITICAL"]
        assert len(stripe.sessions) == 1


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
