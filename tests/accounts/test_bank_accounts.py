import pytest
from django.core.exceptions import ValidationError

from accounts.bank_accounts import compact_bic, compact_iban
from accounts.services.businesses import update_business
from tests.factories import BusinessFactory


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", ""),
        ("DE89370400440532013000", "DE89370400440532013000"),
        (" de89 3704 0044 0532 0130 00 ", "DE89370400440532013000"),
        ("CH93 0076 2011 6238 5295 7", "CH9300762011623852957"),
        ("GB29-NWBK-6016-1331-9268-19", "GB29NWBK60161331926819"),
        ("GB29 NWBK 6016 1331 9268 19", "GB29NWBK60161331926819"),
        ("NO93 8601 1117 947", "NO9386011117947"),
    ],
)
def test_an_iban_is_kept_without_spaces(typed, kept):
    assert compact_iban(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "DE89370400440532013001",
        "DE98370400440532013000",
        "DE8937040044053201300",
        "370400440532013000",
        # Whose sum is right, and which is too short for a German one.
        "DE41370400440532013",
        "DE89370400440532013000" * 2,
        # Digits, and none that a bank reads.
        "DE٨٩370400440532013000",
    ],
)
def test_what_is_no_iban_is_refused(typed):
    with pytest.raises(ValidationError, match="is no IBAN"):
        compact_iban(typed)


@pytest.mark.parametrize(
    ("typed", "kept"), [("", ""), ("cobadeff", "COBADEFF"), ("COBA DE FF XXX",) * 2]
)
def test_a_bic_is_kept_without_spaces(typed, kept):
    assert compact_bic(typed) == kept.replace(" ", "")


@pytest.mark.parametrize("typed", ["COBA", "COBADEFFXX", "COBA11FF", "COBADEFFXXXX"])
def test_what_is_no_bic_is_refused(typed):
    with pytest.raises(ValidationError, match="is no BIC"):
        compact_bic(typed)


@pytest.mark.django_db
def test_a_business_says_where_transfers_go(now):
    business = BusinessFactory()
    typed = {"iban": "de89 3704 0044 0532 0130 00", "bic": "cobadeffxxx"}

    update_business(business=business, actor=None, now=now, fields=typed)
    for name in typed:
        with pytest.raises(ValidationError) as refused:
            update_business(
                business=business, actor=None, now=now, fields={name: "wrong"}
            )
        assert list(refused.value.message_dict) == [name]

    business.refresh_from_db()
    assert (business.iban, business.bic) == ("DE89370400440532013000", "COBADEFFXXX")
