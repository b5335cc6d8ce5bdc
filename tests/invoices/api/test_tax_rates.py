from decimal import Decimal

import pytest

from accounts.models import Event
from invoices.models import TaxRate
from tests.factories import TaxRateFactory
from tests.invoices.api.world import API, url

pytestmark = pytest.mark.django_db


def test_tax_rate_is_written_down(api):
    response = api.post(f"{API}/tax-rates/", {"name": "VAT 7.7 %", "percent": "7.7"})

    rate = TaxRate.objects.get()
    assert response.status_code == 201
    assert response.json() | {"id": "", "business": ""} == {
        "id": "",
        "business": "",
        "name": "VAT 7.7 %",
        "category": "S",
        "percent": "7.7",
        "note": "",
        "is_active": True,
        "created_at": "2026-03-01T09:30:00Z",
        "updated_at": "2026-03-01T09:30:00Z",
    }
    assert rate.percent == Decimal("7.7")


def test_tax_rate_is_changed_and_written_anew(api, rate):
    api.patch(url(rate), {"is_active": False})
    response = api.put(url(rate), {"name": "VAT 20 %", "percent": "20"})

    rate.refresh_from_db()
    assert response.status_code == 200
    assert (rate.name, rate.percent) == ("VAT 20 %", 20)


def test_tax_rate_that_nobody_used_is_deleted(api, rate):
    assert api.delete(url(rate)).status_code == 204
    assert TaxRate.objects.count() == 0


def test_tax_rate_in_use_is_deactivated_instead(api, draft, rate):
    refused = api.delete(url(rate))
    changed = api.patch(url(rate), {"is_active": False})

    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert refused.json()["detail"].endswith("Deactivate it instead.")
    assert changed.json()["is_active"] is False


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"percent": "500"}, "percent"),
        ({"percent": "-1"}, "percent"),
        ({"percent": "NaN"}, "percent"),
        ({"percent": "1e400"}, "percent"),
        ({"category": "X"}, "category"),
        ({"name": ""}, "name"),
        ({"percent": "0", "category": "E"}, "non_field_errors"),
        ({"percent": "19", "category": "Z"}, "non_field_errors"),
    ],
)
def test_tax_rate_that_cannot_be_is_refused(api, business, fields, field):
    response = api.post(f"{API}/tax-rates/", {"name": "VAT", "percent": "19"} | fields)

    assert response.status_code == 400
    assert [*response.json()["errors"]] == [field]
    assert (TaxRate.objects.count(), Event.objects.count()) == (0, 0)


def test_tax_rates_are_filtered(api, business, rate):
    TaxRateFactory(business=business, is_active=False)

    found = api.get(f"{API}/tax-rates/", {"is_active": "true"}).json()["results"]

    assert [row["id"] for row in found] == [str(rate.public_id)]
