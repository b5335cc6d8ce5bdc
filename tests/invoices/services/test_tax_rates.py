from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from accounts.models import Event
from invoices.exceptions import Deleted, InUse
from invoices.models import TaxRate
from invoices.services import tax_rates
from tests.factories import (
    BusinessFactory,
    InvoiceLineFactory,
    TaxRateFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def events():
    return [
        (event.type, event.subject_id, event.business, event.actor)
        for event in Event.objects.order_by("pk")
    ]


def test_create_tax_rate_writes_it_and_who_did():
    business, actor = BusinessFactory(), UserFactory()

    rate = tax_rates.create_tax_rate(
        business=business,
        fields={"name": "VAT 7.7 %", "percent": Decimal("7.7")},
        actor=actor,
        now=NOW,
    )

    assert TaxRate.objects.get(business=business, percent=Decimal("7.7")) == rate
    assert events() == [("tax_rate.created", str(rate.public_id), business, actor)]


@pytest.mark.parametrize(
    ("fields", "wrong", "sentence"),
    [
        ({"percent": 500}, "percent", "A tax rate is a percentage between 0 and 100."),
        (
            {"category": "Z", "percent": 19},
            NON_FIELD_ERRORS,
            "Only the standard category has a percentage.",
        ),
        (
            {"category": "AE", "percent": 0},
            NON_FIELD_ERRORS,
            "Say on the invoice why no tax is charged: fill in the note.",
        ),
    ],
)
def test_create_tax_rate_refuses_what_is_wrong(fields, wrong, sentence):
    with pytest.raises(ValidationError) as refused:
        tax_rates.create_tax_rate(
            business=BusinessFactory(),
            fields={"name": "VAT"} | fields,
            actor=None,
            now=NOW,
        )

    assert refused.value.message_dict[wrong][0] == sentence
    assert (TaxRate.objects.count(), events()) == (0, [])


def test_create_tax_rate_knows_its_fields():
    with pytest.raises(TypeError, match="not for a caller to set on tax rate: pk"):
        tax_rates.create_tax_rate(
            business=BusinessFactory(), fields={"pk": 1}, actor=None, now=NOW
        )


def test_update_tax_rate_changes_what_is_given():
    rate = TaxRateFactory(name="VAT")

    tax_rates.update_tax_rate(
        tax_rate=rate, fields={"is_active": False}, actor=None, now=NOW
    )

    rate.refresh_from_db()
    assert (rate.name, rate.is_active) == ("VAT", False)
    assert events() == [("tax_rate.updated", str(rate.public_id), rate.business, None)]


def test_delete_tax_rate_leaves_the_event():
    rate = TaxRateFactory()

    tax_rates.delete_tax_rate(tax_rate=rate, actor=None, now=NOW)

    assert not TaxRate.objects.exists()
    assert events() == [("tax_rate.deleted", str(rate.public_id), rate.business, None)]


def test_delete_tax_rate_refuses_one_in_use():
    rate = InvoiceLineFactory().tax_rate

    with pytest.raises(InUse, match="Deactivate it instead"):
        tax_rates.delete_tax_rate(tax_rate=rate, actor=None, now=NOW)

    assert (list(TaxRate.objects.all()), events()) == ([rate], [])


def test_tax_rate_deleted_meanwhile_is_refused():
    rate = TaxRateFactory()
    TaxRate.objects.all().delete()

    with pytest.raises(Deleted):
        tax_rates.update_tax_rate(tax_rate=rate, fields={}, actor=None, now=NOW)
    with pytest.raises(Deleted):
        tax_rates.delete_tax_rate(tax_rate=rate, actor=None, now=NOW)
